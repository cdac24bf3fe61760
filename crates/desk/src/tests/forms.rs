//! The console's forms: what an analyst does at a page, without script and without the command line.

use policy::report::Category;

use super::bed::Bed;
use super::reports::comes;

#[tokio::test]
async fn from_the_queue_to_a_judged_case() {
    let bed = Bed::new().await;
    comes(&bed, "rpt-1", Category::Phishing, "https://one.first.example/login", "It looks like <my> bank.")
        .await;
    comes(&bed, "rpt-3", Category::ThreatToLife, "https://two.first.example/", "He comes on Friday.").await;
    bed.run(include_str!("../../tests/forms.txt")).await;
}

/// A second click writes nothing twice; the same words later are another entry.
#[tokio::test]
async fn a_second_click_is_no_second_entry() {
    let bed = Bed::new().await;
    let head = async || {
        let (_, page) = bed.ask("GET /cases/cas-1 as analyst").await;
        let head = page.split("name=\"head\" value=\"").nth(1).expect("a form");
        head.split_once('"').expect("closed").0.to_owned()
    };
    let entries = async || {
        let (_, page) = bed.ask("GET /cases/cas-1 as analyst").await;
        page.matches("act happened").count()
    };
    let (before, first) = (entries().await, head().await);
    let click = |head: &str| {
        format!(
            "POST /cases/cas-1/entries as analyst form act=happened&head={head}&happened=2027-01-15T07:00&\
             seen=2027-01-15T08:00:00Z&what=He+wrote+again."
        )
    };
    for _ in 0..2 {
        let (status, said) = bed.ask(&click(&first)).await;
        assert_eq!(status, 303, "{said}");
        bed.at(5);
    }
    assert_eq!(entries().await, before + 1);
    assert_eq!(bed.ask(&click(&head().await)).await.0, 303);
    assert_eq!(entries().await, before + 2, "shown the page, and written down once more");
}
