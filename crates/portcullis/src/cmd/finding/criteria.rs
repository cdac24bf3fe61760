//! `criteria.txt`: the one file assessors edit. `NAME VERDICT [EVIDENCE] SENTENCE` for each criterion,
//! `narrower-SCOPE SENTENCE` for each narrower scope; `#` begins a comment line. Complains completely.

use policy::assessment::Assessment;
use policy::note::{Criterion, Verdict};
use policy::{ScopeKind, Sentence};

/// What the file says.
#[derive(Debug)]
pub(super) struct Criteria {
    pub(super) verdicts: [Verdict; 8],
    /// What each cites: places in the case, or numbers.
    pub(super) cited: Vec<Vec<String>>,
    /// In the order of [`Criterion::ALL`].
    pub(super) sentences: Vec<Sentence>,
    /// From tenant to hostname, those narrower than the scope.
    pub(super) narrower: Vec<(ScopeKind, Sentence)>,
}

impl Criteria {
    /// Reads the file for a finding of this scope. The error lists everything that is wrong.
    pub(super) fn parse(text: &str, scope: ScopeKind) -> Result<Self, String> {
        let (mut complaints, mut named) = (Vec::new(), Vec::new());
        let mut met: Vec<Option<Judged>> = vec![None; Criterion::ALL.len()];
        let mut narrower: Vec<Option<Sentence>> = vec![None; ScopeKind::ALL.len()];
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            let result = match (place(name), scope_place(name)) {
                (Some(at), _) => criterion(rest).and_then(|read| put(&mut met[at], read)),
                (_, Some(at)) => sentence(rest).and_then(|read| put(&mut narrower[at], read)),
                _ => Err(format!("{name:?} is neither a criterion nor narrower-SCOPE")),
            };
            if let Err(why) = result {
                complaints.push(format!("line {number}: {why}"));
                named.push(name);
            }
        }
        let mut verdicts = [Verdict::Unknown; 8];
        let (mut sentences, mut cited) = (Vec::new(), Vec::new());
        for ((criterion, read), slot) in Criterion::ALL.iter().zip(met).zip(&mut verdicts) {
            match read {
                Some((verdict, evidence, sentence)) => {
                    *slot = verdict;
                    sentences.push(sentence);
                    cited.push(evidence);
                }
                // What stands there wrongly was told already.
                None if named.contains(&criterion.word()) => {}
                None => complaints.push(format!("no line `{criterion} VERDICT SENTENCE`")),
            }
        }
        let mut ruled_out = Vec::new();
        for kind in Assessment::below(scope) {
            match ScopeKind::ALL.iter().position(|k| *k == kind).and_then(|at| narrower[at].take()) {
                Some(sentence) => ruled_out.push((kind, sentence)),
                None if named.contains(&format!("narrower-{kind}").as_str()) => {}
                None => complaints
                    .push(format!("no line `narrower-{kind} SENTENCE`: why would one {kind} not be enough?")),
            }
        }
        if complaints.is_empty() {
            return Ok(Self { verdicts, cited, sentences, narrower: ruled_out });
        }
        Err(complaints.join("\n  "))
    }
}

fn place(name: &str) -> Option<usize> {
    Criterion::ALL.iter().position(|c| c.word() == name)
}

fn scope_place(name: &str) -> Option<usize> {
    let scope = ScopeKind::parse(name.strip_prefix("narrower-")?)?;
    ScopeKind::ALL.iter().position(|k| *k == scope)
}

/// A verdict, what it cites, and the sentence.
type Judged = (Verdict, Vec<String>, Sentence);

fn criterion(rest: &str) -> Result<Judged, String> {
    let (verdict, words) = rest.split_once(' ').unwrap_or((rest, ""));
    let verdict = Verdict::parse(verdict).ok_or("the verdict must be met, not_met or unknown")?;
    let Some(open) = words.trim_start().strip_prefix('[') else {
        return Ok((verdict, Vec::new(), sentence(words)?));
    };
    let (cited, words) = open.split_once(']').ok_or("the list of evidence needs its `]`")?;
    let cited = cited.split(',').map(|e| e.trim().to_owned()).filter(|e| !e.is_empty()).collect();
    Ok((verdict, cited, sentence(words)?))
}

fn sentence(words: &str) -> Result<Sentence, String> {
    let words = words.trim();
    if words.ends_with('?') {
        return Err("this is the question still: answer it in one sentence".into());
    }
    Sentence::parse(words).map_err(|why| format!("the sentence {why}"))
}

fn put<T>(slot: &mut Option<T>, value: T) -> Result<(), String> {
    if slot.is_some() {
        return Err("this stands here twice".into());
    }
    *slot = Some(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstration_opens_an_emergency_and_the_blank_form_does_not() {
        let demo =
            Criteria::parse(include_str!("../../demo/criteria.txt"), ScopeKind::Customer).expect("good");
        assert!(demo.verdicts.iter().all(|v| *v == Verdict::Met));
        assert_eq!((demo.sentences.len(), demo.narrower.len()), (8, 3));
        assert_eq!(demo.cited[1], ["1", "2"], "two sources");
        let blank = super::super::blank(&policy::Scope::Customer);
        let said = Criteria::parse(&blank, ScopeKind::Customer).expect_err("nobody signs questions");
        assert_eq!(said.matches("this is the question still").count(), 11, "{said}");
        let answered = blank.replace('?', ".");
        let blank = Criteria::parse(&answered, ScopeKind::Customer).expect("the blank form is whole");
        assert!(blank.verdicts.iter().all(|v| *v == Verdict::Unknown));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let text = "identified met Yes.\nidentified met Again.\ncredible perhaps Hm.\nnexus met\nsomething met X.\n\
                    narrower-planet Y.\nadversarial met [1,2 X.\n";
        let said = Criteria::parse(text, ScopeKind::Site).expect_err("wrong");
        for part in [
            "line 2: this stands here twice",
            "line 3: the verdict must be",
            "line 4: the sentence is empty",
            "line 5: \"something\" is neither",
            "line 6: \"narrower-planet\" is neither",
            "line 7: the list of evidence needs",
            "no line `imminent VERDICT SENTENCE`",
            "no line `narrower-hostname SENTENCE`",
        ] {
            assert!(said.contains(part), "{part:?} not in:\n{said}");
        }
        assert!(!said.contains("no line `nexus"), "one fault, one complaint");
        assert!(!said.contains("narrower-tenant"), "a tenant is wider than a site");
    }
}
