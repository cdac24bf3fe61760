//! A real browser, told what to do by WebDriver (W3C) with its extension for virtual authenticators (WebAuthn Level 3,
//! section 11). Only as much of both as the tests here say.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How long any condition may take before the test fails: far above what a loaded machine of two cores needs.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Keys as WebDriver writes them.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const SPACE: &str = " ";

/// A browser of its own, with an authenticator that has a finger on it. Both end with it.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// `script`: whether pages may run any.
    pub(crate) fn open(script: bool) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver; `make test` installs it");
        let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            line.strip_prefix("ChromeDriver was started successfully on port ")?
                .strip_suffix('.')?
                .parse()
                .ok()
        });
        // Whatever it says later is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut browser = Self {
            driver,
            port: port.expect("chromedriver says its port"),
            session: String::new(),
            _profile: profile,
        };
        let folder = format!("--user-data-dir={}", browser._profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=390,844",
            &folder,
        ];
        let mut options = json!({ "args": arguments });
        if !script {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let opened = browser.ask("POST", "/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = opened["sessionId"].as_str().expect("a session").to_owned();
        let authenticator = json!({ "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": true });
        browser.post("/webauthn/authenticator", &authenticator);
        browser
    }

    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// What this script returns in the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The page's text, as it is seen.
    pub(crate) fn text(&self) -> String {
        self.run("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page shows this text.
    pub(crate) fn shows(&self, wanted: &str) -> String {
        let start = Instant::now();
        loop {
            let text = self.text();
            if text.contains(wanted) {
                return text;
            }
            assert!(start.elapsed() < DEADLINE, "the page never shows {wanted:?}:\n{text}");
            std::thread::sleep(LOOK);
        }
    }

    /// Presses one key, or types a text, wherever the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        self.post(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] }),
        );
    }

    /// Goes on by the tabulator until the focus is on what this selector names, as somebody without a mouse does.
    pub(crate) fn tab_to(&self, selector: &str) {
        for _ in 0..60 {
            self.press(TAB);
            let there = format!("return document.activeElement.matches({})", json!(selector));
            if self.run(&there) == Value::Bool(true) {
                let outline = self.run("return getComputedStyle(document.activeElement).outlineStyle");
                assert_ne!(outline, "none", "{selector}: the focus is seen");
                return;
            }
        }
        panic!("the tabulator never comes to {selector}:\n{}", self.text());
    }

    /// The login that this browser holds, given to another one.
    pub(crate) fn lend_login(&self, other: &Self, url: &str) {
        let cookies = self.ask("GET", &format!("/session/{}/cookie", self.session), &Value::Null);
        let cookie = cookies.as_array().expect("a list").first().expect("a login").clone();
        assert!(cookie["httpOnly"] == true && cookie["secure"] == true, "{cookie}");
        other.go(url);
        // A domain would make it a cookie of another kind than the prefix in its name allows.
        let set = json!({ "name": cookie["name"], "value": cookie["value"], "url": url, "path": "/", "secure": true,
            "httpOnly": true });
        let set = json!({ "cmd": "Network.setCookie", "params": set });
        assert_eq!(other.post("/goog/cdp/execute", &set)["success"], true);
    }

    /// What axe-core finds on this page, by the rules of WCAG 2.2 A and AA, in light and in dark.
    pub(crate) fn stumbles(&self, axe: &str) -> Vec<String> {
        let mut found = Vec::new();
        for scheme in ["light", "dark"] {
            let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            self.post("/goog/cdp/execute", &json!({ "cmd": "Emulation.setEmulatedMedia", "params": media }));
            let tags = json!(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]);
            let script = format!(
                "{axe};const done = arguments[arguments.length - 1];
                 axe.run(document, {{ runOnly: {tags} }}).then((r) => done(r.violations.map((v) =>
                     v.id + ': ' + v.help + ' ' + v.nodes.map((n) => n.html).join(' '))), (e) => done(['' + e]));"
            );
            let said = self.post("/execute/async", &json!({ "script": script, "args": [] }));
            let said = said.as_array().expect("a list").iter();
            found.extend(said.map(|v| format!("{scheme}: {}", v.as_str().unwrap_or_default())));
        }
        found
    }

    /// A picture of the page, for people to look at.
    pub(crate) fn picture(&self, file: &Path) {
        let said = self.ask("GET", &format!("/session/{}/screenshot", self.session), &Value::Null);
        let png = STANDARD.decode(said.as_str().expect("a picture")).expect("Base64");
        std::fs::write(file, png).expect("written");
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/session/{}{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.send(method, path, body).expect("chromedriver answers");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let said: Value = serde_json::from_str(body).unwrap_or_default();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {head}\n{}", said["value"]["message"]);
        said["value"].clone()
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> std::io::Result<String> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut line = TcpStream::connect(("127.0.0.1", self.port))?;
        line.set_read_timeout(Some(DEADLINE))?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        line.write_all(format!("{head}{body}").as_bytes())?;
        // It keeps the line open: the head says how long the answer is.
        let mut answer = Vec::new();
        let mut part = [0; 65_536];
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
                });
                if length.is_none_or(|length| body.len() >= length) {
                    return Ok(text);
                }
            }
            match line.read(&mut part)? {
                0 => return Ok(text),
                read => answer.extend_from_slice(&part[..read]),
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its browser goes with the session, and would stay without a word.
        drop(self.send("DELETE", &format!("/session/{}", self.session), &Value::Null));
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
