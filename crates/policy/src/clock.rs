//! The clock as a value. The roof has the only real one; tests move theirs by hand.

use crate::Time;
use core::time::Duration;

/// Where a shell learns the time. `policy` itself never calls it: there time is an argument.
pub trait Clock: Send + Sync {
    /// Wall time, UTC. It may jump either way.
    fn now(&self) -> Time;
    /// Time since some fixed start of this process; never goes back.
    fn mono(&self) -> Duration;
}
