use super::*;
use crate::{note::VerifierKey, testkit::SshKey};
use ed25519_dalek::Signer as _;
use proptest::prelude::*;
use std::{
    format, fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
    string::ToString as _,
    vec,
};

const TEXT: &str = "portcullis-lift/v1\norigin log.example\n";

/// Runs the `ssh-keygen` of the machine.
fn ssh_keygen(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new("ssh-keygen")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ssh-keygen is missing: install the Debian package openssh-client");
    // It may end without reading when it refuses its arguments; then its status says so.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

/// Whether stock OpenSSH accepts this signature of `anna` over [`TEXT`].
fn stock_accepts(key: &PublicKey, signature: &SshSig, namespace: &str) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("allowed", &format!("anna {}\n", key.to_openssh()));
    write("signature", &signature.to_armor());
    let arguments = ["-Y", "verify", "-f", "allowed", "-I", "anna", "-n", namespace, "-s", "signature"];
    ssh_keygen(directory.path(), &arguments, TEXT).status.success()
}

/// What a FIDO token makes (PROTOCOL.u2f), with a key we hold.
struct Token {
    key: ed25519_dalek::SigningKey,
    application: &'static str,
}

impl Token {
    fn public(&self) -> PublicKey {
        PublicKey::SkEd25519 {
            key: self.key.verifying_key().to_bytes(),
            application: self.application.to_owned(),
        }
    }

    fn sign(&self, flags: u8, digest: Digest) -> SshSig {
        let mut data = b"SSHSIG".to_vec();
        for part in [NAMESPACE.as_bytes(), b"", digest.name().as_bytes(), &digest.of(TEXT.as_bytes())] {
            put_string(&mut data, part);
        }
        let counter = 0x0102_0304_u32;
        let signed =
            [&Sha256::digest(self.application)[..], &[flags], &counter.to_be_bytes(), &Sha256::digest(&data)]
                .concat();
        SshSig {
            public_key: self.public(),
            namespace: NAMESPACE.to_owned(),
            digest,
            signature: self.key.sign(&signed).to_bytes(),
            token: Some((flags, counter)),
        }
    }
}

fn token(seed: u8) -> Token {
    Token { key: ed25519_dalek::SigningKey::from_bytes(&[seed; 32]), application: "ssh:portcullis" }
}

fn person(seed: u8) -> (PublicKey, SshSig) {
    let key = SshKey::from_seed("anna", [seed; 32]);
    let signature = SshSig::from_blob(&key.sign(TEXT).unwrap().bytes).unwrap();
    (signature.public_key().clone(), signature)
}

#[test]
fn what_ssh_keygen_signs_is_accepted_and_printed_as_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let made = ssh_keygen(
        directory.path(),
        &["-q", "-t", "ed25519", "-N", "", "-C", "anna on one", "-f", "key"],
        "",
    );
    assert!(made.status.success(), "{made:?}");
    let line = fs::read_to_string(directory.path().join("key.pub")).unwrap();
    let (key, comment) = PublicKey::from_openssh(&line).unwrap();
    assert_eq!(comment, "anna on one");
    assert_eq!(format!("{} {comment}\n", key.to_openssh()), line);
    for (namespace, hash, digest) in [
        (NAMESPACE, "hashalg=sha512", Digest::Sha512),
        (NAMESPACE, "hashalg=sha256", Digest::Sha256),
        ("file", "hashalg=sha512", Digest::Sha512),
    ] {
        let signed =
            ssh_keygen(directory.path(), &["-Y", "sign", "-f", "key", "-n", namespace, "-O", hash], TEXT);
        assert!(signed.status.success(), "{signed:?}");
        let armor = core::str::from_utf8(&signed.stdout).unwrap();
        let signature = SshSig::from_armor(armor).unwrap();
        assert_eq!((signature.digest, signature.namespace()), (digest, namespace));
        assert_eq!(signature.to_armor(), armor);
        assert_eq!(signature.verify(&key, namespace, TEXT.as_bytes()), Ok(()));
        let for_notes = if namespace == NAMESPACE { Ok(()) } else { Err(SshSigError::Namespace) };
        assert_eq!(signature.verify(&key, NAMESPACE, TEXT.as_bytes()), for_notes);
    }
}

#[test]
fn stock_openssh_accepts_what_we_accept() {
    let (key, signature) = person(1);
    let token = token(2);
    let touched = token.sign(USER_PRESENT, Digest::Sha512);
    for (key, signature) in [(&key, &signature), (&token.public(), &touched)] {
        assert_eq!(signature.verify(key, NAMESPACE, TEXT.as_bytes()), Ok(()));
        assert!(stock_accepts(key, signature, NAMESPACE));
        assert!(!stock_accepts(key, signature, "file"));
        assert!(!stock_accepts(&person(9).0, signature, NAMESPACE));
    }
}

#[test]
fn the_ssh_key_crate_agrees() {
    let theirs = |signature: &SshSig| ssh_key::SshSig::from_pem(signature.to_armor()).unwrap();
    let (_, signature) = person(1);
    for signature in [signature, token(2).sign(USER_PRESENT, Digest::Sha256)] {
        let line = signature.public_key().to_openssh();
        let key = ssh_key::PublicKey::from_openssh(&line).unwrap();
        key.verify(NAMESPACE, TEXT.as_bytes(), &theirs(&signature)).unwrap();
        assert!(key.verify(NAMESPACE, b"other", &theirs(&signature)).is_err());
        assert_eq!(key.to_openssh().unwrap(), line);
    }
    let private = ssh_key::PrivateKey::from(ssh_key::private::Ed25519Keypair::from_seed(&[1; 32]));
    let signed = private.sign(NAMESPACE, ssh_key::HashAlg::Sha512, TEXT.as_bytes()).unwrap();
    let ours = SshSig::from_armor(&signed.to_pem(ssh_key::LineEnding::LF).unwrap()).unwrap();
    assert_eq!(ours, person(1).1);
    let windows = signed.to_pem(ssh_key::LineEnding::CRLF).unwrap();
    assert_eq!(SshSig::from_armor(&windows), Ok(ours));
}

#[test]
fn a_token_must_be_touched() {
    for (flags, expected) in [
        (0b0000_0001, Ok(())),
        (0b0000_0101, Ok(())),
        (0b0000_0000, Err(SshSigError::NotTouched)),
        (0b0000_0100, Err(SshSigError::NotTouched)),
        (0b1111_1110, Err(SshSigError::NotTouched)),
    ] {
        for digest in [Digest::Sha256, Digest::Sha512] {
            let signature = token(1).sign(flags, digest);
            assert_eq!(signature.verify(&token(1).public(), NAMESPACE, TEXT.as_bytes()), expected);
        }
    }
    // The flags are signed: setting the bit afterwards does not help.
    let mut lifted = token(1).sign(0, Digest::Sha512);
    lifted.token = Some((USER_PRESENT, 0x0102_0304));
    let found = lifted.verify(&token(1).public(), NAMESPACE, TEXT.as_bytes());
    assert_eq!(found, Err(SshSigError::BadSignature));
}

#[test]
fn other_keys_texts_and_purposes_are_refused() {
    let (key, signature) = person(1);
    let stranger = person(2).0;
    let token = token(1);
    let as_token = token.public();
    let other_application = PublicKey::SkEd25519 { key: *key.public_key(), application: "ssh:".into() };
    assert_eq!(key.public_key(), as_token.public_key(), "the same bytes, another kind of key");
    let touched = token.sign(USER_PRESENT, Digest::Sha512);
    let cases: &[(&SshSig, &PublicKey, &str, &str, SshSigError)] = &[
        (&signature, &stranger, NAMESPACE, TEXT, SshSigError::OtherKey),
        (&signature, &as_token, NAMESPACE, TEXT, SshSigError::OtherKey),
        (&touched, &key, NAMESPACE, TEXT, SshSigError::OtherKey),
        (&touched, &other_application, NAMESPACE, TEXT, SshSigError::OtherKey),
        (&signature, &key, "file", TEXT, SshSigError::Namespace),
        (&signature, &key, "", TEXT, SshSigError::Namespace),
        (&signature, &key, NAMESPACE, "", SshSigError::BadSignature),
        (&signature, &key, NAMESPACE, "portcullis-lift/v1\n", SshSigError::BadSignature),
        (&touched, &as_token, NAMESPACE, "", SshSigError::BadSignature),
    ];
    for (signature, key, namespace, text, expected) in cases {
        assert_eq!(signature.verify(key, namespace, text.as_bytes()), Err(*expected));
    }
}

#[test]
fn no_flipped_bit_and_no_missing_or_further_byte_is_accepted() {
    let (_, signature) = person(1);
    for signature in [signature, token(1).sign(USER_PRESENT, Digest::Sha512)] {
        let key = signature.public_key().clone();
        let check = |blob: &[u8]| {
            SshSig::from_blob(blob).and_then(|sig| sig.verify(&key, NAMESPACE, TEXT.as_bytes()))
        };
        let blob = signature.to_blob();
        assert_eq!(check(&blob), Ok(()));
        for at in 0..blob.len() {
            for bit in [0x01, 0x10, 0x80] {
                let mut other = blob.clone();
                other[at] ^= bit;
                assert!(check(&other).is_err(), "byte {at}");
            }
            assert!(check(&blob[..at]).is_err(), "cut at {at}");
        }
        for more in [0, 1, 0xff] {
            assert_eq!(check(&[&blob[..], &[more]].concat()), Err(SshSigError::Malformed));
        }
    }
}

/// A blob of the given parts, every one of them free.
fn blob(version: u32, key: &[u8], namespace: &[u8], reserved: &[u8], hash: &[u8], inner: &[u8]) -> Vec<u8> {
    let mut out = [&MAGIC[..], &version.to_be_bytes()].concat();
    for part in [key, namespace, reserved, hash, inner] {
        put_string(&mut out, part);
    }
    out
}

fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    parts.iter().for_each(|part| put_string(&mut out, part));
    out
}

#[test]
fn another_form_is_refused() {
    let (public, signature) = person(1);
    let (key, ns) = (public.to_blob(), NAMESPACE.as_bytes());
    let inner = strings(&[b"ssh-ed25519", &signature.signature]);
    let sk_inner = [&strings(&[SK_ED25519.as_bytes(), &signature.signature])[..], &[1, 0, 0, 0, 0]].concat();
    let sk = token(1).public().to_blob();
    let rsa = strings(&[b"ssh-rsa", &[1], &[1; 128]]);
    let certificate = strings(&[b"ssh-ed25519-cert-v01@openssh.com", &[1; 32]]);
    assert_eq!(SshSig::from_blob(&blob(1, &key, ns, b"", b"sha512", &inner)), Ok(signature.clone()));
    let long = [b'x'; MAX_WORD + 1];
    let cases = [
        (blob(0, &key, ns, b"", b"sha512", &inner), SshSigError::Version),
        (blob(2, &key, ns, b"", b"sha512", &inner), SshSigError::Version),
        (blob(1, &key, b"", b"", b"sha512", &inner), SshSigError::Namespace),
        (blob(1, &key, &long, b"", b"sha512", &inner), SshSigError::Malformed),
        (blob(1, &key, b"\xff", b"", b"sha512", &inner), SshSigError::Malformed),
        (blob(1, &key, ns, b"\0", b"sha512", &inner), SshSigError::Reserved),
        (blob(1, &key, ns, b"", b"sha1", &inner), SshSigError::HashAlgorithm),
        (blob(1, &key, ns, b"", b"SHA512", &inner), SshSigError::HashAlgorithm),
        (blob(1, &rsa, ns, b"", b"sha512", &inner), SshSigError::KeyType),
        (blob(1, &certificate, ns, b"", b"sha512", &inner), SshSigError::KeyType),
        (
            blob(1, &strings(&[b"ssh-ed25519", &[0; 32]]), ns, b"", b"sha512", &inner),
            SshSigError::MalformedKey,
        ),
        (blob(1, &key, ns, b"", b"sha512", &sk_inner), SshSigError::Malformed),
        (blob(1, &sk, ns, b"", b"sha512", &inner), SshSigError::Malformed),
        (blob(1, &sk, ns, b"", b"sha512", &sk_inner[..sk_inner.len() - 1]), SshSigError::Malformed),
        (blob(1, &key, ns, b"", b"sha512", &[&inner[..], &[0]].concat()), SshSigError::Malformed),
        (blob(1, &[&key[..], &[0]].concat(), ns, b"", b"sha512", &inner), SshSigError::Malformed),
        (b"SSHSIH\0\0\0\x01".to_vec(), SshSigError::Malformed),
        (Vec::new(), SshSigError::Malformed),
        (vec![0; MAX_BLOB + 1], SshSigError::TooLong),
    ];
    for (number, (bytes, expected)) in cases.iter().enumerate() {
        assert_eq!(SshSig::from_blob(bytes), Err(*expected), "case {number}");
    }
}

#[test]
fn only_one_clean_armour_is_read() {
    let (_, signature) = person(1);
    let armor = signature.to_armor();
    let body = armor.lines().nth(1).unwrap();
    for good in [armor.clone(), format!("{armor}\n\n"), armor.trim_end().into(), armor.replace('\n', "\r\n")]
    {
        assert_eq!(SshSig::from_armor(&good), Ok(signature.clone()));
    }
    let cases = [
        (String::new(), SshSigError::Armor),
        (BEGIN.into(), SshSigError::Armor),
        (format!("{BEGIN}\n{END}\n"), SshSigError::Malformed),
        (format!("x\n{armor}"), SshSigError::Armor),
        (format!("{armor}x\n"), SshSigError::Armor),
        (format!("{armor}{armor}"), SshSigError::Armor),
        (armor.replace("SSH SIGNATURE", "PGP SIGNATURE"), SshSigError::Armor),
        (armor.replace(body, &format!("{body} ")), SshSigError::Armor),
        (armor.replace(body, &body[1..]), SshSigError::Armor),
        (format!("{BEGIN}\n{}\n{END}\n", "A".repeat(3 * MAX_BLOB)), SshSigError::TooLong),
    ];
    for (text, expected) in cases {
        assert_eq!(SshSig::from_armor(&text), Err(expected), "{text}");
    }
}

#[test]
fn public_keys_have_one_line() {
    let (key, line) = (person(1).0, person(1).0.to_openssh());
    for (text, comment) in
        [(line.clone(), ""), (format!("{line}\n"), ""), (format!("{line} a b  c \r\n"), "a b  c")]
    {
        assert_eq!(PublicKey::from_openssh(&text), Ok((key.clone(), comment.to_string())));
    }
    let sk = token(1).public().to_openssh();
    assert_eq!(PublicKey::from_openssh(&sk), Ok((token(1).public(), String::new())));
    let web = PublicKey::SkEd25519 { key: *key.public_key(), application: "https://example".into() };
    let cases = [
        (String::new(), SshSigError::MalformedKey),
        ("ssh-ed25519".into(), SshSigError::MalformedKey),
        ("ssh-ed25519 AAAA".into(), SshSigError::Malformed),
        (format!(" {line}"), SshSigError::KeyType),
        (format!("no-pty {line}"), SshSigError::KeyType),
        (line.replace("ssh-ed25519 ", "ssh-rsa "), SshSigError::KeyType),
        (line.replace("ssh-ed25519 ", "sk-ssh-ed25519@openssh.com "), SshSigError::MalformedKey),
        (line.replace("ssh-ed25519 ", "ssh-ed25519  "), SshSigError::Malformed),
        (line[..line.len() - 1].into(), SshSigError::MalformedKey),
        (web.to_openssh(), SshSigError::MalformedKey),
    ];
    for (text, expected) in cases {
        assert_eq!(PublicKey::from_openssh(&text), Err(expected), "{text}");
    }
}

#[test]
fn a_person_signs_a_note() {
    let anna = SshKey::from_seed("anna", [1; 32]);
    let key = anna.verifier().unwrap();
    let signature = anna.sign(TEXT).unwrap();
    assert_eq!(key.verify(TEXT.as_bytes(), &signature), Ok(None));
    assert!(key.verify(b"other\n", &signature).is_err());
    // Pins the text form of persons' keys: policies that are already signed must stay readable.
    assert_eq!(key.to_string(), GOLDEN);
    assert_eq!(VerifierKey::parse(GOLDEN), Ok(key));
}

/// `SHA-256("anna" 0x0a 0xff "portcullis.sshsig/v1" 0x00 blob)[:4]`, computed outside this crate.
const GOLDEN: &str = "anna+e951849a+/3BvcnRjdWxsaXMuc3Noc2lnL3YxAAAAAAtzc2gtZWQyNTUxOQAAACCKiOPddAnxlf1S2y08ul1yymcJvx2UEhvzdIgBtA9vXA==";

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let whole = [&MAGIC[..], &[0, 0, 0, 1], &bytes].concat();
        for bytes in [&bytes, &whole] {
            prop_assert!(SshSig::from_blob(bytes).is_err() && PublicKey::from_blob(bytes).is_err());
        }
    }

    #[test]
    fn changed_blobs_print_as_they_parse(at in 0_usize..300, to in any::<u8>(), fido in any::<bool>()) {
        let mut blob = if fido { token(1).sign(1, Digest::Sha256) } else { person(1).1 }.to_blob();
        if let Some(byte) = blob.get_mut(at) {
            *byte = to;
        }
        if let Ok(signature) = SshSig::from_blob(&blob) {
            prop_assert_eq!(signature.to_blob(), blob);
            prop_assert_eq!(SshSig::from_armor(&signature.to_armor()), Ok(signature));
        }
    }

    #[test]
    fn no_text_panics(
        text in "(-----BEGIN SSH SIGNATURE-----\n)?[A-Za-z0-9+/=\n -]{0,200}(-----END SSH SIGNATURE-----\n?)?",
    ) {
        prop_assert!(SshSig::from_armor(&text).is_err());
        prop_assert!(PublicKey::from_openssh(&text).is_err());
        let line = ["ssh-ed25519 ", &text].concat();
        prop_assert!(PublicKey::from_openssh(&line).is_err());
    }
}
