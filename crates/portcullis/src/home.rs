//! Homes: of an installation, and of one person. A person's home holds key, token, trust line and the desk's address,
//! and can be carried to another machine.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::Global;
use crate::exit::{Exit, Failure, Result};

/// The file that makes a directory a person's home.
pub(crate) const OFFICER: &str = "officer.toml";

/// What `officer.toml` holds.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfficerFile {
    /// The key's name as the policy writes it (`anna`, or `demo:anna`).
    pub(crate) name: String,
    /// The desk's address.
    pub(crate) desk: String,
    /// The SSH key: a private key file, or a `.pub` file whose key the agent holds.
    pub(crate) key: PathBuf,
    /// File with the desk token.
    pub(crate) token: PathBuf,
    /// File with the trust line.
    pub(crate) trust: PathBuf,
}

/// A person who acts.
pub(crate) struct Officer {
    pub(crate) name: String,
    pub(crate) key: PathBuf,
    pub(crate) desk: String,
    pub(crate) token: String,
    trust: PathBuf,
}

impl Officer {
    /// The person that the flags name.
    pub(crate) fn open(global: &Global) -> Result<Self> {
        let home = match &global.person {
            Some(person) => global.home.join("people").join(person),
            None => global.home.clone(),
        };
        let file = home.join(OFFICER);
        let text = std::fs::read_to_string(&file).map_err(|e| {
            let missing =
                Failure::new(Exit::Input, format!("no person's home: cannot read {}: {e}", file.display()));
            missing.next(whom(&global.home))
        })?;
        let read: OfficerFile = toml::from_str(&text)
            .map_err(|e| Failure::new(Exit::Config, format!("{}: {}", file.display(), e.message())))?;
        let token = read_line(&home.join(&read.token))?;
        let desk = global.desk.clone().unwrap_or(read.desk);
        Ok(Self { name: read.name, key: home.join(read.key), desk, token, trust: home.join(read.trust) })
    }

    /// The person's id in the policy, which their keys are named after.
    pub(crate) fn person(&self) -> &str {
        self.name.strip_prefix("demo:").unwrap_or(&self.name)
    }

    /// The trust line of the ledger this person signs for.
    pub(crate) fn trust(&self) -> Result<policy::Trust> {
        trust(&read_line(&self.trust)?)
    }
}

/// Reads a trust line.
pub(crate) fn trust(line: &str) -> Result<policy::Trust> {
    policy::Trust::parse(line).map_err(|e| Failure::input(format!("the trust line is wrong: {e}")))
}

/// Reads a machine's key from its file.
pub(crate) fn machine_key(file: &Path) -> Result<ledger::note::SigningKey> {
    ledger::note::SigningKey::parse(&read_line(file)?)
        .map_err(|e| Failure::new(Exit::Config, format!("{} is no machine's key: {e}", file.display())))
}

/// Says which people there are.
fn whom(home: &Path) -> String {
    let people = std::fs::read_dir(home.join("people")).into_iter().flatten().flatten();
    let mut names: Vec<String> = people.filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    if names.is_empty() {
        return format!(
            "make a home with `portcullis init --demo`, or point --home at one ({} is none)",
            home.display()
        );
    }
    format!("say who you are with --as NAME; here are: {}", names.join(", "))
}

/// A file of one line.
pub(crate) fn read_line(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io("read", path, &e))?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// Writes a new file; an existing one is never touched. `secret`: readable by its owner only.
pub(crate) fn write_new(path: &Path, content: &str, secret: bool) -> Result<()> {
    write_new_bytes(path, content.as_bytes(), secret)
}

/// The same with what is no text.
pub(crate) fn write_new_bytes(path: &Path, content: &[u8], secret: bool) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mode = if secret { 0o600 } else { 0o644 };
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|e| {
            if e.kind() == std::io::ErrorKind::AlreadyExists {
                return Failure::new(
                    Exit::Exists,
                    format!("{} exists already and is not overwritten", path.display()),
                );
            }
            Failure::io("write", path, &e)
        })?;
    file.write_all(content).map_err(|e| Failure::io("write", path, &e))
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| Failure::new(Exit::Io, format!("the system gives no random bytes: {e}")))?;
    Ok(bytes)
}

/// A new id: the kind, a hyphen, and a UUIDv7 (RFC 9562 section 5.7), so that ids sort by time.
pub(crate) fn new_id(kind: &str) -> Result<policy::Id> {
    let uuid = uuid::Builder::from_unix_timestamp_millis(crate::clock::unix_millis(), &random()?).into_uuid();
    let text = format!("{kind}-{}", uuid.simple());
    Ok(policy::Id::parse(&text).expect("three letters, a hyphen and 32 hex digits are an id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(home: &Path, person: Option<&str>) -> Global {
        Global { home: home.into(), person: person.map(Into::into), desk: None, json: false, verbose: 0 }
    }

    #[test]
    fn a_persons_home_is_found_by_name_or_directly() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let anna = dir.path().join("people/anna");
        std::fs::create_dir_all(&anna).expect("made");
        let text = "name = \"demo:anna\"\ndesk = \"http://127.0.0.1:1\"\nkey = \"key\"\ntoken = \"token\"\ntrust = \"trust\"\n";
        write_new(&anna.join(OFFICER), text, false).expect("written");
        write_new(&anna.join("token"), "secret\n", true).expect("written");
        for global in [global(dir.path(), Some("anna")), global(&anna, None)] {
            let officer = Officer::open(&global).expect("anna");
            assert_eq!((officer.name.as_str(), officer.token.as_str()), ("demo:anna", "secret"));
            assert_eq!(officer.key, anna.join("key"));
        }
        let failure = Officer::open(&global(dir.path(), None)).err().expect("nobody named").to_string();
        assert!(failure.contains("--as NAME; here are: anna"), "{failure}");
    }

    #[test]
    fn files_are_never_overwritten_and_secrets_are_closed() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("token");
        write_new(&file, "a\n", true).expect("written");
        assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(write_new(&file, "b\n", true).expect_err("exists").exit, Exit::Exists);
        assert_eq!(read_line(&file).expect("read"), "a");
    }

    #[test]
    fn ids_sort_by_time_and_differ() {
        let (a, b) = (new_id("imp").expect("an id"), new_id("imp").expect("an id"));
        assert!(a.as_str().starts_with("imp-") && a.as_str().len() == 36 && a != b);
        assert!(a.as_str()[4..16] <= b.as_str()[4..16]);
    }
}
