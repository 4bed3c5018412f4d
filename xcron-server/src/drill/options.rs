//! What may be asked of a drill.

use clap::Args;
use std::path::PathBuf;

/// The shortest drill has room for one fault, the longest keeps its history in memory.
const SECONDS_MIN: u64 = 10;
const SECONDS_MAX: u64 = 3_600;

/// What is asked of a drill.
///
/// ```
/// use clap::Parser;
/// use xcron_server::cli::{Cli, Command};
///
/// let words = ["xcron_server", "drill", "--seconds", "30", "--seed", "7"];
/// let cli = Cli::try_parse_from(words).expect("a good command line");
/// let Some(Command::Drill(options)) = cli.command else { panic!("a drill") };
/// assert_eq!((options.seconds, options.seed, options.keep), (30, Some(7), false));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Options {
    /// How long the load runs and faults happen.
    #[arg(long, value_name = "N", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(SECONDS_MIN..=SECONDS_MAX))]
    pub seconds: u64,
    /// Draws the same faults and tasks again; every drill prints its own.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Leaves the folder behind: history.jsonl, and the logs and data of the nodes.
    #[arg(long)]
    pub keep: bool,
    /// Audits a history.jsonl that --keep left, instead of running anything.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seconds", "seed", "keep"])]
    pub audit: Option<PathBuf>,
}
