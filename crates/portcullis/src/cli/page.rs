//! The commands about who is called in the night.

use clap::{Args, Subcommand};

use crate::duration::Span;

#[derive(Args, Debug)]
pub(crate) struct Page {
    #[command(subcommand)]
    pub(crate) command: Option<PageCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PageCommand {
    /// Say that you take care: nobody is called about it until the time is over, or something is added to it
    Ack {
        /// The alarms, as `portcullis page` lists them; the beginning or the end of a key is enough where only one fits.
        #[arg(required_unless_present = "all")]
        keys: Vec<String>,
        /// All that are open and nobody takes care of.
        #[arg(long, conflicts_with = "keys")]
        all: bool,
        /// For how long, at most 12h (default: page.ack, 30 minutes; of an emergency nobody validated, until the next stage).
        #[arg(long, value_name = "TIME")]
        hold: Option<Span>,
    },
    /// Call each step now with a page that says it is a test, on the desk's own machine, and say what came of it
    Test {
        /// This step alone, from 1.
        #[arg(long, value_name = "NUMBER")]
        step: Option<usize>,
    },
}
