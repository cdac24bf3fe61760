//! The committed OpenAPI document is the one the code makes, and names exactly the API's routes.

use std::collections::BTreeSet;

use crate::{openapi_json, routes};

#[test]
fn the_committed_document_is_the_generated_one() {
    let committed = include_str!("../../openapi.json");
    assert!(
        committed == openapi_json(),
        "crates/desk/openapi.json is not what the code says. If the change is meant:\n    \
         cargo run -p portcullis -- openapi > crates/desk/openapi.json"
    );
}

#[test]
fn the_document_names_every_route_and_no_other() {
    let document: serde_json::Value = serde_json::from_str(&openapi_json()).expect("JSON");
    assert!(document["openapi"].as_str().is_some_and(|v| v.starts_with("3.1")));
    let mut said = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("operations") {
            said.insert(format!("{} {path}", method.to_uppercase()));
            let id = operation["operationId"].as_str().expect("an operation has an id");
            assert!(ids.insert(id.to_owned()), "twice: {id}");
            let responses = operation["responses"].as_object().expect("responses");
            assert!(responses.contains_key("4XX") && responses.contains_key("5XX"), "{method} {path}");
        }
    }
    let served = routes::API.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    assert_eq!(said, served);
}
