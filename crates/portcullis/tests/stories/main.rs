//! Stories as data: who does what at which time, and what must then be possible, impossible and public. One file a
//! story, in `scripts/`; `script.rs` says how they read, `world.rs` has a real desk, press and ledger under a clock that
//! only the story moves, `acts.rs` does what people do.

mod acts;
mod script;
mod world;

use script::Story;

/// Every file in `scripts/` is a test here, and the other way round.
macro_rules! stories {
    ($($name:ident)+) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];
        $(
            #[tokio::test]
            async fn $name() {
                let text = include_str!(concat!("scripts/", stringify!($name), ".story"));
                Story::parse(text).unwrap_or_else(|why| panic!("{}: {why}", stringify!($name))).walk().await;
            }
        )+
    };
}

stories! {
    a_customer_who_remedies_in_time
    an_authority_that_objects
    an_officer_missing_at_night
    a_phishing_page_on_an_ordinary_day
    a_second_account_of_the_same_people
    planted_content
    the_2022_timeline
    the_wrong_customer
    two_people_and_two_trustees
}

#[test]
fn every_script_is_a_test() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories/scripts");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"))
        .collect();
    files.sort();
    let mut named: Vec<String> = NAMES.iter().map(|name| format!("{name}.story")).collect();
    named.sort();
    assert_eq!(files, named);
}
