use super::*;
use proptest::prelude::*;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("edge-one", [seed; 32]).expect("a name")
}

fn sample() -> Request {
    Request {
        origin: "log.example/a".into(),
        edge: "edge-one".into(),
        snapshot: Hash::of(b"snapshot"),
        time: Time(1_795_000_000),
    }
}

#[test]
fn a_request_is_its_edges_own() {
    let bytes = sample().sign(&key(1)).expect("signed");
    assert_eq!(Request::open(&bytes, &key(1).verifier()).expect("opens"), sample());
    assert_eq!(claimed_edge(&bytes).as_deref(), Some("edge-one"));
    assert!(bytes.len() < MAX_REQUEST);
    assert!(Request::open(&bytes, &key(2).verifier()).is_err(), "another key");
    let other = Request { edge: "edge-two".into(), ..sample() }.sign(&key(1)).expect("signed");
    assert!(matches!(Request::open(&other, &key(1).verifier()), Err(RequestError::Format)), "another name");
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert!(Request::open(&flipped, &key(1).verifier()).is_err(), "byte {at}");
    }
}

#[test]
fn a_request_has_one_spelling() {
    let text = sample().text();
    for other in [
        text.replace("edge-one", "edge-one "),
        text.replace('\n', "\r\n"),
        text.replace("/v1", "/v2"),
        format!("{text}more\n"),
        text.trim_end().to_owned(),
        text.replace(&Hash::of(b"snapshot").to_string(), &Hash::of(b"snapshot").to_string().to_uppercase()),
    ] {
        assert_eq!(parse(&other), None, "{other:?}");
    }
    assert_eq!(parse(&text), Some(sample()));
}

proptest! {
    #[test]
    fn never_panics_and_reads_what_it_prints(text in "(portcullis-config-request/v1|origin |edge |config-sha256 |time |[0-9a-f]{64}|[a-z0-9 \n:TZ-]){0,12}") {
        if let Some(request) = parse(&text) {
            prop_assert_eq!(request.text(), text);
        }
    }
}
