//! `portcullis approve`: another, independent officer checks everything himself and signs the same text.

use policy::AnyNote;
use policy::clock::Clock as _;

use crate::cli::{Global, Sign};
use crate::clock::RealClock;
use crate::desk_client::Desk;
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;
use crate::{review, signing};

pub(super) async fn run(global: &Global, args: Sign) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    let id = desk.resolve(&args.what).await?;
    let (text, note) = review::fetch(&desk, &officer, &id).await?;
    let AnyNote::Impose(impose) = note else {
        return Err(Failure::input(format!("{id} is a {}, not a proposal to block", note.kind())));
    };
    review::show_impose(&desk, &impose, RealClock::new().now()).await?;
    let note = signing::add(&desk, &officer, &id, &text, args.yes).await?;
    Ok(signing::report(global, &note, &format!("{} status {id} --watch", global.me())))
}
