use super::*;
use ledger::note::Note;
use policy::testkit::House;

/// A ledger directory with an emergency in force, made as a log would make it.
struct Log {
    dir: tempfile::TempDir,
    house: House,
    now: Time,
}

const POST: &[u8] = b"Why.\n";

const NOW: Time = Time(1_800_000_000);

fn log() -> Log {
    log_of(House::demo(NOW))
}

fn log_of(house: House) -> Log {
    let now = NOW;
    let subject = house.subject("cus_first", &["one.first.example"]);
    let finding = house.finding("fnd-1", now, &subject);
    let impose = house.emergency("imp-1", now, "fnd-1", &subject, POST);
    let entries = vec![
        house.entry0(),
        house.entry(now, &finding.to_string(), &["anna", "ben"]),
        // One signature short: on the record, without effect.
        house.entry(now, &house.emergency("imp-0", now, "fnd-1", &subject, POST).to_string(), &["ben"]),
        house.entry(now, &impose.to_string(), &["ben", "clara"]),
    ];
    let log = Log { dir: tempfile::tempdir().expect("a temporary directory"), house, now };
    let mut tree = Tree::new();
    entries.iter().for_each(|entry| tree.push(merkle::leaf_hash(entry)));
    let size = tree.len();
    for (path, bytes) in merkle::new_tiles(&tree, 0, size) {
        log.write(&path.to_string(), &bytes);
    }
    let bundle = tile::EntriesPath { index: 0, width: u16::try_from(size).expect("few") };
    log.write(&bundle.to_string(), &tile::encode_bundle(&entries).expect("few and short"));
    for blob in [POST, subject.to_string().as_bytes()] {
        log.write(&format!("blob/{}", Hash::of(blob)), blob);
    }
    let checkpoint =
        Checkpoint { origin: log.house.origin.clone(), size, root: tree.root_at(size).expect("a root") };
    let text = checkpoint.to_text();
    let mut note = Note::new(&text).expect("a note");
    note.add(log.house.log.sign(&text));
    log.write("checkpoint", &note.to_bytes());
    log
}

impl Log {
    fn write(&self, path: &str, bytes: &[u8]) {
        let file = self.dir.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        std::fs::write(file, bytes).expect("written");
    }

    /// Flips a bit in the middle of a file.
    fn damage(&self, path: &str) {
        let file = self.dir.path().join(path);
        let mut bytes = std::fs::read(&file).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(file, bytes).expect("written");
    }

    async fn check(&self) -> (Report, Option<Checked>) {
        self.beside(&[]).await
    }

    /// Checked beside what others show.
    async fn beside(&self, compare: &[String]) -> (Report, Option<Checked>) {
        let mut report = Report { lines: Vec::new(), sound: true, forked: false };
        let source = Source::Dir(self.dir.path().into());
        let checked = check(&source, &self.house.trust(), compare, self.now, &mut report).await;
        (report, checked.expect("readable"))
    }

    /// A checkpoint that the log's key signed, in a file of its own.
    fn shown(&self, name: &str, size: u64, root: Hash) -> String {
        let text = Checkpoint { origin: self.house.origin.clone(), size, root }.to_text();
        let mut note = Note::new(&text).expect("a note");
        note.add(self.house.log.sign(&text));
        self.write(name, &note.to_bytes());
        self.dir.path().join(name).display().to_string()
    }

    /// Adds cosignatures to the checkpoint.
    fn cosign(&self, witnesses: &[usize]) {
        let file = self.dir.path().join("checkpoint");
        let mut note = Note::parse(&std::fs::read(&file).expect("read")).expect("a note");
        let text = note.text().to_owned();
        for n in witnesses {
            note.add(self.house.witnesses[*n].cosign(&text, self.now.0));
        }
        std::fs::write(file, note.to_bytes()).expect("written");
    }
}

#[tokio::test]
async fn a_sound_ledger_is_verified_and_says_what_is_in_force() {
    let (report, checked) = log().check().await;
    let lines: Vec<String> = report.lines.iter().map(Line::text).collect();
    assert!(report.sound, "{lines:#?}");
    let checked = checked.expect("whole");
    assert_eq!(checked.in_force, ["imp-1"]);
    assert_eq!(checked.rejected.iter().map(|(i, why)| (*i, why.code())).collect::<Vec<_>>(), [(2, "quorum")]);
    for part in [
        "the checkpoint of 4 entries is signed by",
        "DEMONSTRATION",
        "3 entries have effect, 1 have none",
        "2 posts and subjects",
    ] {
        assert!(lines.iter().any(|l| l.contains(part)), "{part:?} not in {lines:#?}");
    }
}

/// What one reader can say in the end: every verdict, and what makes it.
#[tokio::test]
async fn every_verdict() {
    let plain = log();
    let verdict = |(report, checked): (Report, Option<Checked>)| report.verdict(checked.as_ref());
    assert!(verdict(plain.check().await).starts_with("verified: one view, unwitnessed"));
    let two = Tree::from_iter([plain.house.entry0(), Vec::new()].map(|e| merkle::leaf_hash(&e)));
    let one = Tree::from_iter([plain.house.entry0()].map(|e| merkle::leaf_hash(&e)));
    let old = plain.shown("old", 1, one.root_at(1).expect("one"));
    assert_eq!(
        verdict(plain.beside(std::slice::from_ref(&old)).await),
        "verified: 1 other views show the same log, unwitnessed"
    );
    let fork = plain.shown("fork", 2, two.root_at(2).expect("two"));
    assert!(verdict(plain.beside(&[old, fork]).await).contains("FORKED"));
    let ahead = plain.shown("ahead", 9, Hash::of(b"more"));
    let (report, _) = plain.beside(&[ahead]).await;
    assert!(!report.sound && !report.forked, "behind, or held back");
    plain.write("rubbish", b"hello");
    let rubbish = plain.dir.path().join("rubbish").display().to_string();
    assert_eq!(verdict(plain.beside(&[rubbish]).await), "NOT verified");

    let watched = log_of(House::demo(NOW).witnessed(3, 2));
    watched.cosign(&[0]);
    assert!(verdict(watched.check().await).starts_with("verified: 1 of 2 witnesses"));
    watched.cosign(&[2]);
    assert_eq!(verdict(watched.check().await), "verified: witnessed by demo:witness-0, demo:witness-2");
}

#[tokio::test]
async fn every_changed_file_is_found() {
    let post = format!("blob/{}", Hash::of(POST));
    for (file, said) in [
        ("checkpoint", ""),
        ("tile/entries/000.p/4", ""),
        ("tile/0/000.p/4", "tile/0/000.p/4 differs"),
        (post.as_str(), "the post of imp-1 is not the one its note names"),
    ] {
        let log = log();
        log.damage(file);
        let (report, _) = log.check().await;
        let bad: Vec<&str> = report.lines.iter().filter(|l| !l.good).map(|l| l.words.as_str()).collect();
        assert!(!report.sound && bad.iter().any(|b| b.contains(said)), "{file}: {bad:?}");
    }
}

#[tokio::test]
async fn every_missing_file_is_found_and_another_log_is_refused() {
    for file in ["tile/entries/000.p/4", "tile/0/000.p/4", &format!("blob/{}", Hash::of(POST))] {
        let log = log();
        std::fs::remove_file(log.dir.path().join(file)).expect("removed");
        assert!(!log.check().await.0.sound, "{file}");
    }
    let mut log = log();
    log.house = House::new("demo:elsewhere/ledger", log.now);
    let (report, checked) = log.check().await;
    assert!(!report.sound && checked.is_none());
}
