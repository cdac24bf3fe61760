//! `portcullis init --demo`: everything a demonstration needs, in one directory.

mod certificates;

use std::path::{Path, PathBuf};

use ledger::note::{Note, SigningKey, VerifierKey};
use policy::clock::Clock as _;
use policy::floor::{Bounds, FLOOR};
use policy::note::{Head, PersonKeys, PolicyNote, Role};
use policy::{Id, Time};
use store::Store;

use crate::cli::{Global, Init};
use crate::clock::RealClock;
use crate::exit::{Exit, Failure, Result};
use crate::home::{OFFICER, OfficerFile, write_new};
use crate::{out, sshkey};

use super::token::store_failure;

/// `demo:` marks all of it: nothing takes such a log or key without being told `--demo`.
const ORIGIN: &str = "demo:localhost/ledger";

/// The edge that runs in the same process.
const EDGE: &str = "demo:edge-1";

/// The machine that signs configurations.
const CONFIG: &str = "demo:config";

/// Name, organisation, roles, in the order of the names as the grammar wants them. Two assessors, of whom one may
/// propose; an independent approver; an independent reviewer: the fewest an emergency takes.
const PEOPLE: [(&str, &str, &[Role]); 4] = [
    ("anna", "demo-shield", &[Role::Assessor]),
    ("ben", "demo-shield", &[Role::Assessor, Role::Approver]),
    ("clara", "demo-trustees", &[Role::Approver, Role::Independent]),
    ("dora", "demo-trustees", &[Role::Reviewer, Role::Independent]),
];

/// Hostnames of the two customers. Names under `.localhost` are this machine (RFC 6761).
pub(super) const FIRST: [&str; 3] = ["one.first.localhost", "two.first.localhost", "live.first.localhost"];
pub(super) const SECOND: &str = "shop.second.localhost";

/// Where everything listens.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    pub(super) edge: u16,
    pub(super) desk: u16,
    pub(super) press: u16,
    pub(super) relay: u16,
    pub(super) tls: u16,
    pub(super) origins: [u16; 2],
    pub(super) metrics: u16,
}

impl Ports {
    pub(super) fn new(base: Option<u16>) -> Self {
        match base {
            None => {
                let [edge, desk, press, relay, metrics] = [8080, 8081, 8082, 8083, 8084];
                Self { edge, desk, press, relay, tls: 8443, origins: [9001, 9002], metrics }
            }
            Some(n) => {
                let [edge, desk, press, relay, tls, one, two, metrics] =
                    std::array::from_fn(|i| n + i as u16);
                Self { edge, desk, press, relay, tls, origins: [one, two], metrics }
            }
        }
    }
}

pub(super) async fn run(global: &Global, args: Init) -> Result<Exit> {
    let dir = args.dir.clone().unwrap_or_else(|| global.home.clone());
    if dir.exists() {
        return Err(Failure::new(
            Exit::Exists,
            format!("{} exists already and is not overwritten", dir.display()),
        )
        .next("use it as it is, remove it, or name another with --dir"));
    }
    // Made beside and renamed at the end: a home is there whole or not at all.
    let mut unfinished = dir.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    drop(std::fs::remove_dir_all(&unfinished));
    let ports = Ports::new(args.port_base);
    let found = match (&args.policy, args.demo) {
        (Some(policy), _) => Some(super::found::Founding::read(policy, &args)?),
        (None, true) => None,
        (None, false) => {
            return Err(Failure::new(Exit::Usage, "found a house, or make a demonstration?").next(
                "`init --policy FILE …` founds one (docs/founding.md); `init --demo` makes a demonstration",
            ));
        }
    };
    let made = match &found {
        Some(founding) => founding.make(&unfinished, &ports).await,
        None => make(&unfinished, &ports, &witnesses(&args.witness)?, args.sites_in_log).await,
    };
    let renamed =
        made.and_then(|()| std::fs::rename(&unfinished, &dir).map_err(|e| Failure::io("make", &dir, &e)));
    if let Err(failure) = renamed {
        drop(std::fs::remove_dir_all(&unfinished));
        return Err(failure);
    }
    if let Some(founding) = &found {
        founding.tell(&dir);
        out::made(global, "home", dir.display());
        return Ok(Exit::Ok);
    }
    let home = if dir == Path::new("demo") { String::new() } else { format!(" --home {}", dir.display()) };
    out::note(format_args!(
        "made {} for demonstration: two customers, four people (anna, ben, clara, dora), policy 0 signed by all of \
         them, their keys in {}\nnext: portcullis{home} run --demo",
        dir.display(),
        dir.join("people").display(),
    ));
    out::made(global, "home", dir.display());
    Ok(Exit::Ok)
}

/// Address and key of each witness, in the order of their names as the policy wants them.
fn witnesses(given: &[String]) -> Result<Vec<(String, VerifierKey)>> {
    let read = |text: &String| {
        let wrong = |why: String| {
            Failure::input(format!("--witness {text:?}: {why}"))
                .next("as in http://127.0.0.1:8085,VKEY, where `portcullis key new FILE --for witness` printed VKEY")
        };
        let (url, vkey) = text.split_once(',').ok_or_else(|| wrong("it is not URL,VKEY".into()))?;
        let key = VerifierKey::parse(vkey).map_err(|e| wrong(e.to_string()))?;
        relay::http::Base::parse(url).map_err(|e| wrong(e.to_string()))?;
        Ok((url.to_owned(), key))
    };
    let mut all: Vec<(String, VerifierKey)> = given.iter().map(read).collect::<Result<_>>()?;
    all.sort_by(|a, b| a.1.name().cmp(b.1.name()));
    Ok(all)
}

/// A folder for keys: nobody else may look.
pub(super) fn mkdir(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|e| Failure::io("make", path, &e))
}

async fn make(
    dir: &Path,
    ports: &Ports,
    witnesses: &[(String, VerifierKey)],
    config_key: bool,
) -> Result<()> {
    mkdir(dir)?;
    for (name, _, _) in PEOPLE {
        mkdir(&person(dir, name))?;
        sshkey::generate(&person(dir, name).join("key"), &key_name(name))?;
    }
    let log = super::key::new(ORIGIN)?;
    let edge = super::key::new(EDGE)?;
    let config = config_key.then(|| super::key::new(CONFIG)).transpose()?;
    let (policy_note, now) = (policy_note(dir, &log, config.as_ref(), witnesses)?, RealClock::new().now());
    let store = Store::open(&dir.join("desk")).await.map_err(store_failure)?;
    let trust = store.init_ledger(&log, &policy_note, now).await.map_err(store_failure)?;
    store.enrol_edge(EDGE, &edge.verifier().to_string(), now).await.map_err(store_failure)?;
    let trust = format!("{trust}\n");
    for (name, _, _) in PEOPLE {
        let token = super::token::create(&store, name, desk::Role::Officer, now).await?;
        write_new(&person(dir, name).join("token"), &format!("{token}\n"), true)?;
        write_new(&person(dir, name).join("trust"), &trust, false)?;
        write_new(&person(dir, name).join(OFFICER), &officer(name, ports)?, false)?;
    }
    write_new(&dir.join("log.key"), &format!("{}\n", log.encode()), true)?;
    write_new(&dir.join("edge.key"), &format!("{}\n", edge.encode()), true)?;
    if let Some(config) = &config {
        write_new(&dir.join("config.key"), &format!("{}\n", config.encode()), true)?;
    }
    mkdir(&dir.join("certs"))?;
    let hostnames: Vec<String> = FIRST.iter().chain([&SECOND]).map(ToString::to_string).collect();
    certificates::write(&dir.join("certs"), hostnames, now)?;
    for (name, content) in [
        ("trust", trust.as_str()),
        ("portcullis.toml", &configuration(ports, witnesses, config_key)),
        ("sites.toml", &sites(ports)),
        ("reasons.md", include_str!("../demo/reasons.md")),
        ("criteria.txt", include_str!("../demo/criteria.txt")),
        ("capture.txt", include_str!("../demo/capture.txt")),
        ("archive.txt", include_str!("../demo/archive.txt")),
    ] {
        write_new(&dir.join(name), content, false)?;
    }
    Ok(())
}

fn person(dir: &Path, name: &str) -> PathBuf {
    dir.join("people").join(name)
}

fn key_name(person: &str) -> String {
    format!("demo:{person}")
}

/// Policy 0 within the floor, signed by everyone it names.
fn policy_note(
    dir: &Path,
    log: &SigningKey,
    config: Option<&SigningKey>,
    witnesses: &[(String, VerifierKey)],
) -> Result<Vec<u8>> {
    let id = |s: &str| Id::parse(s).expect("the demonstration's names are ids");
    let mut persons = Vec::new();
    for (name, organisation, roles) in PEOPLE {
        let key = sshkey::verifier(&person(dir, name).join("key"), &key_name(name))?;
        persons.push(PersonKeys {
            person: id(name),
            organisation: id(organisation),
            roles: roles.to_vec(),
            keys: vec![key],
        });
    }
    let policy = PolicyNote {
        head: Head { origin: ORIGIN.into(), id: id("policy-0") },
        version: 0,
        log: log.verifier(),
        log_from: None,
        config: config.map(SigningKey::verifier),
        witnesses: witnesses.iter().map(|(_, key)| key.clone()).collect(),
        persons,
        bounds: Bounds { witness_quorum: witnesses.len() as u64, ..FLOOR },
    };
    // Whoever reads it must be able to: a bad --witness shows here.
    PolicyNote::parse(&policy.to_string()).map_err(|e| Failure::input(format!("policy 0: {e}")))?;
    let text = policy.to_string();
    let mut note = Note::new(&text).map_err(|e| Failure::new(Exit::Failed, e.to_string()))?;
    for (name, _, _) in PEOPLE {
        note.add(sshkey::sign(&person(dir, name).join("key"), &key_name(name), &text)?);
    }
    Ok(note.to_bytes())
}

fn officer(name: &str, ports: &Ports) -> Result<String> {
    let file = OfficerFile {
        name: key_name(name),
        desk: format!("http://127.0.0.1:{}", ports.desk),
        key: "key".into(),
        token: "token".into(),
        trust: "trust".into(),
    };
    toml::to_string(&file).map_err(|e| Failure::new(Exit::Failed, e.to_string()))
}

fn configuration(ports: &Ports, witnesses: &[(String, VerifierKey)], config_key: bool) -> String {
    let urls: Vec<&str> = witnesses.iter().map(|(url, _)| url.as_str()).collect();
    let line = if urls.is_empty() { String::new() } else { format!("witnesses = {urls:?}\n") };
    fill(include_str!("../demo/portcullis.toml"), ports)
        .replace("{witnesses}\n", &line)
        .replace("{config_key}\n", if config_key { "config_key = \"config.key\"\n" } else { "" })
}

fn sites(ports: &Ports) -> String {
    fill(include_str!("../demo/sites.toml"), ports)
}

pub(super) fn fill(template: &str, p: &Ports) -> String {
    [
        ("{edge}", p.edge),
        ("{desk}", p.desk),
        ("{press}", p.press),
        ("{relay}", p.relay),
        ("{tls}", p.tls),
        ("{origin1}", p.origins[0]),
        ("{origin2}", p.origins[1]),
        ("{metrics}", p.metrics),
    ]
    .iter()
    .fold(template.to_owned(), |text, (mark, port)| text.replace(mark, &port.to_string()))
}

/// When certificates of a demonstration made at `now` begin and end: years.
fn years(now: Time) -> (i32, i32) {
    let year: i32 = now.to_string().get(..4).and_then(|y| y.parse().ok()).unwrap_or(1970);
    (year - 1, year + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use edge::sites::Sites;

    #[test]
    fn the_demonstrations_files_are_good() {
        for base in [None, Some(18_080)] {
            let ports = Ports::new(base);
            let text = configuration(&ports, &[], true);
            assert!(!text.contains('{'), "{text}");
            let config = Config::parse(&text, Path::new("/base")).expect("a good configuration");
            config.need(&["operator", "log", "desk", "press", "relay", "edge"]).expect("all planes");
            assert_eq!(config.edge().listen[0].port(), ports.edge);
            assert_eq!(config.edge().listen_tls[0].port(), ports.tls);
            let sites = Sites::parse(&sites(&ports), Path::new("/base")).expect("good sites");
            let demo: Vec<u16> = config.demo_origins().iter().map(std::net::SocketAddr::port).collect();
            assert_eq!(demo, ports.origins);
            let all = sites.customers.iter().flat_map(|c| &c.sites).flat_map(|s| &s.origins);
            assert!(all.clone().all(|o| demo.iter().any(|port| o.ends_with(&format!(":{port}")))));
            let hosts: Vec<String> = sites.bindings().map(|(host, _)| host.to_string()).collect();
            assert!(FIRST.iter().chain([&SECOND]).all(|h| hosts.contains(&h.to_string())), "{hosts:?}");
            press::post::Post::parse(include_bytes!("../demo/reasons.md")).expect("a good post");
        }
    }

    #[tokio::test]
    async fn a_home_is_made_whole_and_only_once() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let home = dir.path().join("demo");
        make(&home, &Ports::new(None), &[], true).await.expect("made");
        let store = Store::open(&home.join("desk")).await.expect("a store");
        let trust = store.trust().await.expect("read").expect("a ledger");
        let state = store.reader().state(&trust, true).await.expect("the fold takes entry 0");
        assert_eq!((state.size(), state.policy(Time(u64::MAX)).persons.len()), (1, 4));
        let global = Global { home: dir.path().into(), person: None, desk: None, json: false, verbose: 0 };
        let init = Init { demo: true, dir: Some(home), port_base: None, ..Init::default() };
        assert_eq!(run(&global, init).await.expect_err("it exists").exit, Exit::Exists);
    }
}
