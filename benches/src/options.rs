//! What the load tool is asked to do.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Where reports go unless told otherwise.
const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results");

/// Measures xcron against limits taken beside it and writes a report.
#[derive(Clone, Debug, Parser)]
#[command(name = "load", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Something else than to measure.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to measure.
    #[command(flatten)]
    pub options: Options,
}

/// Something else than to measure.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Shows the medians of two reports side by side.
    Compare {
        /// The JSON of the report that is compared with.
        before: PathBuf,
        /// The JSON of the other one.
        after: PathBuf,
    },
}

/// What to measure.
#[derive(Clone, Debug, Args)]
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
    /// Another server, for instance of an earlier commit: rounds of both alternate, and both
    /// reports are compared at the end. P14, which starts no server, is left out.
    #[arg(long, value_name = "PATH")]
    pub against: Option<PathBuf>,
    /// Where the report goes.
    #[arg(long, value_name = "DIR", default_value = RESULTS)]
    pub results: PathBuf,
    /// The one-shots due together in each round of P1, and wherever its rate is measured beside
    /// something else; 30,000 unless --quick.
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub burst: Option<u32>,
    /// The one-shots due in one second in each round of P6; 1,000,000 unless --quick.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    pub rush: Option<u32>,
    /// The pending tasks of P7, P8, P9, P10 and P13; 10,000,000 unless --quick.
    #[arg(long, value_parser = clap::value_parser!(u32).range(10_000..=100_000_000))]
    pub tasks: Option<u32>,
    /// The leaders killed for P11; 20 unless --quick.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=200))]
    pub trials: Option<u8>,
}

/// A figure that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FigureName {
    /// Fired and settled callbacks per second.
    P1,
    /// Acknowledged durable creates per second.
    P2,
    /// The same in batches of 1,000 against one by one.
    P3,
    /// Bytes of log for a create and for a fire.
    P4,
    /// Lateness with 1,000 runs due at each whole second.
    P5,
    /// A million one-shots due in one second.
    P6,
    /// Memory for each of ten million pending tasks.
    P7,
    /// Creating and firing beside them.
    P8,
    /// Restarting with them.
    P9,
    /// Creating while a snapshot of them is built.
    P10,
    /// Lateness after the leader of three nodes was killed.
    P11,
    /// Fired callbacks per second of three nodes against one.
    P12,
    /// What idle servers take of the processor.
    P13,
    /// What the next occurrence, a claim and reading what is due take, without a server.
    P14,
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
    pub fn burst(&self) -> usize {
        self.burst.map_or(if self.quick { 10_000 } else { 30_000 }, |tasks| tasks as usize)
    }

    /// How many one-shots are due at eight o'clock.
    #[must_use]
    pub fn rush(&self) -> usize {
        self.rush.map_or(if self.quick { 100_000 } else { 1_000_000 }, |tasks| tasks as usize)
    }

    /// How many tasks are pending.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.tasks.map_or(if self.quick { 200_000 } else { 10_000_000 }, |tasks| tasks as usize)
    }

    /// How many leaders are killed.
    #[must_use]
    pub fn trials(&self) -> usize {
        self.trials.map_or(if self.quick { 3 } else { 20 }, usize::from)
    }

    /// How long one round of a steady load takes.
    #[must_use]
    pub const fn round_time(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 3 })
    }

    /// How long one round takes in which little happens.
    #[must_use]
    pub const fn idle_time(&self) -> Duration {
        Duration::from_secs(if self.quick { 3 } else { 20 })
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

#[cfg(test)]
mod tests {
    use super::{Arguments, Command, FigureName};
    use clap::Parser;

    fn read(line: &str) -> Arguments {
        Arguments::try_parse_from(line.split(' ')).expect("a good command line")
    }

    #[test]
    fn without_a_word_everything_is_measured_as_it_is_to_be() {
        let options = read("load").options;
        assert!(options.wants(FigureName::P3) && options.wants(FigureName::Overload));
        assert_eq!((options.rounds(), options.tasks(), options.rush()), (5, 10_000_000, 1_000_000));
        assert_eq!(options.trials(), 20);
    }

    #[test]
    fn less_can_be_asked_for() {
        let options = read("load --quick --only p7 --only p9 --tasks 20000").options;
        assert!(options.wants(FigureName::P9) && !options.wants(FigureName::P8));
        assert_eq!((options.rounds(), options.tasks(), options.rush()), (1, 20_000, 100_000));
    }

    #[test]
    fn two_reports_are_compared_or_something_is_measured_but_not_both() {
        let command = read("load compare a.json b.json").command;
        assert!(
            matches!(command, Some(Command::Compare { before, .. }) if before.ends_with("a.json"))
        );
        for line in ["load --quick compare a b", "load compare a", "load --only p99"] {
            assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
