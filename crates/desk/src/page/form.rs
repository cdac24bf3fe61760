//! What a form of the console sends, as the API's own JSON: one reader for both, and one set of complaints.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::DeskError;

/// Fields that may stand in a form several times, and are a list even when they stand there once.
const LISTS: [&str; 2] = ["evidence", "reports"];

/// The fields of a form, whose empty ones are as if they were not there.
pub(super) struct Form(Map<String, Value>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL section 5.1).
    pub(super) fn read(body: &[u8]) -> Self {
        let mut fields = Map::new();
        for (name, value) in form_urlencoded::parse(body).filter(|(_, value)| !value.trim().is_empty()) {
            // A time of `datetime-local`, whose label says UTC.
            let local = value.len() == 16 && value.as_bytes().get(10) == Some(&b'T');
            let value = if local { format!("{value}:00Z") } else { value.trim().to_owned() };
            if LISTS.contains(&&*name) {
                let list = fields.entry(name.into_owned()).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(list) = list {
                    list.push(value.into());
                }
            } else {
                fields.insert(name.into_owned(), value.into());
            }
        }
        Self(fields)
    }

    /// Takes one field out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name) {
            Some(Value::String(value)) => Some(value),
            _ => None,
        }
    }

    /// What is left, as the API reads it.
    pub(super) fn into<T: DeserializeOwned>(self) -> Result<T, DeskError> {
        serde_json::from_value(Value::Object(self.0))
            .map_err(|e| DeskError::Request(format!("{e}; go back, what you wrote is still there")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_what_the_api_takes() {
        let body =
            b"act=judge&why=+He+says+so.+&until=2026-11-22T23:15&evidence=evd-1&evidence=evd-2&place=&head=x";
        let mut form = Form::read(body);
        assert_eq!(form.take("head").as_deref(), Some("x"));
        let json: Value = form.into().expect("JSON");
        let want = serde_json::json!({ "act": "judge", "why": "He says so.", "until": "2026-11-22T23:15:00Z",
            "evidence": ["evd-1", "evd-2"] });
        assert_eq!(json, want);
    }
}
