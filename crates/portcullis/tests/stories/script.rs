//! How a story reads.
//!
//! ```text
//! # a comment, or the title
//! 2022-09-03 21:10  anna  attaches cas-1 evd-1 captured "our capture": He names the school.
//!                   ben   links cas-1 forum.first.example
//!   closed cas-1: no authority was told
//! ```
//! A line that begins with a date moves the clock; one that begins with many spaces happens at the same time. Then who,
//! what (`acts.rs` lists it), and after a colon the words. Lines with two spaces say what must hold then:
//!
//! - `refused: WORDS`: the act before was refused, in words that hold these (any other act must succeed);
//! - `open CASE`, `closed CASE: WORDS`: the emergency track;
//! - `impossible CUSTOMER: WORDS`: two assessors who say that all eight are met get no finding taken for it, whatever
//!   case they name;
//! - `blocked CUSTOMER`, `serving CUSTOMER`: as everybody computes it who folds the public log;
//! - `queue N`: lines in the queue of reports;
//! - `public PATH: WORDS`: the press shows it; `nowhere: WORDS`: no page of the press and nothing in the log holds it.

use policy::Time;

use crate::acts::Act;
use crate::world::World;

/// A line of a story, with its number in the file.
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) text: String,
    pub(crate) step: Step,
}

pub(crate) enum Step {
    At(Time),
    Act(Act),
    Check(Check),
}

#[derive(Debug)]
pub(crate) enum Check {
    Refused(String),
    Open(String),
    Closed(String, String),
    Impossible(String, String),
    Blocked(String),
    Serving(String),
    Queue(usize),
    Public(String, String),
    Nowhere(String),
}

pub(crate) struct Story {
    lines: Vec<Line>,
    begins: Time,
}

impl Story {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let step = |step| Line { number, text: line.trim().to_owned(), step };
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: String| format!("line {number}: {why}: {line}");
            let indent = line.len() - line.trim_start().len();
            if indent > 0 && indent < 8 {
                lines.push(step(Step::Check(check(line.trim()).map_err(wrong)?)));
                continue;
            }
            let mut rest = line.trim();
            if indent == 0 {
                let (date, after) = rest.split_at_checked(16).ok_or_else(|| wrong("no time".into()))?;
                let at = Time::parse(&format!("{}:00Z", date.replace(' ', "T")));
                lines.push(step(Step::At(at.ok_or_else(|| wrong("no time".into()))?)));
                rest = after.trim();
            }
            if !rest.is_empty() {
                lines.push(step(Step::Act(Act::parse(rest).map_err(wrong)?)));
            }
        }
        match lines.first().map(|line| &line.step) {
            Some(Step::At(begins)) => Ok(Self { begins: *begins, lines }),
            _ => Err("a story begins with a time".into()),
        }
    }

    /// Walks it. What was refused must be expected in the next line.
    pub(crate) async fn walk(&self) {
        let mut world = World::new(self.begins).await;
        for (line, next) in self.lines.iter().zip(self.lines.iter().skip(1).map(Some).chain([None])) {
            let at = format!("line {}: {}", line.number, line.text);
            match &line.step {
                Step::At(time) => world.at(*time).await,
                Step::Act(act) => {
                    let done = act.run(&mut world).await;
                    let expected = next.and_then(|next| match &next.step {
                        Step::Check(Check::Refused(words)) => Some(words),
                        _ => None,
                    });
                    match (done, expected) {
                        (Ok(()), None) => {}
                        (Err(why), Some(words)) if why.contains(words.as_str()) => {}
                        (Ok(()), Some(words)) => panic!("{at}\n  was done, and had to be refused: {words}"),
                        (Err(why), None) => panic!("{at}\n  was refused: {why}"),
                        (Err(why), Some(words)) => panic!("{at}\n  had to be refused with {words:?}: {why}"),
                    }
                }
                Step::Check(check) => {
                    if let Err(why) = world.check(check).await {
                        panic!("{at}\n  {}", why.chars().take(4000).collect::<String>());
                    }
                }
            }
        }
    }
}

/// `HEAD: WORDS`.
pub(crate) fn halves(text: &str) -> (&str, &str) {
    text.split_once(": ").map_or((text, ""), |(head, words)| (head.trim(), words.trim()))
}

fn check(text: &str) -> Result<Check, String> {
    let (head, words) = halves(text);
    let (verb, of) = head.split_once(' ').unwrap_or((head, ""));
    let (of, words) = (of.trim().to_owned(), words.to_owned());
    let check = match verb {
        "refused" => Check::Refused(words),
        "open" => Check::Open(of),
        "closed" => Check::Closed(of, words),
        "impossible" => Check::Impossible(of, words),
        "blocked" => Check::Blocked(of),
        "serving" => Check::Serving(of),
        "queue" => Check::Queue(of.parse().map_err(|_| "no number")?),
        "public" => Check::Public(of, words),
        "nowhere" => Check::Nowhere(words),
        _ => return Err(format!("no such check: {verb}")),
    };
    match &check {
        Check::Refused(w)
        | Check::Closed(_, w)
        | Check::Impossible(_, w)
        | Check::Public(_, w)
        | Check::Nowhere(w)
            if w.is_empty() =>
        {
            Err("it says no words".into())
        }
        _ => Ok(check),
    }
}
