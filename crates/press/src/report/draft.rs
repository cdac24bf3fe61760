//! The form, and the API beside it: the same fields.

use policy::report::{Address, Category, MAX_ABOUT, Report, Reporter};
use policy::{Sentence, Time};
use serde_json::Value;

use super::content::name;
use super::{Complaint, Content, json};

/// What somebody typed, or sent, before anybody has looked at it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) category: String,
    pub(super) about: String,
    pub(super) happened: String,
    pub(super) text: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) good_faith: bool,
}

impl Draft {
    pub(super) fn from_form(body: &[u8]) -> Draft {
        let mut draft = Draft::default();
        for (key, value) in form_urlencoded::parse(body) {
            let value = value.into_owned();
            match key.as_ref() {
                "category" => draft.category = value,
                "about" => draft.about = value,
                "happened" => draft.happened = value,
                "text" => draft.text = value,
                "name" => draft.name = value,
                "email" => draft.email = value,
                "good_faith" => draft.good_faith = true,
                _ => {}
            }
        }
        draft
    }

    /// The API's fields. One that it does not know is an error: it would be lost.
    pub(super) fn from_json(body: &[u8]) -> Result<Draft, Vec<Complaint>> {
        let wrong = |field: &'static str, why: &str| vec![(field.into(), why.to_owned())];
        let value = json::read(body).map_err(|e| wrong("body", &format!("is no JSON that we take: {e}")))?;
        let Value::Object(fields) = value else { return Err(wrong("body", "must be a JSON object")) };
        let mut draft = Draft::default();
        for (key, value) in fields {
            let text = |field: &'static str| match &value {
                Value::String(text) => Ok(text.clone()),
                Value::Null => Ok(String::new()),
                _ => Err(wrong(field, "must be a string")),
            };
            match key.as_str() {
                "category" => draft.category = text("category")?,
                "happened" => draft.happened = text("happened")?,
                "text" => draft.text = text("text")?,
                "name" => draft.name = text("name")?,
                "email" => draft.email = text("email")?,
                "good_faith" => {
                    draft.good_faith =
                        value.as_bool().ok_or_else(|| wrong("good_faith", "must be true or false"))?;
                }
                "about" => {
                    let list =
                        value.as_array().ok_or_else(|| wrong("about", "must be a list of addresses"))?;
                    for address in list {
                        let address =
                            address.as_str().ok_or_else(|| wrong("about", "must be a list of strings"))?;
                        draft.about.push_str(address);
                        draft.about.push('\n');
                    }
                }
                other => {
                    return Err(wrong(
                        "body",
                        &format!("has the field {other:.60?}, which is not known here"),
                    ));
                }
            }
        }
        Ok(draft)
    }

    /// What it says, or everything that is wrong with it.
    pub(super) fn content(&self, now: Time) -> Result<Content, Vec<Complaint>> {
        let mut complaints: Vec<Complaint> = Vec::new();
        let mut say = |field: &'static str, why: &str| complaints.push((field.into(), why.to_owned()));
        let category = Category::parse(&self.category);
        if category.is_none() {
            say("category", "choose what it is about");
        }
        let lines: Vec<&str> = self.about.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let mut about = Vec::new();
        for line in lines.iter().take(MAX_ABOUT) {
            match Address::parse(line) {
                Ok(address) => about.push(address),
                Err(why) => say("about", &format!("{line:.60} {why}")),
            }
        }
        if lines.is_empty() {
            say("about", "say where it is: the address of the page, one per line");
        } else if lines.len() > MAX_ABOUT {
            say("about", "names more than 50 addresses; send the rest as another report");
        }
        let happened = match self.happened.trim() {
            "" => None,
            text => {
                let time = moment(text).ok_or("must be a date and a time, as in 2026-11-22T23:15");
                time.and_then(|time| Report::read_happened(time, now))
                    .map_err(|why| say("happened", why))
                    .ok()
            }
        };
        let text = Report::read_text(&self.text).map_err(|why| say("text", why)).unwrap_or_default();
        let mut optional =
            |field: &'static str, text: &str, read: fn(&str) -> Result<Sentence, &'static str>| {
                let text = text.trim();
                let read = (!text.is_empty()).then(|| read(text))?;
                read.map_err(|why| complaints.push((field.into(), why.to_owned()))).ok()
            };
        let name = optional("name", &self.name, name);
        let email = optional("email", &self.email, Reporter::read_email);
        let (good_faith, reporter) = (self.good_faith, Reporter { name, email });
        match category.filter(|_| complaints.is_empty()) {
            Some(category) => Ok(Content { category, about, happened, good_faith, reporter, text }),
            None => Err(complaints),
        }
    }
}

/// A moment as browsers send it (no seconds, no zone), or as the API writes it; UTC either way.
fn moment(text: &str) -> Option<Time> {
    [String::new(), "Z".into(), ":00Z".into()].iter().find_map(|end| Time::parse(&format!("{text}{end}")))
}
