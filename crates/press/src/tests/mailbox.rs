//! Mails, from the mailbox to the desk's queue.

use std::fs;
use std::path::Path;

use store::Queue;

use super::*;
use crate::Intake;
use crate::mail;
use crate::maildir::{Counts, Maildir, Stuck, keep};

const PLAIN: &str = include_str!("../../tests/mail/plain.eml");
const BOUNCE: &str = include_str!("../../tests/mail/bounce.eml");
const ARF: &str = include_str!("../../tests/mail/arf.eml");

/// A mailbox beside a store.
struct Post {
    dir: TempDir,
    store: Store,
    intake: Intake,
}

impl Post {
    async fn new() -> Post {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        fs::create_dir_all(dir.path().join("mail/new")).unwrap();
        let inbox = store::Inbox::open(dir.path()).unwrap();
        Post { dir, store, intake: Intake { inbox, draw: Arc::new(|| Some([7; 32])) } }
    }

    fn mail(&self) -> std::path::PathBuf {
        self.dir.path().join("mail")
    }

    fn deliver(&self, name: &str, raw: &str) {
        fs::write(self.mail().join("new").join(name), raw).unwrap();
    }

    async fn take_in(&self) -> Result<Counts, Stuck> {
        Maildir::open(&self.mail()).unwrap().take_in(&self.intake, START).await
    }

    /// What the desk does.
    async fn queue(&self) -> Vec<store::ClusterRow> {
        loop {
            let waiting = self.store.waiting(100).await.unwrap();
            if waiting.is_empty() {
                break;
            }
            for it in waiting {
                let store::Waiting::Report(report) = it else { panic!("{it:?}") };
                self.store.take_report(&report, None).await.unwrap();
                self.store.taken(&report.id).await.unwrap();
            }
        }
        self.store.clusters(&Queue { open: true, after: None, limit: 50 }).await.unwrap()
    }
}

fn files(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn every_mail_is_put_where_it_belongs() {
    let post = Post::new().await;
    post.deliver("1.a.host", PLAIN);
    post.deliver("2.b.host", ARF);
    post.deliver("3.c.host", BOUNCE);
    post.deliver("4.d.host", "no mail at all");
    fs::create_dir(post.mail().join("cur")).unwrap();
    fs::write(post.mail().join("cur/1.a.host:2,S"), "an older mail").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", post.mail().join("new/5.e.host")).unwrap();
    let counts = post.take_in().await.unwrap();
    assert_eq!(counts, Counts { reports: 2, known: 0, automatic: 1, unreadable: 2 });
    assert!(files(&post.mail().join("new")).is_empty());
    assert_eq!(files(&post.mail().join("cur")), ["1.a.host.1:2,S", "1.a.host:2,S", "2.b.host:2,S"]);
    assert_eq!(fs::read_to_string(post.mail().join("cur/1.a.host:2,S")).unwrap(), "an older mail");
    assert_eq!(fs::read_to_string(post.mail().join("cur/1.a.host.1:2,S")).unwrap(), PLAIN);
    assert_eq!(files(&post.mail().join(".Automatic/cur")), ["3.c.host:2,S"]);
    assert_eq!(files(&post.mail().join(".Unreadable/new")), ["4.d.host", "5.e.host"], "unseen, for a person");
    assert_eq!(post.take_in().await.unwrap(), Counts::default());
    let queue = post.queue().await;
    assert_eq!(queue.len(), 2);
    let report = &post.store.reports_of(&queue[1].id, 1).await.unwrap()[0];
    assert_eq!((report.channel, report.received), (policy::report::Channel::Mail, START));
    assert_eq!(queue[1].host.as_deref(), Some("one.first.example"));
}

/// Killed between keeping the report and putting the mail away: before the desk took it, and after.
#[tokio::test]
async fn a_mail_that_is_read_again_is_the_same_report() {
    let post = Post::new().await;
    let mail::Reading::Report(it) = mail::read(PLAIN.as_bytes(), START) else { panic!("a report") };
    assert!(keep(&it, &post.intake, START).await.unwrap());
    post.deliver("1.a.host", PLAIN);
    assert_eq!(post.take_in().await.unwrap(), Counts { known: 1, ..Counts::default() });
    assert_eq!(post.queue().await[0].reports, 1);
    post.deliver("9.downloaded-again.host", PLAIN);
    post.take_in().await.unwrap();
    let queue = post.queue().await;
    assert_eq!((queue.len(), queue[0].reports), (1, 1));
    assert_eq!(files(&post.mail().join("cur")).len(), 2, "both mails are kept");
}

#[tokio::test]
async fn mails_wait_while_the_inbox_is_full() {
    let mut post = Post::new().await;
    for n in 0..store::MAX_WAITING {
        fs::write(post.dir.path().join(format!("inbox/rpt-{n}")), "").unwrap();
    }
    post.intake.inbox = store::Inbox::open(post.dir.path()).unwrap();
    post.deliver("1.a.host", PLAIN);
    assert!(matches!(post.take_in().await, Err(Stuck::Full)));
    assert_eq!(files(&post.mail().join("new")), ["1.a.host"]);
    fs::remove_file(post.dir.path().join("inbox/rpt-7")).unwrap();
    assert_eq!(post.take_in().await.unwrap().reports, 1);
}

/// A campaign: other senders, greetings and names, the same letter. And one who writes something of their own.
#[tokio::test]
async fn a_campaign_by_mail_is_one_line_in_the_queue_and_hides_nobody() {
    const LETTER: &str = "I am outraged that you go on protecting https://one.first.example/ and demand that you end your \
        services for this customer at once and say so in public, or I will take my business and that of everybody I know elsewhere.";
    let post = Post::new().await;
    let write = |n: usize, body: &str| {
        let raw = format!(
            "Received: from home{n} by mail.shield.example; Mon, 23 Nov 2026 00:{:02}:{:02} +0100\nFrom: Writer {n} <w{n}@home{n}.example>\n\
             Message-ID: <{n}@home.example>\nSubject: Stop this\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{body}\n",
            n / 60,
            n % 60
        );
        post.deliver(&format!("{n:04}.m.host"), &raw);
    };
    let greetings = ["Dear Sir or Madam,", "Hello,", "To the abuse team:"];
    for n in 0..300 {
        write(n, &format!("{}\n\n{LETTER}\n\nYours, Writer {n} of town {}", greetings[n % 3], n % 17));
    }
    write(
        300,
        "He wrote under https://one.first.example/t/7 that he will wait for me at the school in Elm Street on Friday at three.",
    );
    assert_eq!(post.take_in().await.unwrap().reports, 301);
    let counts: Vec<u64> = post.queue().await.iter().map(|row| row.reports).collect();
    assert_eq!(counts, [300, 1]);
}

#[test]
fn a_path_that_is_no_mailbox_is_said() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Maildir::open(dir.path()).unwrap_err().to_string().contains("no Maildir"));
}
