//! Founding a house: policy 0 is written, everyone it names signs it, and a home is made around it (docs/founding.md).
//! Also the folder that a person takes away.

use std::path::Path;

use ledger::note::{KeyKind, Note, SigningKey, VerifierKey};
use policy::clock::Clock as _;
use policy::floor::{Bounds, FLOOR};
use policy::note::{Head, PersonKeys, PolicyNote};
use policy::people::People;
use policy::rota::{self, Act};
use policy::{AnyNote, Id, Rejected};
use store::Store;

use crate::cli::{Global, Init, Kit, PolicyNew};
use crate::clock::RealClock;
use crate::config::{Config, Listen};
use crate::exit::{Exit, Failure, Result};
use crate::home::{OFFICER, OfficerFile, write_new};
use crate::{change, home, out, review, sshkey};

use super::init::{Ports, fill, mkdir};
use super::token::store_failure;

/// The edge that runs beside the desk in a new house.
const EDGE: &str = "edge-1";

/// `portcullis policy new`.
pub(super) fn policy(global: &Global, args: PolicyNew) -> Result<Exit> {
    let policy = write(&args)?;
    let text = policy.to_string();
    write_new(&args.out, &text, false)?;
    let answers = rota::ask(&People::alone(policy.clone()), |_| true);
    out::note(super::quorum::table(&answers));
    for answer in answers.iter().filter(|a| a.act == Act::Validate && !a.is_possible()) {
        out::note(format_args!(
            "CAREFUL: these people cannot decide and validate an emergency: {}",
            change::missing(answer)
        ));
    }
    let names: Vec<&str> = policy.persons.iter().map(|p| p.person.as_str()).collect();
    out::note(format_args!(
        "wrote {0}: read it, edit it, and when it is right let each of {1} sign it on a machine of their own:\n  portcullis \
         sign {0} --name NAME --key ~/.ssh/id_ed25519",
        args.out.display(),
        names.join(", ")
    ));
    out::made(global, "file", args.out.display());
    Ok(Exit::Ok)
}

fn write(args: &PolicyNew) -> Result<PolicyNote> {
    let log = machine("--log", &args.log)?;
    if log.name() != args.origin {
        return Err(Failure::input(format!(
            "the log's key is named {:?}, and the origin is {:?}",
            log.name(),
            args.origin
        ))
        .next(format!("portcullis key new log.key --for log --name {}", args.origin)));
    }
    let mut witnesses = Vec::new();
    for text in &args.witness {
        let key = VerifierKey::parse(text)
            .ok()
            .filter(|key| matches!(key.kind(), KeyKind::Cosigner(_)))
            .ok_or_else(|| {
                Failure::input(format!("--witness {text:?} is no witness's key"))
                    .next("as `portcullis key new FILE --for witness` prints it")
            })?;
        witnesses.push(key);
    }
    witnesses.sort_by(|a, b| a.name().cmp(b.name()));
    let mut persons = args.person.iter().map(|text| person(text)).collect::<Result<Vec<_>>>()?;
    persons.sort_by(|a, b| a.person.cmp(&b.person));
    let policy = PolicyNote {
        head: Head { origin: args.origin.clone(), id: Id::parse("policy-0").expect("an id") },
        version: 0,
        log,
        log_from: None,
        config: args.config.as_deref().map(|key| machine("--config", key)).transpose()?,
        bounds: Bounds { witness_quorum: witnesses.len() as u64, ..FLOOR },
        witnesses,
        persons,
    };
    if policy.is_demo() {
        return Err(Failure::input("a name that begins with demo: is a demonstration's")
            .next("`portcullis init --demo` makes one"));
    }
    match AnyNote::parse(&policy.to_string()) {
        Ok(_) => Ok(policy),
        Err(why) => Err(Failure::input(format!("this is no policy: {why}"))),
    }
}

/// A plain key of a machine of ours.
fn machine(flag: &str, text: &str) -> Result<VerifierKey> {
    let key = VerifierKey::parse(text).ok().filter(|key| matches!(key.kind(), KeyKind::Ed25519(_)));
    key.ok_or_else(|| {
        Failure::input(format!("{flag} {text:?} is no machine's key"))
            .next("as `portcullis key new FILE --for log --name NAME` prints it")
    })
}

/// `NAME:ORG:ROLES:FILE.pub`.
fn person(text: &str) -> Result<PersonKeys> {
    let wrong = |what: &str| {
        Failure::input(format!("--person {text:?}: {what}"))
            .next("as in --person anna:the-house:assessor,approver:anna.pub")
    };
    let mut words = text.splitn(4, ':');
    let (Some(name), Some(organisation), Some(roles), Some(file)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(wrong("it is not NAME:ORG:ROLES:FILE.pub"));
    };
    let id = |word: &str, what: &str| {
        let no = || wrong(&format!("{word:?} is no id of {what}: 3 to 64 of a-z 0-9 - _, a letter first"));
        Id::parse(word).ok_or_else(no)
    };
    Ok(PersonKeys {
        person: id(name, "a person")?,
        organisation: id(organisation, "an organisation")?,
        roles: super::officer::roles(roles)?,
        keys: vec![sshkey::verifier(Path::new(file), name)?],
    })
}

/// Everything that makes a house, read and judged before anything is written.
pub(super) struct Founding {
    policy: PolicyNote,
    note: Note,
    log: SigningKey,
    config: Option<SigningKey>,
    operator: String,
    domain: String,
}

impl Founding {
    /// Reads policy 0 and the keys it names.
    pub(super) fn read(file: &Path, args: &Init) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(|e| Failure::io("read", file, &e))?;
        let note = super::sign::read(file, &bytes)?;
        let AnyNote::Policy(policy) = review::parse(note.text())? else {
            return Err(
                Failure::input(format!("{} is no policy", file.display())).next("`portcullis policy new`")
            );
        };
        all_signed(&policy, &note)?;
        let found = &args.found;
        let missing = |flag: &str| Failure::new(Exit::Usage, format!("{flag} is needed to found a house"));
        let log = key(found.log_key.as_deref().ok_or_else(|| missing("--log-key"))?, &policy.log, "log")?;
        let config = match (&policy.config, found.config_key.as_deref()) {
            (Some(named), Some(file)) => Some(key(file, named, "config")?),
            (None, None) => None,
            (Some(_), None) => {
                return Err(missing("--config-key").next("policy 0 names a key for configurations"));
            }
            (None, Some(_)) => {
                return Err(Failure::input("policy 0 names no key for configurations")
                    .next("leave --config-key out, or write the policy anew with `policy new --config`"));
            }
        };
        let operator = found.operator.clone().ok_or_else(|| missing("--operator"))?;
        let domain = found.domain.clone().ok_or_else(|| missing("--domain"))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if domain.is_empty() || !domain.chars().all(plain) {
            return Err(
                Failure::input(format!("--domain {domain:?} is no domain")).next("as in shield.example")
            );
        }
        Ok(Self { policy, note, log, config, operator, domain })
    }

    /// Makes the home in a folder that is not its name yet.
    pub(super) async fn make(&self, dir: &Path, ports: &Ports) -> Result<()> {
        mkdir(dir)?;
        let (edge, now) = (super::key::new(EDGE)?, RealClock::new().now());
        let store = Store::open(&dir.join("desk")).await.map_err(store_failure)?;
        let trust = store.init_ledger(&self.log, &self.note.to_bytes(), now).await.map_err(|e| match e {
            store::StoreError::Unfit(why) => Failure::refused(why).next("nothing was made"),
            other => store_failure(other),
        })?;
        store.enrol_edge(EDGE, &edge.verifier().to_string(), now).await.map_err(store_failure)?;
        write_new(&dir.join("log.key"), &format!("{}\n", self.log.encode()), true)?;
        write_new(&dir.join("edge.key"), &format!("{}\n", edge.encode()), true)?;
        if let Some(config) = &self.config {
            write_new(&dir.join("config.key"), &format!("{}\n", config.encode()), true)?;
        }
        let trust = format!("{trust}\n");
        write_new(&dir.join("trust"), &trust, false)?;
        write_new(&dir.join("portcullis.toml"), &self.configuration(ports), false)?;
        write_new(&dir.join("sites.toml"), include_str!("../founding/sites.toml"), false)?;
        mkdir(&dir.join("people"))?;
        for person in &self.policy.persons {
            let folder = dir.join("people").join(person.person.as_str());
            let desk = format!("http://127.0.0.1:{}", ports.desk);
            hand_over(&store, &folder, person.person.as_str(), &desk, &trust).await?;
        }
        Ok(())
    }

    fn configuration(&self, ports: &Ports) -> String {
        // As TOML writes a text, whatever is in it.
        let operator = toml::Value::String(self.operator.clone()).to_string();
        let template = include_str!("../founding/portcullis.toml");
        let (title, rest) = template.split_once('\n').unwrap_or((template, ""));
        let title = title.replace("{operator}", &self.operator.replace(['\n', '\r'], " "));
        let key = if self.config.is_some() { "config_key = \"config.key\"\n" } else { "" };
        let rest = rest.replace("{operator}", &operator).replace("{config_key}\n", key);
        fill(&format!("{title}\n{}", rest.replace("{domain}", &self.domain)), ports)
    }

    /// What is made, and what next.
    pub(super) fn tell(&self, dir: &Path) {
        let names: Vec<&str> = self.policy.persons.iter().map(|p| p.person.as_str()).collect();
        let trust = home::read_line(&dir.join("trust")).unwrap_or_default();
        out::note(format_args!(
            "made {dir}\n\nthe trust line, for everybody, for ever; print it:\n  {trust}\n\nnext:\n  1. read {dir}/portcullis.toml and \
             write {dir}/sites.toml\n  2. hand each of {names} their folder in {dir}/people: it holds their token for the desk; \
             beside it they put their key:\n       ln -s ~/.ssh/id_ed25519 key && ln -s ~/.ssh/id_ed25519.pub key.pub\n  3. \
             portcullis --home {dir} run\n  4. the log's key is in {dir}/log.key now: keep one copy offline, destroy the others\n  5. \
             more edges: portcullis key new edge2.key --name edge-2; portcullis --home {dir} edges enrol VKEY",
            dir = dir.display(),
            names = names.join(", "),
        ));
    }
}

/// Whether everyone whom policy 0 names has signed it; if not, who is missing.
fn all_signed(policy: &PolicyNote, note: &Note) -> Result<()> {
    let bad = |why: String| Failure::refused(why).next("nothing was made");
    let signers = note.signers(policy.keys()).map_err(|e| bad(format!("a signature under policy 0: {e}")))?;
    let missing: Vec<&str> = policy
        .persons
        .iter()
        .filter(|p| !p.keys.iter().any(|key| signers.contains(&key)))
        .map(|p| p.person.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::refused(Rejected::Genesis("policy 0 is not signed by everyone it names yet").to_string()).next(format!(
        "missing: {}. Each runs `portcullis sign FILE --name NAME --key KEY`; copies come together with `sign FILE --add COPY`",
        missing.join(", ")
    )))
}

/// A machine's private key, if it is the one that policy 0 names.
fn key(file: &Path, named: &VerifierKey, what: &str) -> Result<SigningKey> {
    let key = home::machine_key(file)?;
    if key.verifier() == *named {
        return Ok(key);
    }
    Err(Failure::refused(format!("{} is not the {what} key of policy 0, which is {named}", file.display()))
        .next("nothing was made"))
}

/// `portcullis officer kit`: for a person who came with a later policy, or lost the folder.
pub(super) async fn kit(global: &Global, args: Kit) -> Result<Exit> {
    let config = Config::open(&global.home.join("portcullis.toml"))?;
    config.need(&["log", "desk"])?;
    let line = home::read_line(&config.log().trust)?;
    let trust = home::trust(&line)?;
    let store = super::token::open(global).await?;
    let state = store.reader().state(&trust, trust.is_demo()).await.map_err(store_failure)?;
    let policy = state.newest_policy();
    if !policy.persons.iter().any(|p| p.person.as_str() == args.name) {
        let known: Vec<&str> = policy.persons.iter().map(|p| p.person.as_str()).collect();
        return Err(Failure::input(format!("the newest policy names nobody {:?}", args.name))
            .next(format!("it names: {}; `portcullis officer enrol` proposes another", known.join(", "))));
    }
    let at = match (args.at, config.desk().listen) {
        (Some(at), _) => at,
        (None, Listen::Tcp(address)) => format!("http://{address}"),
        (None, Listen::Unix(_)) => {
            return Err(Failure::new(
                Exit::Usage,
                "the desk listens on a socket: say with --at how this person reaches it",
            ));
        }
    };
    if args.dir.exists() {
        return Err(Failure::new(Exit::Exists, format!("{} exists already", args.dir.display())));
    }
    let name = if trust.is_demo() { format!("demo:{}", args.name) } else { args.name };
    if store.remove_token(&name).await.map_err(store_failure)? {
        out::note("the token that this person had is worth nothing from now on");
    }
    hand_over(&store, &args.dir, &name, &at, &format!("{line}\n")).await?;
    out::note(
        "beside it goes the person's key: `key` (or a link to it) and `key.pub`; the token is for this person alone",
    );
    out::made(global, "folder", args.dir.display());
    Ok(Exit::Ok)
}

/// The folder of a person: token, trust line, officer.toml. The key is their own and never was here.
async fn hand_over(store: &Store, folder: &Path, name: &str, desk: &str, trust: &str) -> Result<()> {
    mkdir(folder)?;
    let token = super::token::create(store, name, desk::Role::Officer, RealClock::new().now()).await?;
    write_new(&folder.join("token"), &format!("{token}\n"), true)?;
    write_new(&folder.join("trust"), trust, false)?;
    let file = OfficerFile {
        name: name.to_owned(),
        desk: desk.to_owned(),
        key: "key".into(),
        token: "token".into(),
        trust: "trust".into(),
    };
    let text = toml::to_string(&file).map_err(|e| Failure::new(Exit::Failed, e.to_string()))?;
    write_new(&folder.join(OFFICER), &text, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn founding(config: bool) -> Founding {
        let key = || super::super::key::new("shield.example/ledger").expect("a key");
        let house = policy::testkit::House::demo(policy::Time(1_800_000_000));
        Founding {
            policy: house.policy(),
            note: house.policy_note(),
            log: key(),
            config: config.then(key),
            operator: "Shield \"of\" the\nNorth".into(),
            domain: "shield.example".into(),
        }
    }

    #[test]
    fn the_configuration_of_a_new_house_is_good_and_whole() {
        for config in [false, true] {
            let text = founding(config).configuration(&Ports::new(Some(20_000)));
            let read = Config::parse(&text, Path::new("/home")).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
            assert_eq!(read.operator().name, "Shield \"of\" the\nNorth");
            assert_eq!(read.desk().config_key.is_some(), config);
            assert!(!text.contains('{'), "a place was left open:\n{text}");
        }
        assert!(edge::sites::Sites::parse(include_str!("../founding/sites.toml"), Path::new("/")).is_ok());
    }

    #[test]
    fn persons_are_read_or_explained() {
        for (text, why) in [
            ("anna", "it is not NAME:ORG:ROLES:FILE.pub"),
            ("Anna:the-house:assessor:x.pub", "\"Anna\" is no id of a person"),
            ("anna:The House:assessor:x.pub", "is no id of an organisation"),
            ("anna:the-house:king:x.pub", "\"king\" is no role"),
            ("anna:the-house:assessor:/nowhere/x.pub", "read the public key"),
        ] {
            let failure = person(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(failure.to_string().contains(why), "{text}: {failure}");
        }
    }
}
