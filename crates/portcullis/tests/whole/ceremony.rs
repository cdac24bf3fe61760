//! A house is founded by people who sit in different places, with keys of their own and nothing of the demonstration.

use crate::origin::Nginx;
use crate::process::{Done, Running, eventually, run};
use crate::town::{LIMITING, case, port_base, portcullis};
use crate::visitor::{Doors, Way, get};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ORIGIN: &str = "shield.test/ledger";
const PEOPLE: [(&str, &str); 5] = [
    ("anna", "the-house:assessor"),
    ("ben", "the-house:assessor,approver"),
    ("clara", "trustees:approver,independent"),
    ("dora", "trustees:reviewer,independent"),
    ("emil", "the-house:legal"),
];

struct Founders {
    folder: tempfile::TempDir,
}

impl Founders {
    /// Everybody makes a key, on a machine of their own.
    fn gather() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, _) in PEOPLE {
            let machine = folder.path().join(name);
            fs::create_dir(&machine).expect("a machine");
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(machine.join("key")))
            .ok();
        }
        Self { folder }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        self.at(path).to_str().expect("temporary folders are UTF-8").to_owned()
    }

    fn cli(&self, args: &[&str]) -> Done {
        run(portcullis().args(args))
    }

    /// Writes policy 0, with the persons in any order.
    fn write(&self, log: &str, out: &str) -> Done {
        let persons: Vec<String> = PEOPLE
            .iter()
            .rev()
            .map(|(name, rest)| format!("{name}:{rest}:{}", self.text(&format!("{name}/key.pub"))))
            .collect();
        let mut args = vec!["policy", "new", "--origin", ORIGIN, "--log", log, "--out", out];
        persons.iter().for_each(|person| args.extend(["--person", person]));
        self.cli(&args)
    }

    /// A person signs a copy of the text, at home.
    fn signs(&self, name: &str, from: &str) -> String {
        let copy = self.text(&format!("{name}/policy-0.txt"));
        fs::copy(from, &copy).expect("sent by mail");
        let key = self.text(&format!("{name}/key"));
        let done = self.cli(&["sign", &copy, "--name", name, "--key", &key, "--yes"]);
        assert!(done.err.contains("portcullis-policy/v1"), "whoever signs sees the text: {done:?}");
        done.ok();
        copy
    }

    fn init(&self, policy: &str, key: &str, base: u16) -> Done {
        let (home, base) = (self.text("home"), base.to_string());
        self.cli(&[
            "--home",
            &home,
            "init",
            "--policy",
            policy,
            "--log-key",
            key,
            "--operator",
            "Test Shield",
            "--domain",
            "shield.test",
            "--port-base",
            &base,
        ])
    }

    /// A command of a person, whose folder is all there is.
    fn person(&self, name: &str, args: &[&str]) -> Done {
        let folder = self.at(&format!("home/people/{name}"));
        run(portcullis().arg("--home").arg(&folder).args(args))
    }
}

fn demo(file: &str) -> String {
    format!("{}/src/demo/{file}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn five_people_found_a_house_and_it_blocks_on_the_record() {
    let founders = Founders::gather();
    let key = founders.text("log.key");
    let vkey = founders.cli(&["key", "new", &key, "--for", "log", "--name", ORIGIN]).ok();
    let policy = founders.text("policy-0.txt");
    let written = founders.write(vkey.trim(), &policy);
    assert!(written.err.contains("emergency") && !written.err.contains("CAREFUL"), "{written:?}");
    written.ok();
    let again = founders.write(vkey.trim(), &policy);
    assert!(again.code == 73 && again.err.contains("not overwritten"), "{again:?}");

    // A policy that no log would take gets nobody's signature: it would be found out only when all have signed.
    let loose = founders.text("loose.txt");
    let text = fs::read_to_string(&policy).expect("text");
    fs::write(&loose, text.replace("bound emergency-hours 48", "bound emergency-hours 49")).expect("written");
    let anna = founders.text("anna/key");
    let refused = founders.cli(&["sign", &loose, "--name", "anna", "--key", &anna, "--yes"]);
    assert!(refused.code == 77 && refused.err.contains("`emergency-hours` is looser"), "{refused:?}");

    // Each signs a copy; somebody brings them together.
    let copies: Vec<String> = PEOPLE.iter().map(|(name, _)| founders.signs(name, &policy)).collect();
    let base = port_base();
    let early = founders.init(&copies[0], &key, base);
    assert!(early.code == 77 && early.err.contains("missing: ben, clara, dora, emil"), "{early:?}");
    let mut add = vec!["sign", &policy];
    copies.iter().for_each(|copy| add.extend(["--add", copy]));
    founders.cli(&add).ok();
    // A text that somebody changed on the way is no copy, and a stranger's key is no founder's.
    let changed = founders.text("changed.txt");
    fs::write(&changed, fs::read_to_string(&policy).expect("text").replace("hours 48", "hours 47"))
        .expect("written");
    let other = founders.cli(&["sign", &policy, "--add", &changed]);
    assert!(other.code == 65 && other.err.contains("not the same text"), "{other:?}");
    let forged = founders.init(&changed, &key, base);
    assert!(forged.code == 77 && forged.err.contains("signature"), "{forged:?}");
    let wrong = founders.text("other.key");
    founders.cli(&["key", "new", &wrong, "--for", "log", "--name", ORIGIN]).ok();
    let wrong = founders.init(&policy, &wrong, base);
    assert!(wrong.code == 77 && wrong.err.contains("is not the log key of policy 0"), "{wrong:?}");
    assert!(!founders.at("home").exists() && !founders.at("home.unfinished").exists());

    let made = founders.init(&policy, &key, base);
    assert!(made.err.contains("portcullis-trust/v1 shield.test/ledger"), "{made:?}");
    made.ok();
    let twice = founders.init(&policy, &key, base);
    assert!(twice.code == 73, "{twice:?}");
    it_blocks(&founders, base);
}

fn it_blocks(founders: &Founders, base: u16) {
    for (name, _) in PEOPLE {
        for file in ["key", "key.pub"] {
            let link = founders.at(&format!("home/people/{name}/{file}"));
            std::os::unix::fs::symlink(founders.at(&format!("{name}/{file}")), link).expect("linked");
        }
    }
    let origin = Nginx::start(founders.folder.path(), "first");
    let sites = format!(
        "[[customer]]\nid = \"cus_first\"\nname = \"First Customer\"\n[[customer.site]]\nid = \"site_one\"\n\
         hostnames = [\"one.first.example\"]\norigins = [\"127.0.0.1:{}\"]\n",
        origin.port
    );
    fs::write(founders.at("home/sites.toml"), sites).expect("written");
    let home = founders.text("home");
    let mut main = Running::start("portcullis run", portcullis().args(["--home", &home, "run"]));
    main.wait_for("portcullis ready");
    let doors = Doors { http: base, https: base + 4 };
    let status = || get(doors, Way::Http, "one.first.example", "/").status;
    assert_eq!(status(), 200);

    let quorum = founders.person("anna", &["quorum"]);
    assert!(quorum.code == 0 && quorum.err.contains("can be decided and validated"), "{quorum:?}");
    let id = decide(founders);
    eventually("it is blocked", || (status() == 403).then_some(()));
    let ledger = format!("http://127.0.0.1:{}/ledger", base + 2);
    let trust = founders.text("home/trust");
    let said = founders.cli(&["verify", &ledger, "--trust", &trust]).ok();
    assert!(said.contains(&id) && said.contains("verified"), "{said}");
    founders.person("emil", &["lift", &id, "--why", "The danger is over.", "--yes"]).ok();
    eventually("it is lifted", || (status() == 200).then_some(()));
    a_folder_is_lost(founders);
}

fn decide(founders: &Founders) -> String {
    let (criteria, post) = (demo("criteria.txt"), demo("reasons.md"));
    let out = founders.text("finding");
    let case = case(&demo("capture.txt"), &demo("archive.txt"), |args| founders.person("anna", args));
    let draft = ["finding", "draft", "cus_first", "--case", &case, "--criteria", &criteria, "--out", &out];
    founders.person("anna", &draft).ok();
    let finding = founders.person("anna", &["finding", "sign", &out, "--yes"]).ok().trim().to_owned();
    founders.person("ben", &["finding", "sign", &finding, "--yes"]).ok();
    let args = ["propose", "emergency", "cus_first", "--finding", &finding];
    let more = ["--post", &post, "--limiting", LIMITING, "--yes"];
    let id = founders.person("ben", &[&args[..], &more].concat()).ok().trim().to_owned();
    founders.person("clara", &["approve", &id, "--yes"]).ok();
    id
}

/// Dora's laptop is gone, and with it her token.
fn a_folder_is_lost(founders: &Founders) {
    let home = founders.text("home");
    let new = founders.text("dora-again");
    let nobody = founders.cli(&["--home", &home, "officer", "kit", "nobody", "--dir", &new]);
    assert!(nobody.code == 65 && nobody.err.contains("anna, ben, clara, dora, emil"), "{nobody:?}");
    let done = founders.cli(&["--home", &home, "officer", "kit", "dora", "--dir", &new]);
    assert!(done.err.contains("worth nothing from now on"), "{done:?}");
    done.ok();
    for file in ["key", "key.pub"] {
        fs::copy(founders.at(&format!("dora/{file}")), Path::new(&new).join(file)).expect("copied");
    }
    let refuse = ["refuse", "cas-one", "--class", "abuse", "--asked-by", "reporter", "--why", "No.", "--yes"];
    let old = founders.person("dora", &refuse);
    assert!(old.code == 77 && old.err.contains("token"), "{old:?}");
    run(portcullis().arg("--home").arg(&new).args(refuse)).ok();
}
