//! One question and its answer, as they went over the wire, and what they mean.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::UnixTime;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::connect::{Closed, Connector, Line};
use crate::limits::{self, Limits};
use crate::record::{self, Recorder, Tape};

/// Why an answer is not whole; the words are those of `WARC-Truncated` (WARC 1.1, 5.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It was longer than we take.
    Length,
    /// It took longer than we wait.
    Time,
    /// The other side ended before its own `Content-Length` or last chunk.
    Disconnect,
    /// It is no HTTP from some point on.
    Unspecified,
}

impl Cut {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Time => "time",
            Self::Disconnect => "disconnect",
            Self::Unspecified => "unspecified",
        }
    }
}

/// What is known about one exchange.
pub(crate) struct Exchange {
    pub(crate) url: Url,
    /// Milliseconds since 1970.
    pub(crate) asked: u64,
    /// Milliseconds from the wish to connect to the end of the answer.
    pub(crate) took: u64,
    pub(crate) line: Line,
    /// The bytes we sent.
    pub(crate) request: Vec<u8>,
    /// The bytes of the final answer, from its status line on.
    pub(crate) response: Vec<u8>,
    /// What that answer's head says; nothing when there is none.
    pub(crate) head: Option<Head>,
    /// Statuses of interim answers (1xx) before it.
    pub(crate) interim: Vec<u16>,
    /// The body, framing undone, coding not.
    pub(crate) body: Vec<u8>,
    pub(crate) cut: Option<Cut>,
    /// What went wrong, in words.
    pub(crate) error: Option<Closed>,
}

/// The head of an answer as it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) reason: String,
    /// Names as spelt, values without what is no text, in their order.
    pub(crate) fields: Vec<(String, String)>,
    /// Bytes up to the body.
    pub(crate) length: usize,
}

impl Head {
    /// The values of a field, in their order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The first value of a field.
    pub(crate) fn field<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The media type alone, lower case.
    pub(crate) fn media_type(&self) -> String {
        let whole = self.field("content-type").unwrap_or_default();
        whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// When and how one question is asked.
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a Url,
    pub(crate) user_agent: &'a str,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
    /// When it must have ended.
    pub(crate) deadline: Instant,
    /// Bytes that the answer may have.
    pub(crate) room: usize,
}

/// Asks for `ask.url`. It always comes back with what there is, whatever the other side does.
pub(crate) async fn exchange(connector: &Connector<'_>, limits: &Limits, ask: Ask<'_>) -> Exchange {
    let begun = Instant::now();
    let mut made = Exchange {
        url: ask.url.clone(),
        asked: ask.now,
        took: 0,
        line: Line::default(),
        request: Vec::new(),
        response: Vec::new(),
        head: None,
        interim: Vec::new(),
        body: Vec::new(),
        cut: None,
        error: None,
    };
    let now = UnixTime::since_unix_epoch(Duration::from_millis(ask.now));
    let connected = timeout_at(ask.deadline, connector.connect(ask.url, now, &mut made.line)).await;
    match connected {
        Ok(Ok(stream)) => {
            let (recorder, tape) = Recorder::new(stream, ask.room);
            let ended = timeout_at(ask.deadline, talk(recorder, limits, &ask, &mut made.body)).await;
            let said = match ended {
                Ok(said) => said,
                Err(_) => Err(Ended::Late),
            };
            close(&mut made, said, &tape, limits);
        }
        Ok(Err(closed)) => made.error = Some(closed),
        Err(_) => made.error = Some(Closed::Unreachable("no connection in time".into())),
    }
    made.took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    made
}

/// How a conversation ended before its end.
enum Ended {
    Late,
    Broken(hyper::Error),
    Unaskable(String),
}

/// Sends the question and reads the answer into `body`, which keeps what came when this is dropped half-way.
async fn talk(recorder: Recorder, limits: &Limits, ask: &Ask<'_>, body: &mut Vec<u8>) -> Result<(), Ended> {
    let request = request(ask).map_err(Ended::Unaskable)?;
    let mut client = http1::Builder::new();
    // hyper's smallest buffer is 8 KiB.
    client.max_buf_size(limits.head.max(8192)).max_headers(limits::FIELDS);
    let (mut sender, connection) = client.handshake(TokioIo::new(recorder)).await.map_err(Ended::Broken)?;
    // Its error is the exchange's; it ends with this function at the latest.
    let _task = Task(tokio::spawn(async move { drop(connection.await) }));
    let mut answer = sender.send_request(request).await.map_err(Ended::Broken)?;
    while let Some(frame) = answer.frame().await {
        if let Some(data) = frame.map_err(Ended::Broken)?.data_ref() {
            // Never more than the recorder lets through.
            body.extend_from_slice(data);
        }
    }
    Ok(())
}

/// A task that ends with its owner.
struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn request(ask: &Ask<'_>) -> Result<Request<Empty<Bytes>>, String> {
    let path = &ask.url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &ask.url[url::Position::BeforeHost..url::Position::AfterPort];
    Request::get(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, ask.user_agent)
        .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
        .header(header::ACCEPT_LANGUAGE, "en")
        // Only what is undone here under a limit (decode.rs).
        .header(header::ACCEPT_ENCODING, "gzip, deflate")
        .header(header::CONNECTION, "close")
        .body(Empty::new())
        .map_err(|error| error.to_string())
}

/// Writes down what came, and why there is not more.
fn close(made: &mut Exchange, said: Result<(), Ended>, tape: &Arc<Mutex<Tape>>, limits: &Limits) {
    let (sent, received, full) = record::read(tape, |tape| {
        (std::mem::take(&mut tape.sent), std::mem::take(&mut tape.received), tape.full)
    });
    made.request = sent;
    let (head, interim, start) = heads(&received);
    (made.head, made.interim) = (head, interim);
    made.response = received;
    made.response.drain(..start);
    let nothing = made.response.is_empty();
    let unread = made.head.is_none();
    let Err(ended) = said else {
        if unread {
            // hyper goes through any number of interim answers; we do not.
            made.cut = Some(Cut::Unspecified);
            made.error = Some(Closed::Unreachable("its head cannot be read".into()));
        }
        return;
    };
    (made.cut, made.error) = match ended {
        Ended::Unaskable(why) => (None, Some(Closed::Refused(format!("it cannot be asked for: {why}")))),
        Ended::Late if nothing => (None, Some(Closed::Unreachable("no answer in time".into()))),
        Ended::Late => (Some(Cut::Time), unread.then(|| Closed::Unreachable("no whole head in time".into()))),
        Ended::Broken(_) if full && !unread => (Some(Cut::Length), None),
        Ended::Broken(error) if unread => {
            let long = full || made.response.len() >= limits.head || error.is_parse_too_large();
            let why = if long { "its head is too long".into() } else { words(&error) };
            let cut = if long { Cut::Length } else { Cut::Unspecified };
            ((!nothing).then_some(cut), Some(Closed::Unreachable(why)))
        }
        Ended::Broken(error) if error.is_incomplete_message() => (Some(Cut::Disconnect), None),
        Ended::Broken(error) => {
            let lost = error.is_body_write_aborted() || error.is_closed() || is_io(&error);
            (
                Some(if lost { Cut::Disconnect } else { Cut::Unspecified }),
                Some(Closed::Unreachable(words(&error))),
            )
        }
    };
}

fn is_io(error: &hyper::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

fn words(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The final head in `received`, the interim statuses before it, and where the final answer starts.
fn heads(received: &[u8]) -> (Option<Head>, Vec<u16>, usize) {
    let (mut start, mut interim) = (0, Vec::new());
    loop {
        let read = if interim.len() > limits::INTERIM { None } else { head(&received[start..]) };
        let Some(head) = read else { return (None, interim, start) };
        if !(100..200).contains(&head.status) || head.status == 101 {
            return (Some(head), interim, start);
        }
        start += head.length;
        interim.push(head.status);
    }
}

fn head(bytes: &[u8]) -> Option<Head> {
    let mut fields = vec![httparse::EMPTY_HEADER; limits::FIELDS];
    let mut parsed = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(length)) = parsed.parse(bytes) else { return None };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Head {
        status: parsed.code?,
        reason: parsed.reason.unwrap_or_default().to_owned(),
        fields: parsed.headers.iter().map(|field| (field.name.to_owned(), text(field.value))).collect(),
        length,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interim_answers_are_not_the_answer() {
        let wire =
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\na: \xff\r\n\r\nbody";
        let (head, interim, start) = heads(wire);
        let head = head.expect("a head");
        assert_eq!((head.status, interim, &wire[start..start + 12]), (200, vec![103], &b"HTTP/1.1 200"[..]));
        assert_eq!(head.all("A").collect::<Vec<_>>(), ["b", "\u{fffd}"]);
        assert_eq!(&wire[start + head.length..], b"body");
        assert!(heads(b"HTTP/1.1 200 OK\r\nA: b\r\n").0.is_none(), "half a head is none");
    }
}
