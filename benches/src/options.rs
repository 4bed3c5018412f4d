//! What the load tool is asked to do.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Where reports go unless told otherwise.
const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results");

/// Measures xcron against limits taken beside it and writes a report.
#[derive(Clone, Debug, Parser)]
#[command(name = "load", version)]
pub struct Options {
    /// A first impression: one round of each, of less work; the report is named so.
    #[arg(long)]
    pub quick: bool,
    /// The rounds of each figure; 5 unless --quick.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=99))]
    pub rounds: Option<u8>,
    /// The figures to measure; all of them when none is named.
    #[arg(long, value_enum)]
    pub only: Vec<FigureName>,
    /// The server to measure; the release binary is built when none is named.
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Where the report goes.
    #[arg(long, value_name = "DIR", default_value = RESULTS)]
    pub results: PathBuf,
    /// The one-shots due together in each round of P1.
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub tasks: Option<u32>,
}

/// A figure that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FigureName {
    /// Fired and settled callbacks per second.
    P1,
    /// Acknowledged durable creates per second.
    P2,
    /// Lateness with 1,000 runs due at each whole second.
    P5,
    /// Fired callbacks per second of three nodes against one.
    P12,
    /// Lateness while as many runs go to targets that never answer.
    P15,
    /// Ten times the clients that are answered at a time, and ten times the runs that fit.
    Overload,
}

impl Options {
    /// How many rounds.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.rounds.map_or(if self.quick { 1 } else { 5 }, usize::from)
    }

    /// How many one-shots are due together.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.tasks.map_or(if self.quick { 10_000 } else { 30_000 }, |tasks| tasks as usize)
    }

    /// How long one round of a steady load takes.
    #[must_use]
    pub const fn round_time(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 3 })
    }

    /// The whole seconds at which P5 has runs due.
    #[must_use]
    pub const fn seconds(&self) -> usize {
        if self.quick { 3 } else { 10 }
    }

    /// How long one round of overload takes.
    #[must_use]
    pub const fn overload_time(&self) -> Duration {
        Duration::from_secs(if self.quick { 5 } else { 60 })
    }

    /// Whether `figure` is asked for.
    #[must_use]
    pub fn wants(&self, figure: FigureName) -> bool {
        self.only.is_empty() || self.only.contains(&figure)
    }
}
