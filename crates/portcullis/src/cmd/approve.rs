//! `portcullis approve`: another, independent officer checks everything himself and signs the same text.

use policy::AnyNote;
use policy::clock::Clock as _;

use crate::cli::{Global, Sign};
use crate::clock::RealClock;
use crate::desk_client::{Desk, text as text_of};
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;
use crate::house::House;
use crate::{change, review, signing};

pub(super) async fn run(global: &Global, args: Sign) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    let id = desk.resolve(&args.what).await?;
    let (text, note) = review::fetch(&desk, &officer, &id).await?;
    match &note {
        AnyNote::Impose(impose) => review::show_impose(&desk, impose, RealClock::new().now()).await?,
        AnyNote::Continue(next) => review::show_continue(&desk, &officer, next).await?,
        AnyNote::Finding(_) => {
            let next = format!("{} finding sign {id}", global.me());
            return Err(Failure::input(format!("{id} is a finding")).next(next));
        }
        AnyNote::Suspend(suspend) => {
            let house = House::load(&desk, &officer.trust()?).await?;
            super::suspend::show(&house, suspend);
        }
        AnyNote::Policy(policy) => {
            let house = House::load(&desk, &officer.trust()?).await?;
            if !house.state.has_logged(&id) {
                house.judge(&text)?;
            }
            change::show(&house, policy);
        }
        AnyNote::Config(config) => review::show_config(&desk, config).await?,
        // The text says it all.
        AnyNote::Refuse(_) | AnyNote::Lift(_) => {}
    }
    let blocks = matches!(note, AnyNote::Impose(_) | AnyNote::Continue(_));
    let signed = signing::add(&desk, &officer, &id, &text, args.yes).await?;
    let next = if blocks {
        format!("{} status {id} --watch", global.me())
    } else if text_of(&signed, "state") == "published" {
        format!("{} quorum", global.me())
    } else {
        format!("whoever is missing: {} approve {id}", global.somebody())
    };
    Ok(signing::report(global, &signed, &next))
}
