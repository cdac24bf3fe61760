//! Processes and conditions. Nothing here waits for luck: every wait names a condition and has a deadline far beyond
//! what it takes.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long any condition may take before the test fails: far above what a loaded machine of two cores needs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Looks until `look` gives something, and fails with `what` at the deadline.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain: {what}");
        std::thread::sleep(LOOK);
    }
}

/// `count` ports that nobody listens on. All are held until the last is known, so no two are the same.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port on loopback")).collect();
    held.iter().map(|one| one.local_addr().expect("bound").port()).collect()
}

/// A running process whose output is kept line by line; killed when dropped.
pub(crate) struct Running {
    name: String,
    child: Child,
    lines: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Running {
    /// Starts the command with nothing on its stdin and both outputs kept.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|why| {
                panic!("{name} did not start ({command:?}): {why}; `make test` installs what is missing")
            });
        let lines = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let out = child.stdout.take().expect("piped");
        let err = child.stderr.take().expect("piped");
        keep(out, Arc::clone(&lines));
        keep(err, Arc::clone(&lines));
        Self { name: name.to_owned(), child, lines }
    }

    /// Waits for a line that contains `text`, on either output, and returns it.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let start = Instant::now();
        let (lines, changed) = &*self.lines;
        let mut seen = lines.lock().expect("no holder panics");
        loop {
            if let Some(line) = seen.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let ended = self.child.try_wait().ok().flatten();
            if ended.is_some() || start.elapsed() >= DEADLINE {
                // let go first: the destructor reads these lines too
                let said = seen.join("\n");
                drop(seen);
                match ended {
                    Some(status) => panic!("{} ended ({status}) before it said '{text}':\n{said}", self.name),
                    None => panic!("{} never said '{text}':\n{said}", self.name),
                }
            }
            seen = changed.wait_timeout(seen, LOOK).expect("no holder panics").0;
        }
    }

    /// Everything said so far.
    pub(crate) fn said(&self) -> String {
        self.lines.0.lock().expect("no holder panics").join("\n")
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// kill -9, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a child of ours");
    }

    /// Waits until it ends by itself; the exit code.
    pub(crate) fn end(&mut self) -> i32 {
        let status =
            eventually(&format!("{} ends", self.name), || self.child.try_wait().expect("a child of ours"));
        status.code().unwrap_or(-1)
    }
}

impl Drop for Running {
    #[expect(clippy::print_stderr, reason = "a failed test shows what its processes said")]
    fn drop(&mut self) {
        if self.runs() {
            // Already gone is fine; nothing else can go wrong with a child of ours.
            drop(self.child.kill());
            drop(self.child.wait());
        }
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.name, self.said());
        }
    }
}

fn keep(from: impl std::io::Read + Send + 'static, lines: Arc<(Mutex<Vec<String>>, Condvar)>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            lines.0.lock().expect("no holder panics").push(line);
            lines.1.notify_all();
        }
    });
}

/// What a command that ended said.
#[derive(Debug)]
pub(crate) struct Done {
    /// Exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Done {
    /// The output, when the command succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }
}

/// Runs a command to its end with nothing on stdin.
pub(crate) fn run(command: &mut Command) -> Done {
    let done = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|why| panic!("{command:?}: {why}; `make test` installs what is missing"));
    Done {
        code: done.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        err: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

/// A command on the usual path plus sbin, where Debian keeps nginx.
pub(crate) fn command(name: &str) -> Command {
    for folder in ["/usr/sbin", "/usr/local/sbin", "/sbin"] {
        let path = Path::new(folder).join(name);
        if path.exists() {
            return Command::new(path);
        }
    }
    Command::new(name)
}
