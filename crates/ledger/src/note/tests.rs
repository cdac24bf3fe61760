use super::*;
use crate::{sshsig::PublicKey, testkit::SshKey};
use proptest::prelude::*;
use std::{boxed::Box, format, vec};

/// Notes that others made, with the keys that signed them.
const FOREIGN: [(&str, &[&str]); 2] = [
    // C2SP signed-note, section "Example".
    (
        "This is an example message.\n\n\
         — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
        &["example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"],
    ),
    // golang.org/x/mod, sumdb/note/note_test.go.
    (
        "If you think cryptography is the answer to your problem,\n\
         then you don't know what your problem is.\n\n\
         — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n\
         — EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n",
        &[
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
        ],
    ),
];

/// The private key of PeterNeumann in the same Go test.
const PETER: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

/// A checkpoint of a public staging log with a cosignature (type 0x04) of a public witness.
const COSIGNED: &str = "arche2025h1.staging.ct.transparency.dev\n\
 1432088532\n\
 U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n\
 — arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n\
 — remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n";
const WITNESS: &str = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";

fn keys(vkeys: &[&str]) -> Vec<VerifierKey> {
    vkeys.iter().map(|vkey| VerifierKey::parse(vkey).unwrap()).collect()
}

fn machine(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32]).unwrap()
}

/// The names of those keys that a note may be believed for; an error when the note is refused.
fn names(bytes: &[u8], keys: &[VerifierKey]) -> Result<Vec<String>, NoteError> {
    let note = Note::parse(bytes)?;
    Ok(note.signers(keys)?.into_iter().map(|key| key.name().to_owned()).collect())
}

fn signed(text: &str, signatures: impl IntoIterator<Item = Signature>) -> Note {
    let mut note = Note::new(text).unwrap();
    for signature in signatures {
        assert!(note.add(signature));
    }
    note
}

#[test]
fn notes_of_others_open_and_print_as_the_same_bytes() {
    for (text, vkeys) in FOREIGN {
        let keys = keys(vkeys);
        let note = Note::parse(text.as_bytes()).unwrap();
        assert_eq!(note.to_bytes(), text.as_bytes());
        assert_eq!(note.signers(&keys).unwrap(), keys.iter().collect::<Vec<_>>());
        for (key, vkey) in keys.iter().zip(vkeys) {
            assert_eq!(key.to_string(), *vkey);
        }
    }
}

#[test]
fn no_flipped_bit_of_a_note_goes_unnoticed() {
    for (text, vkeys) in FOREIGN {
        let keys = keys(vkeys);
        for at in 0..text.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] ^= bit;
                let believed = names(&bytes, &keys).unwrap_or_default();
                assert!(believed.len() < keys.len(), "byte {at} of {text:?}");
            }
        }
    }
}

#[test]
fn a_private_key_of_go_signs_the_same_bytes() {
    let (text, vkeys) = FOREIGN[1];
    let key = SigningKey::parse(PETER).unwrap();
    assert_eq!(key.encode(), PETER);
    assert_eq!(key.verifier().to_string(), vkeys[0]);
    let note = Note::parse(text.as_bytes()).unwrap();
    assert_eq!(key.sign(note.text()), note.signatures()[0]);
    assert!(!format!("{key:?}").contains("AYEKFALVFGyN"), "Debug shows the seed");
}

#[test]
fn a_public_witness_is_understood() {
    let note = Note::parse(COSIGNED.as_bytes()).unwrap();
    let witness = VerifierKey::parse(WITNESS).unwrap();
    assert_eq!(witness.to_string(), WITNESS);
    let times: Vec<_> =
        note.signatures().iter().map(|signature| witness.verify(note.text().as_bytes(), signature)).collect();
    assert_eq!(times, [Err(NoteError::OtherKey), Ok(Some(0x6a12_2120))]);
    assert_eq!(note.signers([&witness]).unwrap(), [&witness]);
    let other = COSIGNED.replace("1432088532", "1432088533");
    assert_eq!(names(other.as_bytes(), &[witness]), Err(NoteError::BadSignature("remora.n621.de".into())));
}

#[test]
fn the_signed_note_crate_reads_our_notes_and_we_read_its() {
    let text = "a text\n\n\nwith blank lines\n— and.example no-signature\n\n";
    let key = machine("log.example/one", 1);
    let note = signed(text, [key.sign(text)]);
    let verifier = signed_note::StandardVerifier::new(&key.verifier().to_string()).unwrap();
    let theirs = signed_note::Note::from_bytes(&note.to_bytes()).unwrap();
    assert_eq!(theirs.text(), text.as_bytes());
    let (good, unknown) = theirs.verify(&signed_note::VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((good.len(), unknown.len()), (1, 0));

    let signer = signed_note::StandardSigner::new(&key.encode()).unwrap();
    let mut theirs = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
    theirs.add_sigs(&[&signer]).unwrap();
    assert_eq!(theirs.to_bytes(), note.to_bytes());
    assert_eq!(names(&theirs.to_bytes(), &[key.verifier()]).unwrap(), ["log.example/one"]);
}

#[test]
fn malformed_notes_are_refused() {
    let line = machine("k", 1).sign("t\n").to_string();
    let many = [line.as_str(); MAX_SIGNATURES + 1].join("\n");
    let cases: &[(&str, NoteError)] = &[
        ("", NoteError::NoSignatures),
        ("t\n", NoteError::NoSignatures),
        ("t\n\n", NoteError::NoSignatures),
        (&format!("t\n{line}\n"), NoteError::NoSignatures),
        (&format!("t\n\n{line}"), NoteError::NoSignatures),
        (&format!("t\n\n{line}\n\n"), NoteError::NoSignatures),
        (&format!("t\n\n{line}\nx\n"), NoteError::MalformedSignature),
        (&format!("t\n\n{many}\n"), NoteError::TooManySignatures),
        (&format!("t\r\n\n{line}\n"), NoteError::ControlCharacter),
        (&format!("t\0\n\n{line}\n"), NoteError::ControlCharacter),
        (&format!("t\n\n{line}\t\n"), NoteError::ControlCharacter),
        (&format!("t\n\n{line} \n"), NoteError::MalformedSignature),
        (&format!("{}\n\n{line}\n", "t".repeat(MAX_NOTE)), NoteError::TooLong),
        ("t\n\n- k AAAAAAA=\n", NoteError::MalformedSignature),
        ("t\n\n—k AAAAAAA=\n", NoteError::MalformedSignature),
        ("t\n\n—  AAAAAAA=\n", NoteError::BadName),
        ("t\n\n— k\u{a0}k AAAAAAA=\n", NoteError::BadName),
        ("t\n\n— k+k AAAAAAA=\n", NoteError::BadName),
        ("t\n\n— k  AAAAAAA=\n", NoteError::MalformedSignature),
        ("t\n\n— k AAAAAAA\n", NoteError::MalformedSignature),
        ("t\n\n— k AAAAAAB=\n", NoteError::MalformedSignature),
        ("t\n\n— k AAAAAA==\n", NoteError::MalformedSignature),
        ("t\n\n— k -___AAA=\n", NoteError::MalformedSignature),
    ];
    for (note, expected) in cases {
        assert_eq!(Note::parse(note.as_bytes()).unwrap_err(), *expected, "{note:?}");
    }
    assert_eq!(Note::parse(b"\xff\n\n").unwrap_err(), NoteError::NotUtf8);
    assert!(Note::parse("t\n\n— k AAAAAAA=\n".as_bytes()).is_ok());
    for (text, expected) in [("", NoteError::NoNewline), ("a\rb\n", NoteError::ControlCharacter)] {
        assert_eq!(Note::new(text).unwrap_err(), expected);
    }
}

#[test]
fn only_known_keys_count_and_each_once() {
    let text = "t\n";
    let (log, twin, other) = (machine("log", 1), machine("twin", 1), machine("log", 2));
    let (anna, cosigner) = (SshKey::from_seed("anna", [3; 32]), machine("edge", 4));
    let bad = |mut signature: Signature| {
        signature.bytes[0] ^= 1;
        signature
    };
    let known =
        [log.verifier(), log.verifier(), twin.verifier(), anna.verifier().unwrap(), cosigner.cosigner()];
    let ssh = anna.sign(text).unwrap();
    let cosignature = cosigner.cosign(text, 7);
    /// Signature lines, and who may be believed or whose signature refuses the note.
    type Case<'a> = (&'a [Signature], Result<&'a [&'a str], &'a str>);
    let cases: &[Case<'_>] = &[
        (&[log.sign(text)], Ok(&["log"])),
        // A key that is unknown, though its name is known, and a known key's other use.
        (&[other.sign(text), log.cosign(text, 1)], Ok(&[])),
        (&[other.sign(text), bad(other.sign(text)), log.sign(text)], Ok(&["log"])),
        // The same public key under two names is two keys here, and equal in `public_key`.
        (&[twin.sign(text), log.sign(text)], Ok(&["twin", "log"])),
        (&[ssh.clone(), cosignature.clone()], Ok(&["anna", "edge"])),
        (&[cosignature.clone(), cosigner.cosign(text, 8)], Ok(&["edge"])),
        (&[log.sign("other\n")], Err("log")),
        (&[log.sign(text), bad(log.sign(text))], Err("log")),
        (&[log.sign(text), bad(ssh.clone())], Err("anna")),
        (&[log.sign(text), bad(cosignature.clone())], Err("edge")),
    ];
    for (signatures, expected) in cases {
        let note = signed(text, signatures.iter().cloned());
        let found = names(&note.to_bytes(), &known);
        match expected {
            Ok(expected) => assert_eq!(found.unwrap(), *expected),
            Err(name) => match found.unwrap_err() {
                NoteError::BadSignature(who) | NoteError::BadSshSignature(who, _) => assert_eq!(who, *name),
                other => panic!("{other}"),
            },
        }
    }
    assert_eq!(log.verifier().public_key(), twin.verifier().public_key());
    assert_ne!(log.verifier(), twin.verifier());
}

#[test]
fn a_line_that_stands_twice_counts_once() {
    let key = machine("log", 1);
    let line = key.sign("t\n").to_string();
    let twice = format!("t\n\n{line}\n{line}\n");
    let note = Note::parse(twice.as_bytes()).unwrap();
    assert_eq!(note.to_bytes(), twice.as_bytes());
    assert_eq!(note.signers([&key.verifier()]).unwrap().len(), 1);
}

#[test]
fn two_known_keys_with_one_name_and_id_are_ambiguous() {
    // Found by search: these applications give the key of seed 1 the same id under the name anna.
    let key = |application: &str| {
        let key = *machine("x", 1).verifier().public_key();
        let kind = KeyKind::Ssh(PublicKey::SkEd25519 { key, application: application.into() });
        VerifierKey::new("anna", kind).unwrap()
    };
    let (one, two) = (key("ssh:4735"), key("ssh:46901"));
    assert_eq!(one.key_id(), two.key_id());
    let note = signed("t\n", [Signature { name: "anna".into(), key_id: one.key_id(), bytes: vec![1] }]);
    assert_eq!(note.signers([&one, &two]).unwrap_err(), NoteError::Ambiguous("anna".into()));
}

#[test]
fn a_cosignature_covers_its_time_and_not_more_than_63_bits_of_it() {
    let key = machine("edge", 1);
    let text = "log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    for (time, expected) in [(0, 0), (7, 7), (u64::MAX, i64::MAX.unsigned_abs())] {
        let signature = key.cosign(text, time);
        assert_eq!(signature.bytes.len(), 72);
        assert_eq!(key.cosigner().verify(text.as_bytes(), &signature), Ok(Some(expected)));
    }
    // Signed by the right key, over a time that the specification forbids.
    let late = 1_u64 << 63;
    let message = format!("cosignature/v1\ntime {late}\n{text}");
    let bytes = [&late.to_be_bytes()[..], &key.sign(&message).bytes].concat();
    let signature = Signature { bytes, ..key.cosign(text, 7) };
    assert!(key.cosigner().verify(text.as_bytes(), &signature).is_err());
    for at in 0..72 {
        let mut signature = key.cosign(text, 7);
        signature.bytes[at] ^= 0x40;
        let bad = NoteError::BadSignature("edge".into());
        assert_eq!(key.cosigner().verify(text.as_bytes(), &signature), Err(bad), "byte {at}");
    }
    let signature = key.cosign(text, 7);
    assert_eq!(key.verifier().verify(text.as_bytes(), &signature), Err(NoteError::OtherKey));
    assert_eq!(Signature::from_base64("edge", &signature.to_base64()), Ok(signature));
}

#[test]
fn add_keeps_the_note_parseable() {
    let (key, text) = (machine("log", 1), "t\n");
    let mut note = Note::new(text).unwrap();
    assert!(note.add(key.sign(text)) && note.add(key.sign(text)));
    assert_eq!(note.signatures().len(), 1);
    let wrong = |name: &str, bytes| Signature { name: name.into(), key_id: [0; 4], bytes };
    for signature in [wrong("a b", vec![1]), wrong("a\n", vec![1]), wrong("", vec![1]), wrong("a", vec![])] {
        assert!(!note.add(signature));
    }
    for number in 1..MAX_SIGNATURES {
        assert!(note.add(wrong(&format!("k{number}"), vec![1])));
    }
    assert!(!note.add(wrong("one-too-many", vec![1])));
    assert_eq!(Note::parse(&note.to_bytes()), Ok(note));

    let mut long = Note::new(&format!("{}\n", "t".repeat(MAX_NOTE - 100))).unwrap();
    assert!(!long.add(key.sign(text)));
    assert!(long.add(wrong("k", vec![1])));
    assert_eq!(Note::parse(&long.to_bytes()), Ok(long));
}

#[test]
fn keys_that_are_none_are_refused() {
    let vkey = FOREIGN[0].1[0];
    let private = |text: &str| SigningKey::parse(text).map(|_| ()).unwrap_err();
    assert_eq!(private(&PETER.replace("c74f20a3", "c74f20a4")), NoteError::WrongKeyId);
    assert_eq!(private(&PETER.replace("PRIVATE", "private")), NoteError::MalformedKey);
    assert_eq!(private(vkey), NoteError::MalformedKey);
    let cases = [
        ("", NoteError::MalformedKey),
        ("a", NoteError::MalformedKey),
        ("a+00000000", NoteError::MalformedKey),
        (&vkey.replace("530d903a", "530D903A"), NoteError::MalformedKey),
        (&vkey.replace("530d903a", "530d903b"), NoteError::WrongKeyId),
        (&vkey.replace("530d903a", "0530d903a"), NoteError::MalformedKey),
        (&vkey.replace("foo", "fop"), NoteError::WrongKeyId),
        (&vkey.replace("foo", "f o"), NoteError::BadName),
        (&vkey.replace("+Aek", "+Bek"), NoteError::UnknownKeyType(5)),
        (&vkey.replace("+Aek", "+//k"), NoteError::UnknownKeyType(255)),
        (&vkey.replace("3U2k", ""), NoteError::MalformedKey),
        (&format!("{vkey}\n"), NoteError::MalformedKey),
        (&vkey[..vkey.len() - 1], NoteError::MalformedKey),
    ];
    for (text, expected) in cases {
        assert_eq!(VerifierKey::parse(text).unwrap_err(), expected, "{text}");
    }
    let mut identity = [0; 32];
    identity[0] = 1;
    // Small orders 4, 1, 2, and y = 2, which is no point.
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut no_point = [0; 32];
    no_point[0] = 2;
    for weak in [[0; 32], identity, minus_one, no_point] {
        let ssh = PublicKey::Ed25519(weak);
        for kind in [KeyKind::Ed25519(weak), KeyKind::Cosigner(weak), KeyKind::Ssh(ssh)] {
            assert_eq!(VerifierKey::new("k", kind).unwrap_err(), NoteError::WeakKey);
        }
    }
}

#[test]
fn a_signature_for_a_key_of_small_order_is_refused_and_so_is_its_second_spelling() {
    // S + L is the same scalar: verifiers that accept it disagree with those that do not (RFC 8032 section 5.1.7).
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = machine("k", 1);
    let mut signature = key.sign("t\n");
    let mut carry = 0;
    for (byte, add) in signature.bytes[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert_eq!(key.verifier().verify(b"t\n", &key.sign("t\n")), Ok(None));
    assert!(key.verifier().verify(b"t\n", &signature).is_err());
    // R = A = identity, S = 0 signs every text for whoever does not look.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut forged = [0; 64];
    forged[0] = 1;
    assert!(!crate::curve::verify_strict(&identity, b"anything", &forged));
}

fn texts() -> impl Strategy<Value = String> {
    "[a-z \n—é+]{0,60}".prop_map(|text| format!("{text}\n"))
}

fn signatures() -> impl Strategy<Value = Signature> {
    let bytes = prop::collection::vec(any::<u8>(), 1..90);
    ("[a-zé:./]{1,12}", any::<[u8; 4]>(), bytes).prop_map(|(name, key_id, bytes)| Signature {
        name,
        key_id,
        bytes,
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(note) = Note::parse(&bytes) {
            prop_assert_eq!(note.to_bytes(), bytes);
        }
    }

    #[test]
    fn no_text_panics(text in "([a-z]{0,3}[\n ]{0,3}(— [a-z+ ]{0,3}[A-Za-z0-9+/=]{0,9}\n)?){0,6}") {
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_bytes(), text.as_bytes());
        }
        for line in text.lines() {
            if let Ok(signature) = Signature::parse_line(line) {
                prop_assert_eq!(signature.to_string(), line);
            }
        }
    }

    #[test]
    fn no_key_text_panics(text in "(PRIVATE\\+KEY\\+)?[a-z+ ]{0,4}\\+[0-9a-f]{7,9}\\+[A-Za-z0-9+/=]{0,60}") {
        prop_assert!(VerifierKey::parse(&text).is_err() && SigningKey::parse(&text).is_err());
    }

    #[test]
    fn what_is_printed_is_parsed(text in texts(), signatures in prop::collection::vec(signatures(), 1..5)) {
        let note = signed(&text, signatures);
        prop_assert_eq!(Note::parse(&note.to_bytes()), Ok(note));
    }

    #[test]
    fn keys_print_as_they_parse(name in "[a-zé:./]{1,12}", seed in any::<[u8; 32]>(), application in "[a-z]{0,9}") {
        let key = SigningKey::from_seed(&name, seed).unwrap();
        let public = *key.verifier().public_key();
        let ssh = PublicKey::SkEd25519 { key: public, application: format!("ssh:{application}") };
        let more = [KeyKind::Ssh(PublicKey::Ed25519(public)), KeyKind::Ssh(ssh)];
        let more = more.map(|kind| VerifierKey::new(&name, kind).unwrap());
        for vkey in [key.verifier(), key.cosigner()].into_iter().chain(more) {
            prop_assert_eq!(VerifierKey::parse(&vkey.to_string()), Ok(vkey));
        }
        prop_assert_eq!(SigningKey::parse(&key.encode()).unwrap().encode(), key.encode());
    }
}
