//! `portcullis token create | list | remove`: lets a person or a program talk to the desk. A token signs nothing.

use crate::cli::{self, Global, TokenRole};
use crate::config::Config;
use crate::exit::{Exit, Failure, Result};
use crate::{home, out};
use ledger::Hash;
use policy::Time;
use policy::clock::Clock as _;
use store::Store;

pub(super) async fn run(global: &Global, args: cli::Token) -> Result<Exit> {
    let store = open(global).await?;
    let (name, role) = match args {
        cli::Token::Create { name, role } => (name, role),
        cli::Token::List => return list(global, &store).await,
        cli::Token::Remove { name } => {
            if !store.remove_token(&name).await.map_err(store_failure)? {
                return Err(Failure::input(format!("there is no token named {name:?}"))
                    .next("`portcullis token list` shows all"));
            }
            out::made(global, "removed", name);
            return Ok(Exit::Ok);
        }
    };
    if name.trim().is_empty() {
        return Err(Failure::input("a token needs a name, so that somebody knows what it is for"));
    }
    let role = match role {
        TokenRole::Reader => desk::Role::Reader,
        TokenRole::Analyst => desk::Role::Analyst,
        TokenRole::Officer => desk::Role::Officer,
    };
    let secret = create(&store, &name, role, crate::clock::RealClock::new().now()).await?;
    out::made(global, "token", secret);
    out::note("only its hash is kept: this is the one time you see it");
    Ok(Exit::Ok)
}

/// The desk's store, from the home of the installation.
pub(super) async fn open(global: &Global) -> Result<Store> {
    let config = Config::open(&global.home.join("portcullis.toml"))?;
    config.need(&["desk"])?;
    Store::open(&config.desk().dir).await.map_err(store_failure)
}

async fn list(global: &Global, store: &Store) -> Result<Exit> {
    let tokens = store.tokens().await.map_err(store_failure)?;
    if global.json {
        let all: Vec<_> = tokens
            .iter()
            .map(
                |t| serde_json::json!({ "name": t.name, "scope": t.scope, "created": t.created.to_string() }),
            )
            .collect();
        out::json(&serde_json::json!({ "tokens": all }));
        return Ok(Exit::Ok);
    }
    let mut rows = vec![["token", "scope", "created"].map(String::from).to_vec()];
    rows.extend(tokens.iter().map(|t| vec![t.name.clone(), t.scope.clone(), t.created.to_string()]));
    out::data(out::table(&rows));
    Ok(Exit::Ok)
}

/// Makes a token, and gives its secret.
pub(super) async fn create(store: &Store, name: &str, role: desk::Role, now: Time) -> Result<String> {
    // 256 random bits: nobody guesses it, so its plain hash can be kept.
    let secret = Hash(home::random()?).to_string();
    store.add_token(name, &Hash::of(secret.as_bytes()), role.word(), now).await.map_err(store_failure)?;
    Ok(secret)
}

pub(super) fn store_failure(error: store::StoreError) -> Failure {
    let exit = if matches!(error, store::StoreError::Conflict(_)) { Exit::Exists } else { Exit::Io };
    Failure::new(exit, format!("the desk's store: {error}"))
}
