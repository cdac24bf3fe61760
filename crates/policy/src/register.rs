//! The register of contacts: who pressed for a decision or against it. It is counted in public, and no finding can
//! reach it: nothing in a case, a note or the fold names one (DESIGN 7).

use crate::{Id, Sentence, Time, note::words};

words! {
    /// What somebody is who pressed.
    Party {
        /// Holds or seeks a public office.
        PublicOfficial = "public-official",
        /// An authority, otherwise than in a referral or an order.
        Authority = "authority",
        /// Writes for the press.
        Press = "press",
        /// Speaks for an organisation or a campaign.
        Organisation = "organisation",
        /// Pays us, or owns part of us.
        Business = "business",
        /// The customer whom it is about, or somebody for them.
        Customer = "customer",
        /// Anybody else.
        Person = "person",
    }
}

words! {
    /// What they pressed for.
    Side {
        /// That we act.
        For = "for",
        /// That we do not.
        Against = "against",
    }
}

/// A contact, as one of ours wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// When they pressed.
    pub when: Time,
    /// What they are.
    pub party: Party,
    /// Who.
    pub name: Sentence,
    /// For what.
    pub side: Side,
    /// About whom, if about a customer.
    pub customer: Option<Id>,
    /// What they said or wrote, and how.
    pub what: Sentence,
}
