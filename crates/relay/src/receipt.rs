//! Receipts: what an edge says it holds and enforces, signed with its own key.
//!
//! A receipt is a signed note `portcullis-receipt/v1`. It carries a `cosignature/v1` (C2SP tlog-cosignature) over the
//! checkpoint it names, so that a row of receipts is also a row of witnesses: an edge that was shown another log than
//! the rest has signed the proof. The desk reads receipts with this same code.

use std::fmt;

use ledger::Hash;
use ledger::checkpoint::Checkpoint;
use ledger::note::{KeyKind, Note, NoteError, Signature, SigningKey, VerifierKey};
use policy::{Id, Time};

/// The first line of a receipt.
pub const FIRST_LINE: &str = "portcullis-receipt/v1";

/// The media type receipts and undo notes are posted with.
pub const MEDIA_TYPE: &str = "text/plain; charset=utf-8";

/// Largest receipt in bytes: the note limit of the ledger.
pub const MAX_RECEIPT: usize = ledger::note::MAX_NOTE;

/// Measures named in one receipt: 800 ids of at most 64 bytes and a comma are 52 kB, so that the rest fits into
/// [`MAX_RECEIPT`]. An edge that enforces more names the first 800 in log order; `effective` still covers all.
pub const MAX_LISTED: usize = 800;

/// A cosignature is key id (4) || time (8, big-endian) || Ed25519 signature (64).
const COSIGNATURE_LENGTH: usize = 76;

/// What an edge reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The log it follows.
    pub origin: String,
    /// Its own name, the name of its key.
    pub edge: String,
    /// Entries it has verified and folded.
    pub size: u64,
    /// Root hash over them.
    pub root: Hash,
    /// When it says this, by its own clock.
    pub time: Time,
    /// The hash of its effective state at `time` (`State::effective_hash`).
    pub effective: Hash,
    /// The measures its data plane was given, in log order, at most [`MAX_LISTED`].
    pub measures: Vec<Id>,
    /// The configuration of the log whose sites it serves; `None` while it reads a file of its own, or has none yet.
    pub config: Option<u64>,
    /// How much it refused since it started: every kind of refusal together.
    pub refused: u64,
    /// It has had no successful look at the log for a minute.
    pub stale: bool,
}

/// Why a receipt is not believed.
#[derive(Debug)]
pub enum ReceiptError {
    /// Not a signed note, or a bad signature of the edge.
    Note(NoteError),
    /// Not signed by the edge's key.
    Unsigned,
    /// The text breaks the format.
    Format {
        /// Line in the text, counted from 1.
        line: usize,
        /// What stands wrong there.
        what: &'static str,
    },
    /// The cosignature does not belong to this checkpoint, key or time.
    Cosignature,
}

impl fmt::Display for ReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(e) => write!(f, "the receipt is no valid signed note: {e}"),
            Self::Unsigned => f.write_str("the receipt is not signed by this edge's key"),
            Self::Format { line, what } => write!(f, "receipt line {line}: {what}"),
            Self::Cosignature => {
                f.write_str("the cosignature does not belong to this receipt's checkpoint, key and time")
            }
        }
    }
}

impl core::error::Error for ReceiptError {}

impl From<NoteError> for ReceiptError {
    fn from(e: NoteError) -> Self {
        Self::Note(e)
    }
}

impl Receipt {
    /// The checkpoint this receipt cosigns.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { origin: self.origin.clone(), size: self.size, root: self.root }
    }

    /// The signed receipt: text, cosignature inside, signature of `key` below.
    ///
    /// # Errors
    /// [`ReceiptError`] when the fields do not make a note (a name with a newline, more measures than fit).
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, ReceiptError> {
        let cosignature = key.cosign(&self.checkpoint().to_text(), self.time.0);
        let mut blob = cosignature.key_id.to_vec();
        blob.extend_from_slice(&cosignature.bytes);
        let text = self.text(&blob);
        // what we print must be what others read; else the fault shows here and not at the desk
        if parse(&text)?.0 != *self {
            return Err(ReceiptError::Format { line: 1, what: "a field does not survive printing" });
        }
        let mut note = Note::new(&text)?;
        note.add(key.sign(&text));
        Ok(note.to_bytes())
    }

    fn text(&self, cosignature: &[u8]) -> String {
        let measures: Vec<&str> = self.measures.iter().map(Id::as_str).collect();
        let measures = if measures.is_empty() { "none".to_owned() } else { measures.join(",") };
        let config = self.config.map_or_else(|| "none".to_owned(), |version| version.to_string());
        format!(
            "{FIRST_LINE}\norigin {}\nedge {}\nsize {}\nroot {}\ntime {}\neffective {}\nmeasures {measures}\n\
             config {config}\nrefused {}\nstale {}\ncosignature {}\n",
            self.origin,
            self.edge,
            self.size,
            self.root.to_base64(),
            self.time,
            self.effective,
            self.refused,
            if self.stale { "yes" } else { "no" },
            base64_encode(cosignature),
        )
    }

    /// Opens a receipt that must come from `edge`, the edge's plain Ed25519 key.
    ///
    /// # Errors
    /// [`ReceiptError`]: nothing of it may be used.
    pub fn open(bytes: &[u8], edge: &VerifierKey) -> Result<Self, ReceiptError> {
        let note = Note::parse(bytes)?;
        if note.signers([edge])?.is_empty() {
            return Err(ReceiptError::Unsigned);
        }
        let (receipt, blob) = parse(note.text())?;
        if receipt.edge != edge.name() {
            return Err(ReceiptError::Format { line: 3, what: "another name than the key's" });
        }
        let KeyKind::Ed25519(public) = edge.kind() else {
            return Err(ReceiptError::Unsigned);
        };
        let cosigner = VerifierKey::new(edge.name(), KeyKind::Cosigner(*public))?;
        let (id, rest) = blob.split_first_chunk::<4>().ok_or(ReceiptError::Cosignature)?;
        let signature = Signature { name: edge.name().to_owned(), key_id: *id, bytes: rest.to_vec() };
        let time = cosigner
            .verify(receipt.checkpoint().to_text().as_bytes(), &signature)
            .map_err(|_| ReceiptError::Cosignature)?;
        if *id != cosigner.key_id() || time != Some(receipt.time.0) {
            return Err(ReceiptError::Cosignature);
        }
        Ok(receipt)
    }
}

/// The edge name a receipt *claims*, to look up the key that [`Receipt::open`] then checks. Not to be used for
/// anything else.
#[must_use]
pub fn claimed_edge(bytes: &[u8]) -> Option<String> {
    let note = Note::parse(bytes).ok()?;
    Some(parse(note.text()).ok()?.0.edge)
}

/// Reads the text strictly: each line once, in order, in the one spelling that [`Receipt::text`] prints.
fn parse(text: &str) -> Result<(Receipt, Vec<u8>), ReceiptError> {
    let body = text.strip_suffix('\n').ok_or(ReceiptError::Format { line: 1, what: "no final newline" })?;
    let mut lines = Lines { rest: body.split('\n'), line: 0 };
    if lines.next()? != FIRST_LINE {
        return Err(lines.wrong("expected portcullis-receipt/v1"));
    }
    let origin = lines.value("origin ", word)?;
    let edge = lines.value("edge ", word)?;
    let size = lines.value("size ", decimal)?;
    let root = lines.value("root ", Hash::parse_base64)?;
    let time = lines.value("time ", Time::parse)?;
    let effective = lines.value("effective ", Hash::parse_hex)?;
    let measures = lines.value("measures ", ids)?;
    let config = lines.value("config ", |v| if v == "none" { Some(None) } else { decimal(v).map(Some) })?;
    let refused = lines.value("refused ", decimal)?;
    let stale = lines.value("stale ", |v| match v {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    })?;
    let cosignature =
        lines.value("cosignature ", |v| base64_decode(v).filter(|b| b.len() == COSIGNATURE_LENGTH))?;
    if lines.rest.next().is_some() {
        lines.line += 1;
        return Err(lines.wrong("expected the end"));
    }
    Ok((Receipt { origin, edge, size, root, time, effective, measures, config, refused, stale }, cosignature))
}

struct Lines<'a> {
    rest: core::str::Split<'a, char>,
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str, ReceiptError> {
        self.line += 1;
        self.rest.next().ok_or(ReceiptError::Format { line: self.line, what: "missing" })
    }

    fn value<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&'a str) -> Option<T>,
    ) -> Result<T, ReceiptError> {
        let line = self.next()?;
        let value = line.strip_prefix(key).ok_or_else(|| self.wrong("another key than expected here"))?;
        read(value).ok_or_else(|| self.wrong("value not in its one spelling"))
    }

    fn wrong(&self, what: &'static str) -> ReceiptError {
        ReceiptError::Format { line: self.line, what }
    }
}

fn word(value: &str) -> Option<String> {
    let plain = !value.is_empty() && !value.chars().any(|c| c.is_whitespace() || c.is_control());
    plain.then(|| value.to_owned())
}

fn decimal(value: &str) -> Option<u64> {
    let number: u64 = value.parse().ok()?;
    (number.to_string() == value).then_some(number)
}

fn ids(value: &str) -> Option<Vec<Id>> {
    if value == "none" {
        return Some(Vec::new());
    }
    let ids: Vec<Id> = value.split(',').map(Id::parse).collect::<Option<_>>()?;
    (ids.len() <= MAX_LISTED).then_some(ids)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding (RFC 4648, section 4). Twenty lines instead of a dependency for one field.
fn base64_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let triple = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let sextet = (triple >> (18 - 6 * place)) & 63;
            let shown = place <= chunk.len();
            out.push(if shown { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    out
}

/// The inverse; only what [`base64_encode`] prints is taken, so that one blob has one spelling.
fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for quad in text.as_bytes().chunks(4) {
        let padding = quad.iter().rev().take_while(|&&c| c == b'=').count();
        let mut triple = 0u32;
        for &c in quad.get(..4usize.checked_sub(padding)?)? {
            let sextet = ALPHABET.iter().position(|&a| a == c)?;
            triple = triple << 6 | u32::try_from(sextet).ok()?;
        }
        triple = triple.checked_shl(6 * u32::try_from(padding).ok()?)?;
        let bytes = triple.to_be_bytes();
        out.extend_from_slice(bytes.get(1..4usize.checked_sub(padding)?)?);
    }
    (base64_encode(&out) == text).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed("edge-one", [seed; 32]).expect("a name")
    }

    fn sample() -> Receipt {
        Receipt {
            origin: "log.example/a".into(),
            edge: "edge-one".into(),
            size: 7,
            root: Hash::of(b"root"),
            time: Time(1_795_000_000),
            effective: Hash::of(b"effective"),
            measures: ["imp_one", "imp_two"].map(|i| Id::parse(i).expect("an id")).to_vec(),
            config: Some(4),
            refused: 3,
            stale: false,
        }
    }

    #[test]
    fn signed_and_opened() {
        let bytes = sample().sign(&key(1)).expect("signs");
        assert_eq!(Receipt::open(&bytes, &key(1).verifier()).expect("opens"), sample());
        assert_eq!(claimed_edge(&bytes).as_deref(), Some("edge-one"));
        let none = Receipt { measures: vec![], config: None, stale: true, ..sample() };
        let bytes = none.sign(&key(1)).expect("signs");
        assert_eq!(Receipt::open(&bytes, &key(1).verifier()).expect("opens"), none);
    }

    #[test]
    fn another_key_or_a_changed_byte_is_refused() {
        let bytes = sample().sign(&key(1)).expect("signs");
        assert!(matches!(Receipt::open(&bytes, &key(2).verifier()), Err(ReceiptError::Unsigned)));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Receipt::open(&changed, &key(1).verifier()).is_err(), "byte {at}");
        }
    }

    /// The edge's key signs whatever text it is given here; only the true cosignature may pass.
    #[test]
    fn a_cosignature_of_another_checkpoint_time_or_key_is_refused() {
        let truth = sample();
        for (size, time, seed) in [(8, truth.time.0, 1), (7, truth.time.0 + 1, 1), (7, truth.time.0, 2)] {
            let other = Checkpoint { size, ..truth.checkpoint() };
            let cosignature = key(seed).cosign(&other.to_text(), time);
            let blob = [cosignature.key_id.as_slice(), &cosignature.bytes].concat();
            let text = truth.text(&blob);
            let mut note = Note::new(&text).expect("a text");
            note.add(key(1).sign(&text));
            let result = Receipt::open(&note.to_bytes(), &key(1).verifier());
            assert!(matches!(result, Err(ReceiptError::Cosignature)), "{size} {time} {seed}: {result:?}");
        }
    }

    #[test]
    fn one_spelling_per_field() {
        let good = sample().text(&[7; COSIGNATURE_LENGTH]);
        assert!(parse(&good).is_ok());
        for (from, to) in [
            ("size 7", "size 07"),
            ("size 7", "size +7"),
            ("size 7", "size  7"),
            ("size 7\n", ""),
            ("size 7\n", "size 7\nsize 7\n"),
            ("stale no", "stale maybe"),
            ("stale no", "stale No"),
            ("imp_one,imp_two", "imp_one,,imp_two"),
            ("imp_one,imp_two", ""),
            ("imp_one,imp_two", "imp_one, imp_two"),
            ("Z\n", "\n"),
            ("edge edge-one", "edge edge one"),
            ("receipt/v1", "receipt/v2"),
            ("cosignature Bw", "cosignature BQ=="),
            ("refused 3", "refused -3"),
        ] {
            let changed = good.replacen(from, to, 1);
            assert_ne!(changed, good, "{from:?} is not in the text");
            assert!(parse(&changed).is_err(), "{from:?} -> {to:?}");
        }
        assert!(parse(&format!("{good}more yes\n")).is_err());
        assert!(parse(good.trim_end()).is_err());
        let many = Receipt { measures: vec![Id::parse("imp_one").expect("id"); MAX_LISTED + 1], ..sample() };
        assert!(many.sign(&key(1)).is_err());
    }

    #[test]
    fn the_longest_receipt_fits() {
        let id = Id::parse(&"i".repeat(64)).expect("id");
        let long = Receipt {
            measures: vec![id; MAX_LISTED],
            config: Some(u64::MAX),
            refused: u64::MAX,
            size: u64::MAX,
            ..sample()
        };
        let bytes = long.sign(&key(1)).expect("signs");
        assert!(bytes.len() <= MAX_RECEIPT, "{}", bytes.len());
        assert_eq!(Receipt::open(&bytes, &key(1).verifier()).expect("opens"), long);
    }

    #[test]
    fn base64_vectors_of_rfc_4648() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64_encode(plain.as_bytes()), text);
            assert_eq!(base64_decode(text).as_deref(), Some(plain.as_bytes()));
        }
        for bad in ["Zg", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm-v"] {
            assert_eq!(base64_decode(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_printed_again(text in "(portcullis-receipt/v1\n)?([a-z]{4,11} [0-9a-zA-Z=,+/:-]{0,50}\n){0,12}") {
            if let Ok((receipt, blob)) = parse(&text) {
                prop_assert_eq!(receipt.text(&blob), text);
            }
        }

        #[test]
        fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Receipt::open(&bytes, &key(1).verifier()).is_err());
            prop_assert_eq!(claimed_edge(&bytes), None);
        }

        #[test]
        fn base64_both_ways(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(base64_decode(&base64_encode(&bytes)), Some(bytes));
        }
    }
}
