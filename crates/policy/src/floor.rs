//! The floor, compiled in. A policy may tighten every number; none may be looser.

use crate::{
    GrammarError,
    text::{Lines, number},
    time::{DAY, HOUR},
};
use core::fmt;

/// Declares the bounds once: field, key in the policy, floor, which direction is tighter, and how tight it may get
/// before a house could no longer decide or change its mind.
macro_rules! bounds {
    ($($(#[$doc:meta])* $field:ident, $key:literal, $floor:literal, $tighter:ident, $tightest:literal;)+) => {
        /// How many persons, how long, how often. Units stand in the names.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Bounds { $($(#[$doc])* pub $field: u64,)+ }

        /// The loosest bounds there can be (DESIGN 6, table of notes).
        pub const FLOOR: Bounds = Bounds { $($field: $floor,)+ };

        impl Bounds {
            /// Reads the `bound KEY NUMBER` lines, all of them, in the table's order.
            pub(crate) fn read(lines: &mut Lines<'_>) -> Result<Self, GrammarError> {
                Ok(Self { $($field: read_bound(lines, $key)?,)+ })
            }

            pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, "bound {} {}", $key, self.$field)?;)+
                Ok(())
            }

            /// The first bound that is looser than the floor, by its key; `None` when the floor holds.
            #[must_use]
            pub fn looser_than_floor(&self) -> Option<&'static str> {
                $(if !$tighter(self.$field, FLOOR.$field) { return Some($key); })+
                None
            }

            /// The first bound that is so tight that a house could not live with it, by its key.
            #[must_use]
            pub fn unworkable(&self) -> Option<&'static str> {
                $(if !$tighter($tightest, self.$field) { return Some($key); })+
                None
            }
        }
    };
}

bounds! {
    /// Distinct assessors under a finding.
    finding_assessors, "finding-assessors", 2, at_least, 10;
    /// Hours for which a finding can carry a decision.
    finding_hours, "finding-hours", 24, at_most, 1;
    /// Independent approvers of an emergency, beside the proposer.
    emergency_approvers, "emergency-approvers", 1, at_least, 5;
    /// Minutes between proposal and the entry in the log.
    approve_minutes, "approve-minutes", 60, at_most, 5;
    /// Hours an emergency runs without validation.
    emergency_hours, "emergency-hours", 48, at_most, 1;
    /// Hours after `since` to which a validated emergency runs.
    validated_hours, "validated-hours", 72, at_most, 1;
    /// Hours after `since` to which an extended emergency runs.
    extended_hours, "extended-hours", 144, at_most, 1;
    /// Persons under an abuse decision.
    abuse_officers, "abuse-officers", 2, at_least, 10;
    /// Days an abuse decision runs.
    abuse_days, "abuse-days", 30, at_most, 1;
    /// Persons under a standing decision.
    standing_officers, "standing-officers", 3, at_least, 10;
    /// Days of notice before a standing decision starts.
    standing_notice_days, "standing-notice-days", 30, at_least, 365;
    /// Days a standing decision runs.
    standing_days, "standing-days", 365, at_most, 1;
    /// Persons under what an order causes: one who handles legal process, and another who attests the callback.
    order_officers, "order-officers", 2, at_least, 10;
    /// Days that one note on an order runs.
    order_days, "order-days", 90, at_most, 1;
    /// Days after which a withheld narrative has opened.
    withheld_days, "withheld-days", 365, at_most, 1;
    /// Days a key stays suspended.
    suspend_days, "suspend-days", 7, at_most, 1;
    /// Hours after `logged` before a policy takes effect.
    policy_delay_hours, "policy-delay-hours", 24, at_least, 720;
    /// Impose notes within 60 minutes without the policy quorum.
    imposes_per_hour, "imposes-per-hour", 3, at_most, 0;
    /// Hostnames of all impose notes within 60 minutes without the policy quorum.
    hostnames_per_hour, "hostnames-per-hour", 1000, at_most, 0;
    /// Decisions in force at once without the policy quorum, in percent of the customers that the log last counted.
    customers_percent, "customers-percent", 10, at_most, 0;
    /// Persons under a configuration that withdraws service or lowers protection.
    config_officers, "config-officers", 2, at_least, 10;
    /// Witnesses whose cosignatures an edge wants under a checkpoint.
    witness_quorum, "witness-quorum", 0, at_least, 16;
}

/// The time over which a customer's emergencies are added up, seconds.
pub const CUSTOMER_WINDOW: u64 = 30 * DAY;
/// A finding's window of imminence, seconds.
pub const WINDOW: u64 = 72 * HOUR;
/// For so long after a policy takes effect, an impose must satisfy the old one too, seconds.
pub const OLD_AND_NEW: u64 = 7 * DAY;
/// Persons under a policy, whatever the majority is.
pub const POLICY_PERSONS: usize = 3;

fn read_bound(lines: &mut Lines<'_>, key: &str) -> Result<u64, GrammarError> {
    // 36,500: a hundred years in days; keeps every product of a bound and its unit far from overflow.
    lines.read("bound", &alloc::format!("`{key} NUMBER`"), |v| {
        v.strip_prefix(key)?.strip_prefix(' ').and_then(number).filter(|n| *n <= 36_500)
    })
}

fn at_least(value: u64, floor: u64) -> bool {
    value >= floor
}

fn at_most(value: u64, floor: u64) -> bool {
    value <= floor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_the_designs_table() {
        assert_eq!(FLOOR.looser_than_floor(), None);
        for (looser, key) in [
            (Bounds { finding_assessors: 1, ..FLOOR }, "finding-assessors"),
            (Bounds { emergency_approvers: 0, ..FLOOR }, "emergency-approvers"),
            (Bounds { emergency_hours: 49, ..FLOOR }, "emergency-hours"),
            (Bounds { validated_hours: 73, ..FLOOR }, "validated-hours"),
            (Bounds { extended_hours: 145, ..FLOOR }, "extended-hours"),
            (Bounds { abuse_officers: 1, ..FLOOR }, "abuse-officers"),
            (Bounds { standing_notice_days: 29, ..FLOOR }, "standing-notice-days"),
            (Bounds { policy_delay_hours: 23, ..FLOOR }, "policy-delay-hours"),
            (Bounds { order_officers: 1, ..FLOOR }, "order-officers"),
            (Bounds { order_days: 91, ..FLOOR }, "order-days"),
            (Bounds { withheld_days: 366, ..FLOOR }, "withheld-days"),
            (Bounds { imposes_per_hour: 4, ..FLOOR }, "imposes-per-hour"),
            (Bounds { hostnames_per_hour: 1001, ..FLOOR }, "hostnames-per-hour"),
            (Bounds { customers_percent: 11, ..FLOOR }, "customers-percent"),
            (Bounds { config_officers: 1, ..FLOOR }, "config-officers"),
        ] {
            assert_eq!(looser.looser_than_floor(), Some(key));
        }
        assert_eq!(FLOOR.unworkable(), None);
        for (tight, key) in [
            (Bounds { finding_hours: 0, ..FLOOR }, "finding-hours"),
            (Bounds { policy_delay_hours: 721, ..FLOOR }, "policy-delay-hours"),
            (Bounds { finding_assessors: 11, ..FLOOR }, "finding-assessors"),
        ] {
            assert_eq!((tight.looser_than_floor(), tight.unworkable()), (None, Some(key)));
        }
        let tighter = Bounds { emergency_hours: 24, finding_assessors: 3, imposes_per_hour: 1, ..FLOOR };
        assert_eq!(tighter.looser_than_floor(), None);
    }
}
