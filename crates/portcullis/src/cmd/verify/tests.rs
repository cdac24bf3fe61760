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

fn log() -> Log {
    let now = Time(1_800_000_000);
    let house = House::demo(now);
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
        let mut report = Report { lines: Vec::new(), sound: true };
        let source = Source::Dir(self.dir.path().into());
        let checked = check(&source, &self.house.trust(), self.now, &mut report).await.expect("readable");
        (report, checked)
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
        "checkpoint of 4 entries",
        "DEMONSTRATION",
        "3 entries have effect, 1 have none",
        "2 posts and subjects",
    ] {
        assert!(lines.iter().any(|l| l.contains(part)), "{part:?} not in {lines:#?}");
    }
}

#[tokio::test]
async fn every_changed_file_is_found() {
    let post = format!("blob/{}", Hash::of(POST));
    for (file, said) in [
        ("checkpoint", "checkpoint:"),
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
