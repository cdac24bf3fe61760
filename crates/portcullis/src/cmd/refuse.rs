//! `portcullis refuse`: asked, and not done; on the record.

use policy::Id;
use policy::clock::Clock as _;
use policy::note::{AskedBy, Class, Head, Refuse};

use crate::cli::{self, Global};
use crate::clock::RealClock;
use crate::desk_client::Desk;
use crate::exit::{Exit, Failure, Result};
use crate::home::{Officer, new_id};
use crate::signing;

pub(super) async fn run(global: &Global, args: cli::Refuse) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    let wrong = |what: &str| Failure::input(what.to_owned());
    let note = Refuse {
        head: Head { origin: officer.trust()?.origin, id: new_id("ref")? },
        case: Id::parse(&args.case).filter(|case| case.as_str().starts_with("cas-")).ok_or_else(|| {
            wrong("a case is an id such as cas-0193…; `portcullis show FINDING` names a finding's")
        })?,
        class: Class::parse(&args.class)
            .ok_or_else(|| wrong("--class is emergency, abuse, standing or order"))?,
        asked_by: AskedBy::parse(&args.asked_by)
            .ok_or_else(|| wrong("--asked-by is reporter, authority or officer"))?,
        time: RealClock::new().now(),
        why: super::continues::sentence("--why", &args.why)?,
    };
    let sent = signing::put_and_sign(&desk, &officer, &note.head.id, &note.to_string(), args.yes).await?;
    Ok(signing::report(global, &sent, ""))
}
