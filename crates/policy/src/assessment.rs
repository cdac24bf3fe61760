//! The assessment blob: the eight sentences behind a finding, and why each narrower scope would not do. It stays at
//! the desk; the finding commits to its hash, and both assessors read it before they sign.

use crate::{
    GrammarError, Id, ScopeKind, Sentence,
    note::{Criterion, read_id, read_origin},
    text::Lines,
};
use alloc::{string::String, vec::Vec};
use core::fmt;

/// Sentences behind a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The log's origin.
    pub origin: String,
    /// The case.
    pub case: Id,
    /// The scope found necessary.
    pub scope: ScopeKind,
    /// One sentence for each of [`Criterion::ALL`], in that order.
    pub sentences: Vec<Sentence>,
    /// Why each narrower scope is not enough, from tenant to hostname; as many as the scope has below it.
    pub narrower: Vec<(ScopeKind, Sentence)>,
}

const FIRST: &str = "portcullis-assessment/v1";

impl Assessment {
    /// Reads an assessment blob.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        lines.exactly(FIRST)?;
        let origin = read_origin(&mut lines)?;
        let case = read_id(&mut lines, "case")?;
        let scope = lines.read("scope", "customer, tenant, site or hostname", ScopeKind::parse)?;
        let sentences: Result<_, _> = Criterion::ALL.iter().map(|c| lines.sentence(c.word())).collect();
        let sentences = sentences?;
        let narrower: Result<_, _> =
            Self::below(scope).map(|kind| Ok((kind, lines.sentence(&key(kind))?))).collect();
        let narrower = narrower?;
        lines.end()?;
        Ok(Self { origin, case, scope, sentences, narrower })
    }

    /// The scopes narrower than this one, which an assessment must each rule out.
    pub fn below(scope: ScopeKind) -> impl Iterator<Item = ScopeKind> {
        ScopeKind::ALL.iter().copied().filter(move |k| *k > scope)
    }
}

fn key(kind: ScopeKind) -> String {
    alloc::format!("narrower-{kind}")
}

impl fmt::Display for Assessment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FIRST}\norigin {}\ncase {}\nscope {}\n", self.origin, self.case, self.scope)?;
        for (criterion, sentence) in Criterion::ALL.iter().zip(&self.sentences) {
            writeln!(f, "{criterion} {sentence}")?;
        }
        for (kind, sentence) in &self.narrower {
            writeln!(f, "{} {sentence}", key(*kind))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn each_narrower_scope_must_be_ruled_out() {
        for scope in ScopeKind::ALL {
            let mut text = alloc::format!("{FIRST}\norigin demo:x\ncase cas-1\nscope {scope}\n");
            for c in Criterion::ALL {
                text += &alloc::format!("{c} A sentence.\n");
            }
            let narrower: Vec<_> = Assessment::below(*scope).collect();
            for (i, kind) in narrower.iter().enumerate() {
                assert!(Assessment::parse(&text).is_err(), "{scope}: {i} of {} given", narrower.len());
                text += &alloc::format!("narrower-{kind} Not enough.\n");
            }
            assert_eq!(Assessment::parse(&text).expect("whole").to_string(), text);
        }
        assert_eq!(Assessment::below(ScopeKind::Hostname).count(), 0);
        assert_eq!(Assessment::below(ScopeKind::Customer).count(), 3);
    }
}
