//! `tests/matrix.txt` against the routes as they are.

use std::collections::BTreeMap;

use super::bed::Bed;
use crate::routes;

/// Who asks, and how that looks in a script.
const ASKERS: [(&str, &str, bool); 5] = [
    ("anyone", "", false),
    ("local", "host localhost:8081", true),
    ("reader", "as reader", false),
    ("analyst", "as analyst", false),
    ("officer", "as officer", false),
];

fn rows() -> BTreeMap<String, Vec<bool>> {
    let mut rows = BTreeMap::new();
    for line in include_str!("../../tests/matrix.txt").lines().filter(|l| !l.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [method, path, answers @ ..] = words.as_slice() else { panic!("a row has a route: {line}") };
        let answers: Vec<bool> = answers.iter().map(|a| *a == "yes").collect();
        assert_eq!(answers.len(), ASKERS.len(), "{line}");
        assert!(rows.insert(format!("{method} {path}"), answers).is_none(), "twice: {line}");
    }
    rows
}

#[tokio::test]
async fn every_route_lets_in_exactly_whom_the_matrix_names() {
    let closed = Bed::new().await;
    let open = Bed::with("demo:localhost/ledger", true).await;
    let mut rows = rows();
    let tables =
        [routes::API, routes::CONSOLE, routes::FORMS, routes::DOOR, routes::CEREMONIES, routes::RELAY];
    for (method, path, _) in tables.concat() {
        let route = format!("{method} {path}");
        let row = rows.remove(&route).unwrap_or_else(|| panic!("no row for {route} in tests/matrix.txt"));
        let path = path
            .replace("{id}", "nothing-1")
            .replace("{key}", "report-nothing")
            .replace("{sha256}", &"0".repeat(64));
        for ((who, words, opened), may) in ASKERS.iter().zip(row) {
            let bed = if *opened { &open } else { &closed };
            let status = bed.respond(&format!("{method} {path} {words}")).await.status();
            let let_in = !matches!(status.as_u16(), 401 | 403);
            assert_eq!(let_in, may, "{who}: {route} answered {status}");
            assert_ne!(status.as_u16(), 405, "{route} is served");
        }
    }
    assert!(rows.is_empty(), "rows without a route: {:?}", rows.keys());
}
