use super::*;
use crate::{
    note::{Note, NoteError, Signature as Line, VerifierKey},
    testkit::Passkey,
};
use alloc::{format, string::ToString as _, vec};
use p256::ecdsa::{SigningKey, signature::Signer as _};
use proptest::prelude::*;

const ORIGIN: &str = "https://desk.example.org";
const TEXT: &[u8] = b"portcullis-lift/v1\n";

fn signer() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).expect("a scalar")
}

fn key_at(origin: &str, synced: bool) -> PublicKey {
    let point = signer().verifying_key().to_encoded_point(false);
    let (x, y) = (point.x().expect("a point"), point.y().expect("a point"));
    PublicKey::new(&(*x).into(), &(*y).into(), synced, origin).expect("a key")
}

fn client_data(text: &[u8], origin: &str) -> String {
    let challenge = encoding::to_base64_url(&challenge(text));
    format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
}

/// An authenticator that signs whatever it is told.
fn assertion(rp_id: &str, flags: u8, client_data: &str) -> Result<Assertion, WebauthnError> {
    let data = [&Sha256::digest(rp_id)[..], &[flags], &9_u32.to_be_bytes()].concat();
    let signature: Signature = signer().sign(&[&data[..], &Sha256::digest(client_data)].concat());
    Assertion::from_response(&data, client_data.as_bytes(), signature.to_der().as_bytes())
}

fn said(rp_id: &str, flags: u8, client_data: &str) -> Result<(), WebauthnError> {
    assertion(rp_id, flags, client_data)?.verify(&key_at(ORIGIN, flags & BACKUP_ELIGIBLE != 0), TEXT)
}

#[test]
fn an_assertion_over_the_text_at_the_origin_by_a_known_person_counts() {
    let good = client_data(TEXT, ORIGIN);
    for flags in [0x05, 0x0d, 0x1d] {
        assert_eq!(said("desk.example.org", flags, &good), Ok(()), "{flags:#04x}");
    }
}

/// Written down here once more: who checks elsewhere finds it in docs/notes.md, and nobody's hash of the bare text is
/// one.
#[test]
fn the_challenge_is_a_hash_of_a_name_and_the_text() {
    let hash = crate::Hash::of(b"portcullis.webauthn/v1\nportcullis-lift/v1\n");
    assert_eq!(challenge(TEXT), hash.0);
}

/// Bytes that move from one part to the next would keep the blob and change what a browser said.
#[test]
fn parts_of_other_lengths_are_no_assertion() {
    let client_data = client_data(TEXT, ORIGIN);
    let good = assertion("desk.example.org", 0x05, &client_data).expect("an assertion");
    let der = Signature::from_slice(&good.signature).expect("r and s").to_der();
    let data = good.authenticator_data;
    let long = [&data[..], &[0]].concat();
    for data in [&data[..36], &long, &[]] {
        let made = Assertion::from_response(data, client_data.as_bytes(), der.as_bytes());
        assert_eq!(made, Err(WebauthnError::Malformed), "{} bytes", data.len());
    }
}

/// Made with pyca/cryptography: this is not our own arithmetic twice.
#[test]
fn what_another_library_signs_counts() {
    for seed in [
        include_bytes!("../../../../fuzz/seeds/webauthn/plain").as_slice(),
        include_bytes!("../../../../fuzz/seeds/webauthn/safari"),
        include_bytes!("../../../../fuzz/seeds/webauthn/more"),
    ] {
        let (key, assertion) = seed[1..].split_at(usize::from(seed[0]));
        let key = PublicKey::from_blob(key).expect("a key");
        assert_eq!(Assertion::from_blob(assertion).and_then(|a| a.verify(&key, TEXT)), Ok(()));
    }
}

#[test]
fn browsers_that_say_less_or_more_count() {
    let good = client_data(TEXT, ORIGIN);
    let less = good.replace(r#","crossOrigin":false"#, "");
    let more = good.replace("false}", r#"false,"other_keys_can_be_added_here":"do not compare"}"#);
    for client_data in [less, more] {
        assert_eq!(said("desk.example.org", 0x05, &client_data), Ok(()), "{client_data}");
    }
}

/// One thing wrong at a time, all of it signed by the right key.
#[test]
fn what_is_pinned_is_checked() {
    use WebauthnError::{ClientData, Flags, Malformed, NotVerified, OtherOrigin, OtherText, Synced};
    let good = client_data(TEXT, ORIGIN);
    let host = "desk.example.org";
    let changed = |from: &str, to: &str| good.replacen(from, to, 1);
    let long = changed("false}", &format!(r#"false,"more":"{}"}}"#, "x".repeat(MAX_CLIENT_DATA)));
    let cases = [
        (host, 0x05, client_data(b"another text\n", ORIGIN), OtherText),
        (host, 0x05, client_data(TEXT, "https://desk.example.com"), OtherOrigin),
        (host, 0x05, client_data(TEXT, "https://desk.example.org.evil.org"), OtherOrigin),
        (host, 0x05, client_data(TEXT, "https://desk.example.org:8443"), OtherOrigin),
        (host, 0x05, client_data(TEXT, "http://desk.example.org"), OtherOrigin),
        ("example.org", 0x05, good.clone(), OtherOrigin),
        ("evil.org", 0x05, good.clone(), OtherOrigin),
        (host, 0x05, changed("webauthn.get", "webauthn.create"), ClientData),
        (host, 0x05, changed("webauthn.get", "payment.get"), ClientData),
        (host, 0x05, changed("false", "true"), ClientData),
        (host, 0x05, changed("false", r#"false,"crossOrigin":true"#), ClientData),
        (host, 0x05, changed(r#"{"type""#, r#"{ "type""#), ClientData),
        (host, 0x05, changed("false}", "false"), ClientData),
        (host, 0x05, changed("false}", "false}\n"), ClientData),
        (host, 0x05, changed("false}", "falsehood}"), ClientData),
        (host, 0x05, changed("false}", r#"false,"more":1"#), ClientData),
        (host, 0x05, long, Malformed),
        (host, 0x04, good.clone(), NotVerified),
        (host, 0x01, good.clone(), NotVerified),
        (host, 0x00, good.clone(), NotVerified),
        (host, 0x15, good.clone(), Synced),
        (host, 0x45, good.clone(), Flags),
        (host, 0x85, good.clone(), Flags),
        (host, 0x07, good.clone(), Flags),
        (host, 0x25, good.clone(), Flags),
    ];
    for (rp_id, flags, client_data, why) in cases {
        assert_eq!(said(rp_id, flags, &client_data), Err(why), "{rp_id} {flags:#04x} {client_data}");
    }
}

#[test]
fn a_copied_passkey_is_no_key_that_stays_and_the_other_way_round() {
    let good = client_data(TEXT, ORIGIN);
    let of = |flags| assertion("desk.example.org", flags, &good).expect("an assertion");
    assert_eq!(of(0x0d).verify(&key_at(ORIGIN, false), TEXT), Err(WebauthnError::Synced));
    assert_eq!(of(0x05).verify(&key_at(ORIGIN, true), TEXT), Err(WebauthnError::Synced));
}

#[test]
fn every_bit_is_signed_or_has_one_spelling() {
    let good = assertion("desk.example.org", 0x05, &client_data(TEXT, ORIGIN)).expect("an assertion");
    let (key, blob) = (key_at(ORIGIN, false), good.to_blob());
    assert_eq!(Assertion::from_blob(&blob), Ok(good));
    for at in 0..blob.len() * 8 {
        let mut other = blob.clone();
        other[at / 8] ^= 1 << (at % 8);
        let counts = Assertion::from_blob(&other).and_then(|a| a.verify(&key, TEXT)).is_ok();
        assert!(!counts, "bit {at}");
    }
    for shorter in 0..blob.len() {
        let counts = Assertion::from_blob(&blob[..shorter]).and_then(|a| a.verify(&key, TEXT)).is_ok();
        assert!(!counts, "{shorter} bytes");
    }
}

/// ECDSA has two signatures for each; one is taken, and browsers may send either.
#[test]
fn a_signature_has_one_spelling() {
    let client_data = client_data(TEXT, ORIGIN);
    let low = assertion("desk.example.org", 0x05, &client_data).expect("an assertion");
    let one = Signature::from_slice(&low.signature).expect("r and s");
    let (r, s) = one.split_scalars();
    let other = Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).expect("r and the other s");
    let from_der = |signature: &Signature| {
        Assertion::from_response(
            &low.authenticator_data,
            client_data.as_bytes(),
            signature.to_der().as_bytes(),
        )
    };
    assert_eq!(from_der(&one), Ok(low.clone()));
    assert_eq!(from_der(&other), Ok(low.clone()), "either is taken and kept as one");
    let mut high = low.to_blob();
    high[AUTHENTICATOR_DATA..][..SIGNATURE].copy_from_slice(&other.to_bytes());
    assert_eq!(Assertion::from_blob(&high), Err(WebauthnError::Malformed));
}

#[test]
fn a_key_is_a_point_and_one_origin_in_one_spelling() {
    for good in [
        "https://desk.example.org",
        "https://desk.example.org:8443",
        "http://localhost",
        "http://localhost:8080",
        "https://localhost",
        "https://xn--bcher-kva.example",
    ] {
        let key = key_at(good, true);
        assert_eq!(PublicKey::from_blob(&key.to_blob()), Ok(key), "{good}");
    }
    let point = signer().verifying_key().to_encoded_point(false);
    let (x, y): ([u8; 32], [u8; 32]) = ((*point.x().expect("x")).into(), (*point.y().expect("y")).into());
    for bad in [
        "",
        "https://",
        "http://desk.example.org",
        "https://Desk.example.org",
        "https://desk.example.org/",
        "https://desk.example.org:443",
        "http://localhost:80",
        "https://desk.example.org:0",
        "https://desk.example.org:08443",
        "https://desk.example.org:+84",
        "https://desk.example.org:65536",
        "https://desk.example.org:",
        "https://192.0.2.1",
        "https://[2001:db8::1]",
        "https://desk..org",
        "https://desk.example.org.",
        "https://-desk.example.org",
        "https://user@desk.example.org",
        "https://b\u{fc}cher.example",
        "wss://desk.example.org",
        "null",
        &format!("https://{}.org", "x".repeat(MAX_ORIGIN)),
    ] {
        assert_eq!(PublicKey::new(&x, &y, false, bad), Err(WebauthnError::Origin), "{bad}");
    }
    assert_eq!(PublicKey::new(&x, &x, false, ORIGIN), Err(WebauthnError::MalformedKey), "no point");
    let blob = key_at(ORIGIN, false).to_blob();
    let with = |at: usize, byte: u8| {
        let mut other = blob.clone();
        other[at] = byte;
        PublicKey::from_blob(&other)
    };
    assert_eq!(with(0, 2), Err(WebauthnError::MalformedKey), "neither copied nor not");
    // A point that is not compressed, or at infinity, would be a second spelling.
    for tag in [0x00, 0x04, 0x05] {
        assert_eq!(with(1, tag), Err(WebauthnError::MalformedKey), "{tag:#04x}");
    }
}

#[test]
fn it_signs_notes_beside_other_keys() {
    let passkey = Passkey::from_seed("anna", ORIGIN, [9; 32]).expect("a scalar");
    let (text, key) = ("one\n", passkey.verifier().expect("a key"));
    assert_eq!(VerifierKey::parse(&key.to_string()), Ok(key.clone()));
    let mut note = Note::new(text).expect("a note");
    assert!(note.add(passkey.sign(text).expect("a signature")));
    let note = Note::parse(&note.to_bytes()).expect("a note");
    assert_eq!(note.signers([&key]), Ok(vec![&key]));
    let [line] = note.signatures() else { panic!("one signature") };
    let line = Line { bytes: passkey.sign("two\n").expect("a signature").bytes, ..line.clone() };
    let other = NoteError::BadAssertion("anna".into(), WebauthnError::OtherText);
    assert_eq!(key.verify(text.as_bytes(), &line), Err(other));
}

proptest! {
    #[test]
    fn whatever_parses_prints_as_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        if let Ok(assertion) = Assertion::from_blob(&bytes) {
            prop_assert_eq!(assertion.to_blob(), bytes.clone());
        }
        if let Ok(key) = PublicKey::from_blob(&bytes) {
            prop_assert_eq!(key.to_blob(), bytes);
        }
    }

    #[test]
    fn a_passkey_signs_its_text_and_no_other(seed in 1_u8..255, text in ".{0,200}", other in ".{0,200}") {
        let passkey = Passkey::from_seed("anna", ORIGIN, [seed; 32]).expect("a scalar");
        let (key, signature) = (passkey.verifier().expect("a key"), passkey.sign(&text).expect("a signature"));
        prop_assert!(key.verify(text.as_bytes(), &signature).is_ok());
        prop_assert_eq!(key.verify(other.as_bytes(), &signature).is_ok(), other == text);
    }
}
