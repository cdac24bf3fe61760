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
    match note {
        AnyNote::Impose(impose) => review::show_impose(&desk, &impose, RealClock::new().now()).await?,
        AnyNote::Continue(next) => review::show_continue(&desk, &officer, &next).await?,
        AnyNote::Finding(_) => {
            let next = format!("{} finding sign {id}", global.me());
            return Err(Failure::input(format!("{id} is a finding")).next(next));
        }
        // The text says it all.
        AnyNote::Suspend(_)
        | AnyNote::Policy(_)
        | AnyNote::Refuse(_)
        | AnyNote::Lift(_)
        | AnyNote::Config(_) => {}
    }
    let note = signing::add(&desk, &officer, &id, &text, args.yes).await?;
    Ok(signing::report(global, &note, &format!("{} status {id} --watch", global.me())))
}
