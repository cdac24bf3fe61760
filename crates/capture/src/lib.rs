//! Evidence: what a page was, over HTTP, kept so that others can check it.
//!
//! Purpose: one address in, one directory out: what was asked and answered, byte for byte, and what it says.
//! Owns: the connections to pages (nobody else in the house fetches what strangers name), the WARC, the result.
//! Trusts: its caller's time, id and limits. Everything that comes over the network is hostile.
//! Never: runs a script of a page, sends what a page asks to be sent, speaks to an address that is not public unless
//! the operator allowed it by name, reads the configuration, the home or a database.
//!
//! Life of a capture: [`capture`] checks the address -> `follow` asks, answer by answer -> `connect` resolves, judges and
//! connects -> `exchange` talks through `record`, which keeps every byte -> `decode` and `dom` read -> `result` and `warc`
//! write it down -> [`place`] puts it where it was wanted, whole.

mod address;
mod archive;
mod connect;
mod country;
mod decode;
mod digest;
mod dom;
mod exchange;
mod follow;
mod limits;
mod place;
mod record;
mod refresh;
mod resolve;
mod result;
mod time;
mod tls;
mod warc;

use std::fmt;

use serde_json::Value;
use url::Url;

pub use address::{Allowed, Refusal, refusal};
pub use connect::Closed;
pub use country::Countries;
pub use limits::Limits;
pub use place::{free, place};
pub use refresh::{Refresh, parse as parse_refresh};
pub use resolve::{Answer, Given, Resolve, System};
pub use tls::Trust;

/// Name of the archive in the directory of a capture.
pub const WARC: &str = "capture.warc.gz";
/// Name of the result.
pub const RESULT: &str = "result.json";
/// Name of the page's text.
pub const TEXT: &str = "text.txt";
/// Name of the list of all others with their SHA-256, as `sha256sum -c` reads it.
pub const MANIFEST: &str = "MANIFEST";

/// What is to be captured, and on whose behalf.
#[derive(Clone, Debug)]
pub struct Job {
    /// The address, as submitted.
    pub url: String,
    /// Id of this capture: a UUID that was used for nothing else.
    pub id: [u8; 16],
    /// When it begins, milliseconds since 1970. The one clock of the whole record.
    pub now: u64,
    /// Which program does it, as in `portcullis/1.2.3`.
    pub software: String,
    /// What pages are told in `User-Agent`.
    pub user_agent: String,
    /// `manual`, `api` or `automatic` (urlscan.io's words).
    pub how: String,
    /// From which country it was submitted, two letters, when that is known.
    pub from_country: Option<String>,
    /// What may be spoken to.
    pub allowed: Allowed,
    /// How much it may take.
    pub limits: Limits,
}

/// Who helps.
pub struct Doors<'a> {
    /// Knows the addresses of names.
    pub resolver: &'a dyn Resolve,
    /// What certificates are judged by.
    pub trust: &'a Trust,
    /// Knows the countries of addresses.
    pub countries: Option<&'a Countries>,
}

/// A finished capture, not yet on disk.
#[derive(Debug)]
pub struct Captured {
    /// What stands in `result.json`.
    pub result: Value,
    /// The page's text, whole.
    pub text: String,
    /// Why it is not the whole page; empty when it is.
    pub incomplete: Vec<String>,
    /// Name and bytes of every file, `MANIFEST` last.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

/// Why there is nothing to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotCaptured {
    /// The address is none that can be captured.
    Address(String),
    /// The very first connection was refused or failed.
    Closed(Closed),
}

impl fmt::Display for NotCaptured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) | Self::Closed(Closed::Refused(why) | Closed::Unreachable(why)) => {
                f.write_str(why)
            }
        }
    }
}

impl std::error::Error for NotCaptured {}

/// Captures a page.
///
/// # Errors
/// When there is no byte of an answer to keep. Whatever goes wrong later is part of the result.
pub async fn capture(job: &Job, doors: &Doors<'_>) -> Result<Captured, NotCaptured> {
    let start = read_address(&job.url).map_err(NotCaptured::Address)?;
    let connector = connect::Connector {
        allowed: &job.allowed,
        resolver: doors.resolver,
        trust: doors.trust,
        patience: job.limits.connect,
    };
    let journey = follow::journey(&connector, job, start).await;
    let first = &journey.visits[0].exchange;
    if let (Some(closed), true) = (&first.error, first.response.is_empty()) {
        return Err(NotCaptured::Closed(closed.clone()));
    }
    Ok(result::write(job, doors, journey))
}

/// Reads an address as a browser would: `http` and `https` only, the odd spellings of numbers made plain.
///
/// # Errors
/// Why it cannot be captured.
pub fn read_address(text: &str) -> Result<Url, String> {
    let text = text.trim();
    if text.len() > limits::URL {
        return Err(format!("the address has more than {} bytes", limits::URL));
    }
    let url = Url::parse(text).map_err(|error| format!("{text:?} is no address: {error}"))?;
    askable(url)
}

/// An address as it is asked for: without the part after `#`, and without a user name and password, which are a trick
/// in front of the host more often than a login.
fn askable(mut url: Url) -> Result<Url, String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{:?} is neither http nor https", url.scheme()));
    }
    url.set_fragment(None);
    let plain = url.set_username("").is_ok() && url.set_password(None).is_ok();
    if plain && url.host().is_some() { Ok(url) } else { Err("it has no host".to_owned()) }
}

/// Reads a page's markup as a capture does, and says how many forms and fields it found: for fuzzing.
pub fn read_page(html: &str, page: &Url) -> (usize, usize) {
    // As many portions as a page of 1 MiB has, for there is no clock here.
    let mut left = 8192;
    let document = dom::Document::parse(html, || {
        left -= 1;
        left > 0
    });
    let look = dom::look::look(&document, page);
    let fields = look.forms.iter().map(|form| form.inputs.len()).sum::<usize>() + look.loose.len();
    (look.forms.len(), fields)
}
