//! `portcullis token create`: lets a person or a program talk to the desk. It signs nothing.

use crate::cli::{self, Global};
use crate::config::Config;
use crate::exit::{Exit, Failure, Result};
use crate::{home, out};
use ledger::Hash;
use policy::Time;
use policy::clock::Clock as _;
use store::Store;

pub(super) async fn run(global: &Global, args: cli::Token) -> Result<Exit> {
    let cli::Token::Create { name } = args;
    let config = Config::open(&global.home.join("portcullis.toml"))?;
    config.need(&["desk"])?;
    let store = Store::open(&config.desk().dir).await.map_err(store_failure)?;
    let secret = create(&store, &name, crate::clock::RealClock::new().now()).await?;
    out::data(secret);
    out::note("only its hash is kept: this is the one time you see it");
    Ok(Exit::Ok)
}

/// Makes a token that may submit, and gives its secret.
pub(super) async fn create(store: &Store, name: &str, now: Time) -> Result<String> {
    // 256 random bits: nobody guesses it, so its plain hash can be kept.
    let secret = Hash(home::random()?).to_string();
    let scope = desk::Role::Officer.word();
    store.add_token(name, &Hash::of(secret.as_bytes()), scope, now).await.map_err(store_failure)?;
    Ok(secret)
}

pub(super) fn store_failure(error: store::StoreError) -> Failure {
    Failure::new(Exit::Io, format!("the desk's store: {error}"))
}
