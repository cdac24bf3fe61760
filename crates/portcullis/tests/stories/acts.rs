//! What people do in a story. The first word of a line is who, the second one of these:
//!
//! ```text
//! reports CATEGORY HOST [xN]: TEXT        anybody; N copies, each with another name under it
//! hears PARTY for|against "NAME" CUSTOMER: WHAT     somebody pressed; into the register of contacts
//! opens CASE CUSTOMER|none: TITLE
//! links CASE HOST                         every line of the queue about this hostname
//! saw CASE DATE TIME: WHAT                when it happened
//! attaches CASE EVIDENCE SOURCE "FROM": WHAT
//! destroys CASE EVIDENCE: WHY
//! tells CASE REFERRAL AUTHORITY COUNTRY CHANNEL by DATE TIME: WHAT
//! answers CASE REFERRAL ANSWER "FROM": WHAT    written down by whoever the line is about
//! judges CASE CRITERION VERDICT [EVIDENCE,...] [until DATE TIME]: WHY
//! closes CASE OUTCOME: WHY
//! replies HOST OUTCOME: WORDS             to everybody who reported it
//! finds FINDING CASE CUSTOMER             all eight met: puts it and signs it
//! proposes IMPOSE FINDING CASE CUSTOMER for HOURS: REASONS
//! proposes-abuse IMPOSE CASE CUSTOMER for DAYS: REASONS      on the customer's one site
//! signs NOTE
//! validates NOTE IMPOSE: WHY
//! lifts NOTE IMPOSE REASON: WHY
//! refuses NOTE CASE: WHY
//! ```

use ledger::Hash;
use policy::note::{Class, Impose, Lift, LiftReason, Refuse};
use policy::report::{Address, Category, Channel, Report, Reporter};
use policy::testkit::{WINDOW, id, sentence};
use policy::{AnyNote, Scope, Subject, Time};
use serde_json::{Value, json};
use store::Queue;

use crate::script::halves;
use crate::world::World;

pub(crate) struct Act {
    who: String,
    verb: String,
    args: Vec<String>,
    words: String,
}

/// Words between spaces; what stands in double quotes is one.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, part) in text.split('"').enumerate() {
        if n % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// A time of the two words `DATE TIME`.
fn time(args: &[String], at: usize) -> Result<String, String> {
    let (date, clock) = (args.get(at).ok_or("no date")?, args.get(at + 1).ok_or("no time")?);
    Ok(format!("{date}T{clock}:00Z"))
}

impl Act {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (head, words) = halves(text);
        let mut head = split(head).into_iter();
        let (who, verb) = (head.next().ok_or("nobody")?, head.next().ok_or("nothing is done")?);
        Ok(Self { who, verb, args: head.collect(), words: words.to_owned() })
    }

    fn arg(&self, n: usize) -> Result<&str, String> {
        self.args.get(n).map(String::as_str).ok_or_else(|| format!("{} needs more words", self.verb))
    }

    pub(crate) async fn run(&self, world: &mut World) -> Result<(), String> {
        match self.verb.as_str() {
            "reports" => self.reports(world).await,
            "hears" => {
                let body = json!({ "party": self.arg(0)?, "side": self.arg(1)?, "name": self.arg(2)?,
                    "customer_id": self.arg(3)?, "what": self.words });
                world.tell(&self.who, "/contacts", &body).await.map(drop)
            }
            "opens" => {
                let customer = Some(self.arg(1)?).filter(|c| *c != "none");
                let body = json!({ "id": self.arg(0)?, "title": self.words, "customer_id": customer });
                world.tell(&self.who, "/cases", &body).await.map(drop)
            }
            "links" => self.links(world).await,
            "saw" => {
                self.adds(
                    world,
                    json!({ "act": "happened", "happened": time(&self.args, 1)?, "what": self.words }),
                )
                .await
            }
            "attaches" => self.attaches(world).await,
            "destroys" => {
                let path = format!("/cases/{}/evidence/{}/destroy", self.arg(0)?, self.arg(1)?);
                world.tell(&self.who, &path, &json!({ "why": self.words })).await.map(drop)
            }
            "tells" => {
                let entry = json!({ "act": "refer", "referral": self.arg(1)?, "authority": self.arg(2)?,
                    "country": self.arg(3)?, "channel": self.arg(4)?, "answer_by": time(&self.args, 6)?, "told": self.words });
                self.adds(world, entry).await
            }
            "answers" => {
                let entry = json!({ "act": "answer", "referral": self.arg(1)?, "answer": self.arg(2)?,
                    "from": self.arg(3)?, "what": self.words });
                self.adds(world, entry).await
            }
            "judges" => self.judges(world).await,
            "closes" => {
                self.adds(world, json!({ "act": "close", "outcome": self.arg(1)?, "why": self.words })).await
            }
            "replies" => self.replies(world).await,
            "finds" => {
                let subject = world.subject(self.arg(2)?, self.arg(1)?);
                let case =
                    world.ask(&self.who, "GET", &format!("/cases/{}", self.arg(1)?), Vec::new()).await?;
                let window = case["emergency"]["criteria"][2]["until"].as_str().and_then(Time::parse);
                let mut finding = world.house.finding(self.arg(0)?, world.now(), &subject);
                finding.window_until = window.unwrap_or(finding.window_until);
                world.ask(&self.who, "POST", "/blobs", subject.to_string().into_bytes()).await?;
                self.puts(world, finding.to_string()).await
            }
            "proposes" => self.proposes(world).await,
            "proposes-abuse" => self.proposes_abuse(world).await,
            "signs" => self.signs(world, self.arg(0)?).await,
            "validates" => {
                let imposed = imposed(world, self.arg(1)?).await?;
                let mut note = world.house.validation(self.arg(0)?, &imposed);
                note.why = sentence(&self.words);
                self.puts(world, note.to_string()).await
            }
            "lifts" => {
                let lift = world.house.lift(self.arg(0)?, self.arg(1)?, world.now());
                let reason = LiftReason::parse(self.arg(2)?).ok_or("no such reason to lift")?;
                self.puts(world, Lift { reason, why: sentence(&self.words), ..lift }.to_string()).await
            }
            "refuses" => {
                let note = Refuse {
                    head: world.house.head(self.arg(0)?),
                    case: id(self.arg(1)?),
                    class: Class::Emergency,
                    asked_by: policy::note::AskedBy::Reporter,
                    time: world.now(),
                    why: sentence(&self.words),
                };
                self.puts(world, note.to_string()).await
            }
            other => Err(format!("nobody can do this in a story: {other}")),
        }
    }

    async fn adds(&self, world: &World, entry: Value) -> Result<(), String> {
        world.tell(&self.who, &format!("/cases/{}/entries", self.arg(0)?), &entry).await.map(drop)
    }

    /// Puts a note's text and signs it.
    async fn puts(&self, world: &World, text: String) -> Result<(), String> {
        let put = world.ask(&self.who, "POST", "/notes", text.into_bytes()).await?;
        self.signs(world, put["id"].as_str().ok_or("no id")?).await
    }

    async fn signs(&self, world: &World, note: &str) -> Result<(), String> {
        let held = world.ask(&self.who, "GET", &format!("/notes/{note}"), Vec::new()).await?;
        let line = world.house.sign(held["text"].as_str().ok_or("no text")?, &self.who).to_string();
        world.ask(&self.who, "POST", &format!("/notes/{note}/signatures"), line.into_bytes()).await.map(drop)
    }

    async fn reports(&self, world: &mut World) -> Result<(), String> {
        let category = Category::parse(self.arg(0)?).ok_or("no such category")?;
        let about = Address::parse(&format!("https://{}/", self.arg(1)?)).map_err(str::to_owned)?;
        let copies = self.args.get(2).and_then(|n| n.strip_prefix('x')).map_or(Ok(1), str::parse);
        for _ in 0..copies.map_err(|_| "no number of copies")? {
            world.reports += 1;
            let report = Report {
                id: id(&format!("rpt-{:06}", world.reports)),
                received: world.now(),
                channel: Channel::Form,
                secret: Hash::of(b"secret"),
                category,
                about: vec![about.clone()],
                happened: None,
                good_faith: true,
                reporter: Reporter::default(),
                // Everybody puts a name under the letter that somebody else wrote.
                text: format!("{} Signed, {} no. {}", self.words, self.who, world.reports),
            };
            world.store.take_report(&report, None).await.map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// Lines of the queue about a hostname.
    async fn queue(&self, world: &World, host: &str) -> Result<Vec<String>, String> {
        let queue = Queue { open: true, after: None, limit: store::MAX_PAGE };
        let found = world.store.clusters(&queue).await.map_err(|e| e.to_string())?;
        let about: Vec<String> = found
            .iter()
            .filter(|row| row.host.as_deref() == Some(host))
            .map(|row| row.id.to_string())
            .collect();
        if about.is_empty() { Err(format!("nobody reported {host}")) } else { Ok(about) }
    }

    async fn links(&self, world: &World) -> Result<(), String> {
        for reports in self.queue(world, self.arg(1)?).await? {
            self.adds(world, json!({ "act": "link", "reports": reports })).await?;
        }
        Ok(())
    }

    async fn replies(&self, world: &World) -> Result<(), String> {
        for reports in self.queue(world, self.arg(0)?).await? {
            let body = json!({ "outcome": self.arg(1)?, "reply": self.words });
            world.tell(&self.who, &format!("/reports/{reports}/outcome"), &body).await?;
        }
        Ok(())
    }

    async fn attaches(&self, world: &World) -> Result<(), String> {
        let escaped = |text: &str| text.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
        let path = format!(
            "/cases/{}/evidence?evidence={}&source={}&from={}&what={}",
            self.arg(0)?,
            self.arg(1)?,
            self.arg(2)?,
            escaped(self.arg(3)?),
            escaped(&self.words)
        );
        let bytes = format!("{} {}", self.arg(1)?, self.words).into_bytes();
        world.ask(&self.who, "POST", &path, bytes).await.map(drop)
    }

    async fn judges(&self, world: &World) -> Result<(), String> {
        let (mut evidence, mut until): (Vec<&str>, Option<String>) = (Vec::new(), None);
        if let Some(at) = self.args.iter().position(|word| word == "until") {
            until = Some(time(&self.args, at + 1)?);
        }
        if let Some(cited) = self.args.get(3).filter(|word| word.starts_with("evd-")) {
            evidence.extend(cited.split(','));
        }
        // The window of the house's findings, unless the story says another.
        if self.arg(1)? == "imminent" && until.is_none() {
            until = Some(world.now().plus(WINDOW).to_string());
        }
        let (criterion, verdict) = (self.arg(1)?, self.arg(2)?);
        let all = [
            "identified",
            "credible",
            "imminent",
            "nexus",
            "necessary",
            "process-too-slow",
            "proportionate",
            "adversarial",
        ];
        let these: Vec<&str> = if criterion == "all" { all.to_vec() } else { vec![criterion] };
        for criterion in these {
            let window = (criterion == "imminent")
                .then(|| until.clone().unwrap_or_else(|| world.now().plus(WINDOW).to_string()));
            let entry = json!({ "act": "judge", "criterion": criterion, "verdict": verdict, "evidence": evidence,
                "until": window, "why": self.words });
            self.adds(world, entry).await?;
        }
        Ok(())
    }

    async fn proposes(&self, world: &World) -> Result<(), String> {
        let subject = world.subject(self.arg(3)?, self.arg(2)?);
        let hours: u64 = self.arg(5)?.parse().map_err(|_| "for how many hours?")?;
        let post = format!("# Reasons\n\n{}\n", self.words);
        let note = world.house.emergency(self.arg(0)?, world.now(), self.arg(1)?, &subject, post.as_bytes());
        let note = Impose { until: note.since.plus(hours * 3600), ..note };
        self.imposes(world, &note, &subject, post).await
    }

    async fn proposes_abuse(&self, world: &World) -> Result<(), String> {
        let (customer, site) = match self.arg(2)? {
            "cus_first" => ("cus_first", "site_forum"),
            _ => ("cus_second", "site_shop"),
        };
        let subject = Subject { scope: Scope::Site(id(site)), ..world.subject(customer, self.arg(1)?) };
        let days: u64 = self.arg(4)?.parse().map_err(|_| "for how many days?")?;
        let post = format!("# Reasons\n\n{}\n", self.words);
        let note = world.house.abuse(self.arg(0)?, world.now(), &subject, post.as_bytes());
        let note = Impose { until: note.since.plus(days * 86_400), ..note };
        self.imposes(world, &note, &subject, post).await
    }

    async fn imposes(
        &self,
        world: &World,
        note: &Impose,
        subject: &Subject,
        post: String,
    ) -> Result<(), String> {
        for blob in [subject.to_string(), post] {
            world.ask(&self.who, "POST", "/blobs", blob.into_bytes()).await?;
        }
        self.puts(world, note.to_string()).await
    }
}

/// The note of a decision that is in the log.
async fn imposed(world: &World, note: &str) -> Result<Impose, String> {
    let held = world.ask("anna", "GET", &format!("/notes/{note}"), Vec::new()).await?;
    match AnyNote::parse(held["text"].as_str().ok_or("no text")?) {
        Ok(AnyNote::Impose(impose)) => Ok(impose),
        _ => Err(format!("{note} imposes nothing")),
    }
}
