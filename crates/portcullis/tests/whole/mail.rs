//! Mail as others see it: a mail server that is not ours takes, refuses, drops and forgets, and a DKIM verifier that is
//! not ours reads what arrived.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use serde_json::Value;

use crate::process::{Running, eventually, run};
use crate::town::{FIRST, Town};
use crate::visitor::plain;

const PASSWORD: &str = "correct-horse-17";

/// The Python that has what we are checked with; installed when it is missing.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp has a parent");
    // One at a time: several tests of this process begin here.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    run(Command::new(root.join("scripts/mail-tools.sh")).arg(target)).ok().trim().into()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/whole").join(name)
}

/// One mail that arrived.
#[derive(Debug)]
struct Arrived {
    to: String,
    tls: bool,
    user: String,
    answered: bool,
    bytes: Vec<u8>,
}

impl Arrived {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).expect("we write ASCII").replace("\r\n", "\n")
    }

    /// The text with its quoted-printable lines put together (RFC 2045 section 6.7); signs beyond ASCII stay quoted.
    fn said(&self) -> String {
        self.text().replace("=\n", "")
    }

    fn header(&self, name: &str) -> String {
        let (head, _) =
            self.text().split_once("\n\n").map(|(h, b)| (h.to_owned(), b.to_owned())).expect("a head");
        let head = head.replace("\n ", " ");
        let start = format!("{name}: ");
        let found: Vec<&str> = head.lines().filter_map(|l| l.strip_prefix(start.as_str())).collect();
        assert_eq!(found.len(), 1, "{name} in\n{head}");
        found[0].to_owned()
    }
}

/// The smarthost of a test.
struct Sink {
    running: Running,
    port: u16,
    ca: PathBuf,
}

impl Sink {
    fn start(folder: &Path, how: &str) -> Sink {
        let (ca, certificate, key) = certificates(folder);
        let mut command = Command::new(python());
        command.arg(script("smtp_sink.py")).arg(certificate).arg(key).args(["desk", PASSWORD, how]);
        let mut running = Running::start("smtp_sink.py", &mut command);
        let port = running.wait_for("listening ").trim_start_matches("listening ").parse().expect("a port");
        Sink { running, port, ca }
    }

    fn arrived(&self) -> Vec<Arrived> {
        let lines = self.running.said();
        let mails = lines.lines().filter(|l| l.starts_with('{'));
        mails
            .map(|line| {
                let it: Value = serde_json::from_str(line).expect("JSON");
                let word = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
                Arrived {
                    to: it["to"][0].as_str().expect("a recipient").to_owned(),
                    tls: it["tls"] == true,
                    user: word("user"),
                    answered: it["answered"] == true,
                    bytes: base64::engine::general_purpose::STANDARD.decode(word("mail")).expect("base64"),
                }
            })
            .collect()
    }

    /// Waits until so many mails have come, and says all that have.
    fn wait(&self, count: usize) -> Vec<Arrived> {
        eventually(&format!("{count} mails"), || Some(self.arrived()).filter(|all| all.len() >= count))
    }
}

/// An authority of the test's own, and its certificate for `localhost`.
pub(crate) fn certificates(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let (ca, certificate, key) = (folder.join("ca.pem"), folder.join("sink.pem"), folder.join("sink.key"));
    let ca_key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&ca_key).expect("a root");
    fs::write(&ca, root.pem()).expect("a folder of the test's own");
    let issuer = rcgen::Issuer::new(params, ca_key);
    let leaf_key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let leaf = params.signed_by(&leaf_key, &issuer).expect("a certificate");
    fs::write(&certificate, leaf.pem()).expect("a folder of the test's own");
    fs::write(&key, leaf_key.serialize_pem()).expect("a folder of the test's own");
    (ca, certificate, key)
}

/// A town with mail through this smarthost, not started. The desk's figures are at the port it says.
fn town_with(sink: impl FnOnce(&Path) -> Sink, tls: &str) -> (Town, Sink, u16) {
    let town = Town::made(&[]);
    let home = town.home();
    let sink = sink(town.folder());
    let figures = crate::process::free_ports(1)[0];
    secret(&home.join("smtp.password"), PASSWORD);
    town.cli(&["mail", "key", home.join("dkim.pem").to_str().expect("UTF-8")]).ok();
    let file = home.join("portcullis.toml");
    let text = fs::read_to_string(&file).expect("init wrote it");
    let text = text.replace("[desk]\n", &format!("[desk]\nmetrics = \"127.0.0.1:{figures}\"\n"));
    let mail = format!(
        "\n[mail]\nsmtp = \"localhost:{}\"\ntls = \"{tls}\"\nca = \"{}\"\nuser = \"desk\"\npassword = \"smtp.password\"\n\
         from = \"portcullis@shield.example\"\ndkim_domain = \"shield.example\"\ndkim_selector = \"one\"\n\
         dkim_key = \"dkim.pem\"\nreceipts = true\n",
        sink.port,
        sink.ca.display()
    );
    fs::write(&file, text + &mail).expect("the test's own");
    (town, sink, figures)
}

pub(crate) fn secret(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::File::options();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(path).expect("the test's own");
    writeln!(file, "{text}").expect("written");
}

/// What dkimpy says of a mail, given the record that `mail dns` prints.
fn verdict(town: &Town, mail: &[u8]) -> String {
    let printed: Value = serde_json::from_str(&town.cli(&["mail", "dns", "--json"]).ok()).expect("JSON");
    let record = &printed["records"][0];
    let (name, value) =
        (record["name"].as_str().expect("a name"), record["value"].as_str().expect("a value"));
    let mut child = Command::new(python())
        .arg(script("dkim_check.py"))
        .args([name, value])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    child.stdin.take().expect("piped").write_all(mail).expect("written");
    let done = child.wait_with_output().expect("ended");
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

fn listed(town: &Town, more: &[&str]) -> Vec<Value> {
    let args = [&["mail", "list", "--json"], more].concat();
    let all: Value = serde_json::from_str(&town.cli(&args).ok()).expect("JSON");
    all["mails"].as_array().expect("a list").clone()
}

/// Waits until the outbox holds nothing that was not tried.
fn settled(town: &Town, sent: usize) {
    eventually("the outbox knows what was sent", || {
        (listed(town, &["--state", "sent"]).len() >= sent).then_some(())
    });
}

#[test]
fn a_customer_is_told_by_signed_mail_once_whatever_is_killed() {
    let (mut town, sink, figures) = town_with(|folder| Sink::start(folder, "starttls"), "starttls");
    town.cli(&["config", "check"]).ok();
    town.restart();
    assert!(town.cli(&["quorum"]).err.contains("no mail could tell cus_first, cus_second of a decision"));
    town.cli(&["customers", "contact", "first-customer", "abuse@first.example", "--language", "de"]).ok();
    let id = town.block("24h");
    let told = sink.wait(1).remove(0);
    assert_eq!((told.to.as_str(), told.tls, told.user.as_str()), ("abuse@first.example", true, "desk"));
    for (name, value) in [
        ("To", "abuse@first.example"),
        ("Reply-To", "service@shield.example"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ] {
        assert_eq!(told.header(name), value);
    }
    assert!(told.header("From").contains("<portcullis@shield.example>"));
    assert!(told.said().contains(&format!("/posts/{id}")), "{}", told.said());
    let said = verdict(&town, &told.bytes);
    assert!(said.starts_with("pass "), "{said}\n{}", told.text());
    for header in
        ["from", "to", "subject", "date", "message-id", "auto-submitted", "reply-to", "content-type"]
    {
        assert!(said.contains(header), "{header} is not signed: {said}");
    }
    // The check can fail: a changed subject, a changed text, another key's record.
    for (from, to) in
        [("abuse@first.example", "abuse@other.example"), ("Decision", "Opinion"), (&*id, "imp-other")]
    {
        let changed = told.text().replace(from, to).replace('\n', "\r\n");
        if changed.as_bytes() != told.bytes {
            assert!(verdict(&town, changed.as_bytes()).starts_with("fail"), "{from} changed");
        }
    }
    settled(&town, 1);
    let status = town.cli(&["status"]).ok();
    assert!(!status.contains("not told"), "{status}");
    let figure = |name: &str| {
        let text = plain(&format!("http://127.0.0.1:{figures}/metrics"), &[]).body;
        let found =
            text.lines().find_map(|l| l.strip_prefix(&format!("portcullis_{name} "))?.parse::<u64>().ok());
        found.unwrap_or_else(|| panic!("no {name} in\n{text}"))
    };
    assert_eq!((figure("mail_sent_total"), figure("mail_queued"), figure("customers_untold")), (1, 0, 0));

    // Everything is killed; the lift is written into an edge's log first, and nobody is told twice.
    town.main.kill();
    town.restart();
    town.person("dora", &["lift", &id, "--why", "The danger is over.", "--yes"]).ok();
    let all = sink.wait(2);
    settled(&town, 2);
    town.main.kill();
    town.restart();
    settled(&town, 2);
    // Two looks of the desk at its outbox, seen by what it does with another mail in between.
    town.cli(&["customers", "contact", "cus_second", "abuse@second.example"]).ok();
    let test = town.cli(&["mail", "test", "me@elsewhere.example"]);
    assert!(test.err.contains("TLS is on") && test.err.contains("logged in as desk"), "{test:?}");
    assert!(test.ok().contains("kept as 42"));
    assert!(all[1].said().contains("aufgehoben"), "{}", all[1].said());
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for mail in sink.wait(3) {
        *names.entry(mail.header("Message-ID")).or_default() += 1;
    }
    assert!(names.len() == 3 && names.values().all(|n| *n == 1), "{names:?}");
}

fn report(town: &Town, email: &str, text: &str) {
    let fields = [
        "category=phishing".to_owned(),
        format!("about=https://{}/{}", FIRST[0], text.len()),
        format!("text={text}"),
        format!("email={email}"),
        "good_faith=yes".to_owned(),
    ];
    let more: Vec<&str> = fields.iter().flat_map(|field| ["--data-urlencode", field]).collect();
    let sent = plain(&format!("{}/report", town.press()), &more);
    assert_eq!(sent.status, 303, "{}", sent.body);
}

#[test]
fn a_smarthost_that_defers_refuses_drops_and_forgets() {
    let (mut town, sink, _) = town_with(|folder| Sink::start(folder, "tls"), "tls");
    let home = town.home();
    // What is wrong is said before anything waits for it.
    secret(&home.join("smtp.password"), "wrong");
    let wrong = town.cli(&["mail", "test", "me@elsewhere.example"]);
    assert!(wrong.code == 69 && wrong.err.contains("could not log in as desk"), "{wrong:?}");
    assert!(wrong.err.contains("next: are user and password") && !wrong.err.contains("wrong\""), "{wrong:?}");
    secret(&home.join("smtp.password"), PASSWORD);
    let nobody = town.cli(&["mail", "test", "never@elsewhere.example"]);
    assert!(nobody.code == 69 && nobody.err.contains("nobody of that name"), "{nobody:?}");
    assert_eq!(town.cli(&["mail", "test", "me@elsewhere.example\nBcc: x@y.example"]).code, 65);

    town.restart();
    for (email, text) in [
        ("never@home.example", "This one asks for my password."),
        ("defer-1@home.example", "A shop that takes money and sends nothing at all."),
        ("drop-1@home.example", "It sends me a program that I did not ask for, every day."),
        ("vanish-1@home.example", "My photographs are there, and I never gave them to anybody in my life."),
        ("fine@home.example", "Look."),
    ] {
        report(&town, email, text);
    }
    let state = |to: &str| {
        let all = [listed(&town, &[]), listed(&town, &["--state", "sent"])].concat();
        all.into_iter().find(|m| m["to"] == to)
    };
    let reaches = |to: &str, tries: u64, want: &str| {
        eventually(&format!("{to} is {want} after {tries}"), || {
            state(to).filter(|m| m["attempts"] == tries && m["state"] == want)
        })
    };
    let failed = reaches("never@home.example", 1, "failed");
    assert!(failed["error"].as_str().is_some_and(|e| e.contains("550")), "{failed}");
    reaches("fine@home.example", 1, "sent");
    for (to, words) in
        [("defer-1@home.example", "451"), ("drop-1@home.example", "mail"), ("vanish-1@home.example", "mail")]
    {
        let waits =
            eventually(&format!("{to} met something"), || state(to).filter(|m| !m["error"].is_null()));
        assert!(waits["error"].as_str().is_some_and(|e| e.contains(words)), "{waits}");
        // Killed in between, the desk goes on where it was.
        town.cli(&["mail", "retry", &waits["mail"].to_string()]).ok();
        reaches(to, 2, "sent");
    }
    // Who had the whole mail and could not say so has it twice, under one name, byte for byte but for the signature.
    let vanished: Vec<Arrived> =
        sink.arrived().into_iter().filter(|m| m.to == "vanish-1@home.example").collect();
    assert_eq!(vanished.iter().map(|m| m.answered).collect::<Vec<_>>(), [false, true]);
    assert_eq!(vanished[0].header("Message-ID"), vanished[1].header("Message-ID"));
    assert_eq!(vanished[0].header("Date"), vanished[1].header("Date"));
    for mail in &vanished {
        assert!(verdict(&town, &mail.bytes).starts_with("pass "));
        assert!(
            !mail.said().contains("photographs"),
            "no word of a report goes to an address nobody checked"
        );
    }
    // A person takes the hopeless one out.
    town.cli(&["mail", "drop", &failed["mail"].to_string()]).ok();
    assert!(listed(&town, &[]).is_empty());
    // What became of a report: taken, or refused for good where its sender is the one who is nobody.
    let open = crate::reports::queue(&town, &[]);
    let number = open[0]["id"].as_str().expect("a number");
    town.person("anna", &["reports", "close", number, "--outcome", "acted", "--reply", "It is gone."]).ok();
    eventually("the outcome is told", || {
        let all = [listed(&town, &["--state", "sent"]), listed(&town, &["--state", "failed"])].concat();
        all.into_iter().find(|m| m["kind"] == "outcome")
    });
    // The smarthost is gone: mails wait and cost no attempt.
    let mut sink = sink;
    sink.running.kill();
    report(&town, "later@home.example", "One more.");
    let waits = eventually("it waits", || state("later@home.example").filter(|m| !m["error"].is_null()));
    assert!(waits["attempts"] == 0 && waits["state"] == "queued", "{waits}");
    assert!(town.cli(&["status"]).ok().contains("mail: 1 wait"));
}
