//! What users and operators ask of a running server from the command line, over
//! [`xcron_http::client`].
//!
//! | part | does |
//! |---|---|
//! | `task` | everything about tasks, files of them and crontabs included |
//! | `runs`, `retry`, `audit`, `next`, `cluster`, `backup` | one command or group each |
//! | `bench` | how fast a server is on this machine |
//! | `shell` | completions and man pages |
//! | `server` | which server is asked, and what it is shown |
//! | `output`, `table`, `listing`, `progress` | what is printed, and how |
//! | `times`, `choice`, `pair` | what is typed, and what it means |
//! | `failure` | why a command came to nothing, and its exit code |

mod audit;
mod backup;
mod bench;
mod choice;
mod cluster;
mod failure;
mod listing;
mod next;
mod output;
mod pair;
mod progress;
mod retry;
mod runs;
mod server;
mod shell;
mod table;
mod task;
mod times;

use clap::Subcommand;
use failure::Failure;
use std::process::ExitCode;

/// What is asked of a running server.
///
/// ```
/// use clap::Parser;
/// use xcron_server::cli::{Cli, Command};
///
/// let words = ["xcron_server", "task", "get", "billing", "-o", "json"];
/// let cli = Cli::try_parse_from(words).expect("a good command line");
/// assert!(matches!(cli.command, Some(Command::Ask(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Ask {
    /// Creates, shows, changes and deletes tasks of a running server.
    #[command(subcommand)]
    Task(task::Task),
    /// Lists runs; with --status failed the dead letters.
    Runs(runs::Runs),
    /// Runs a failed run again, or all failed runs of a task.
    Retry(retry::Retry),
    /// Says when a crontab expression fires; computed here, no server is asked.
    Next(next::Next),
    /// Shows and changes the cluster of a running server.
    #[command(subcommand)]
    Cluster(cluster::Cluster),
    /// Writes a consistent backup of a running cluster into a file, for `restore`.
    Backup(backup::Backup),
    /// Adds up every occurrence that was expected against what became of it.
    ///
    /// Exits with 1 when the difference is not 0.
    Audit(audit::Audit),
    /// Measures creates and callbacks on this machine, with a server of its own that is gone
    /// afterwards.
    Bench(bench::Bench),
    /// Prints completions for a shell.
    Completions(shell::Completions),
    /// Prints the man page, or writes one for each command into a folder.
    Man(shell::Man),
}

impl Ask {
    /// Does it, and says what became of it as an exit code.
    pub async fn run(&self) -> ExitCode {
        let done = match self {
            Self::Task(task) => task.run().await,
            Self::Runs(runs) => runs.run().await,
            Self::Retry(retry) => retry.run().await,
            Self::Next(next) => next.run(),
            Self::Cluster(cluster) => cluster.run().await,
            Self::Backup(backup) => backup.run().await,
            Self::Audit(audit) => audit.run().await,
            Self::Bench(bench) => bench.run().await,
            Self::Completions(completions) => completions.run(),
            Self::Man(man) => man.run(),
        };
        done.map_or_else(Failure::end, |()| ExitCode::SUCCESS)
    }
}
