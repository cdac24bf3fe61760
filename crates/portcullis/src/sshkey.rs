//! People's keys, through stock `ssh-keygen`: files, the agent and hardware keys all work, and no private key of a
//! person is ever in this process.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use ledger::note::{KeyKind, Signature, VerifierKey};
use ledger::sshsig::{NAMESPACE, PublicKey, SshSig};

use crate::exit::{Exit, Failure, Result};

/// Makes an Ed25519 key without a passphrase at `path` and `path.pub`. For demonstration only: people make their own.
pub(crate) fn generate(path: &Path, comment: &str) -> Result<()> {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(path);
    run(command, b"").map(|_| ())
}

/// The public key beside (or at) `path`.
pub(crate) fn public(path: &Path) -> Result<PublicKey> {
    let mut file = path.as_os_str().to_owned();
    if path.extension().is_none_or(|e| e != "pub") {
        file.push(".pub");
    }
    let file = Path::new(&file);
    let text = std::fs::read_to_string(file).map_err(|e| {
        Failure::io("read the public key", file, &e)
            .next("a key and its .pub file lie side by side; officer.toml says where yours is (`key`)")
    })?;
    let key = PublicKey::from_openssh(text.trim_end());
    key.map(|(key, _)| key).map_err(|e| {
        Failure::input(format!("{} is not a key that can sign notes: {e}", file.display()))
            .next("`ssh-keygen -t ed25519` or `ssh-keygen -t ed25519-sk` makes one")
    })
}

/// The key as a policy writes it.
pub(crate) fn verifier(path: &Path, name: &str) -> Result<VerifierKey> {
    VerifierKey::new(name, KeyKind::Ssh(public(path)?))
        .map_err(|e| Failure::input(format!("{name:?} cannot be a key's name: {e}")))
}

/// Signs a text as `name` with the key at `path`, and checks the signature before handing it out.
pub(crate) fn sign(path: &Path, name: &str, text: &str) -> Result<Signature> {
    let verifier = verifier(path, name)?;
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(path);
    let armor = run(command, text.as_bytes())?;
    let strange =
        |what: String| Failure::new(Exit::Failed, format!("ssh-keygen's signature does not hold: {what}"));
    let armor = String::from_utf8(armor).map_err(|_| strange("it is not text".into()))?;
    let blob = SshSig::from_armor(&armor).map_err(|e| strange(e.to_string()))?.to_blob();
    let signature = Signature { name: name.to_owned(), key_id: verifier.key_id(), bytes: blob };
    verifier.verify(text.as_bytes(), &signature).map_err(|e| strange(e.to_string()))?;
    Ok(signature)
}

/// Runs it with `input`, and gives what it printed.
fn run(mut command: Command, input: &[u8]) -> Result<Vec<u8>> {
    let failed = |what: String| {
        Failure::new(Exit::Failed, format!("ssh-keygen {what}"))
            .next("the key file must exist and be readable by you alone (chmod 600)")
    };
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| {
            Failure::new(Exit::Unavailable, format!("cannot run ssh-keygen: {e}"))
                .next("install the OpenSSH client (Debian: apt-get install openssh-client)")
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may end before it read everything (no such key); its own words then say why.
        drop(stdin.write_all(input));
    }
    // Notes are below 64 KiB and signatures below 1 KiB, so neither pipe can fill while we wait for the other.
    let (mut out, mut err) = (Vec::new(), String::new());
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut out).map_err(|e| failed(format!("broke off: {e}")))?;
    }
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut err).map_err(|e| failed(format!("broke off: {e}")))?;
    }
    let status = child.wait().map_err(|e| failed(format!("broke off: {e}")))?;
    if status.success() { Ok(out) } else { Err(failed(format!("failed: {}", err.trim()))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_generated_key_signs_and_the_signature_counts() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let key = dir.path().join("key");
        generate(&key, "demo:anna").expect("ssh-keygen makes a key");
        let text = "portcullis-lift/v1\nwhy A text.\n";
        let signature = sign(&key, "demo:anna", text).expect("it signs");
        let verifier = verifier(&key, "demo:anna").expect("a verifier");
        assert!(verifier.verify(text.as_bytes(), &signature).is_ok());
        assert!(verifier.verify(b"another text\n", &signature).is_err());
    }

    #[test]
    fn stock_openssh_accepts_it_under_the_namespace_and_no_other() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let key = dir.path().join("key");
        generate(&key, "demo:anna").expect("ssh-keygen makes a key");
        let signature = sign(&key, "demo:anna", "a text\n").expect("it signs");
        let armor = SshSig::from_blob(&signature.bytes).expect("a signature").to_armor();
        std::fs::write(dir.path().join("sig"), armor).expect("written");
        let allowed = format!("anna {}\n", public(&key).expect("a key").to_openssh());
        std::fs::write(dir.path().join("allowed"), allowed).expect("written");
        for (namespace, good) in [(NAMESPACE, true), ("file", false)] {
            let mut command = Command::new("ssh-keygen");
            command.current_dir(dir.path());
            command.args(["-Y", "verify", "-f", "allowed", "-I", "anna", "-s", "sig", "-n", namespace]);
            assert_eq!(run(command, b"a text\n").is_ok(), good, "{namespace}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let failure = sign(&dir.path().join("none"), "anna", "x\n").expect_err("no key");
        assert_eq!(failure.exit, Exit::Io);
        let rsa = dir.path().join("rsa.pub");
        std::fs::write(&rsa, "ssh-rsa AAAAB3NzaC1yc2E= x\n").expect("written");
        let failure = public(&rsa).expect_err("not an Ed25519 key").to_string();
        assert!(failure.contains("next: `ssh-keygen -t ed25519`"), "{failure}");
    }
}
