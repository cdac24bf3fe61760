//! `finding`: two assessors say, criterion by criterion, whether life is at stake.

use super::{Head, Kind, ScopeKind, read_hash, read_id, read_time, words};
use crate::{GrammarError, Id, Time, text::Lines};
use alloc::format;
use core::fmt;
use ledger::Hash;

words! {
    /// The eight criteria of the emergency track, in the order in which they are judged (DESIGN 7).
    Criterion {
        /// Persons, a group or a place are identified.
        Identified = "identified",
        /// Two independent sources, one captured by us, an authority or a notarised archive.
        Credible = "credible",
        /// A stated window of at most 72 hours.
        Imminent = "imminent",
        /// What is reachable through us contributes.
        Nexus = "nexus",
        /// Why each narrower scope is not enough.
        Necessary = "necessary",
        /// An authority cannot act within the window, or has not answered by a stated time.
        ProcessTooSlow = "process-too-slow",
        /// Collateral counted; acting is not likely to make it worse.
        Proportionate = "proportionate",
        /// Planted content, swatting and forged authority were considered.
        Adversarial = "adversarial",
    }
}

words! {
    /// How a criterion was judged. `unknown` closes the emergency track as `not_met` does.
    Verdict {
        /// Shown by evidence.
        Met = "met",
        /// Not so.
        NotMet = "not_met",
        /// Not known; said openly.
        Unknown = "unknown",
    }
}

/// A signed assessment. The sentences and the evidence behind each verdict are in the assessment blob, which stays
/// at the desk; the note commits to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Origin and id.
    pub head: Head,
    /// The case it belongs to.
    pub case: Id,
    /// The scope that was found necessary.
    pub scope: ScopeKind,
    /// Hash of the subject blob: who is meant.
    pub subject: Hash,
    /// When it was made.
    pub time: Time,
    /// The end of the window in which harm is expected; at most 72 hours after `time`.
    pub window_until: Time,
    /// One verdict for each of [`Criterion::ALL`], in that order.
    pub verdicts: [Verdict; 8],
    /// Hash of the assessment blob.
    pub assessment: Hash,
}

impl Finding {
    /// Reads a finding's text.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        let head = Head::read(Kind::Finding, &mut lines)?;
        let case = read_id(&mut lines, "case")?;
        let scope = lines.read("scope", "customer, tenant, site or hostname", ScopeKind::parse)?;
        let subject = read_hash(&mut lines, "subject-sha256")?;
        let time = read_time(&mut lines, "time")?;
        let window_until = read_time(&mut lines, "window-until")?;
        let mut verdicts = [Verdict::Unknown; 8];
        for (criterion, verdict) in Criterion::ALL.iter().zip(&mut verdicts) {
            *verdict = lines.read(criterion.word(), "met, not_met or unknown", Verdict::parse)?;
        }
        let assessment = read_hash(&mut lines, "assessment-sha256")?;
        lines.end()?;
        Ok(Self { head, case, scope, subject, time, window_until, verdicts, assessment })
    }

    /// Whether all eight criteria are met: only then is there an emergency.
    #[must_use]
    pub fn opens_emergency(&self) -> bool {
        self.verdicts.iter().all(|v| *v == Verdict::Met)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.write(Kind::Finding, f)?;
        write!(f, "case {}\nscope {}\nsubject-sha256 {}\n", self.case, self.scope, self.subject)?;
        write!(f, "time {}\nwindow-until {}\n", self.time, self.window_until)?;
        for (criterion, verdict) in Criterion::ALL.iter().zip(self.verdicts) {
            f.write_str(&format!("{criterion} {verdict}\n"))?;
        }
        writeln!(f, "assessment-sha256 {}", self.assessment)
    }
}
