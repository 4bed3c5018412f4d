//! The command line.

use crate::commands::Ask;
use crate::config::{Config, ConfigErrors, Layers, load};
use crate::drill::Options;
use clap::{Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const ASKING: &str = "\
Commands that ask a running server read XCRON_SERVER_URL (http://127.0.0.1:8000 by default) and
XCRON_TOKEN.

Exit codes: 0 done, 1 the server said no or something failed, 2 wrong usage.";

/// What commands that ask a running server do not take.
const SERVING: &str = "Configuration of the server itself";

/// Runs the xcron task scheduler, or asks a running one.
///
/// Without a command it serves. Exits with 0 after a clean stop or when a command is done, with 2
/// for a bad command line or configuration, and with 1 for anything else: the server said no, or
/// something failed. SIGTERM and SIGINT stop the server cleanly; a second one stops it at once.
#[derive(Clone, Debug, Parser)]
#[command(name = "xcron_server", version, after_help = ASKING)]
pub struct Cli {
    /// The configuration file; ./xcron.toml is read if there is one.
    #[arg(short, long, alias = "config", value_name = "PATH")]
    #[arg(global = true, help_heading = SERVING)]
    pub conf: Option<PathBuf>,
    /// Sets one key, over the environment and the file; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", global = true, help_heading = SERVING)]
    pub set: Vec<String>,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of serving.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Validates the configuration and prints what would be in force.
    Check {
        /// As a configuration file, or for programs.
        #[arg(short, long, value_name = "FORMAT", default_value = "toml")]
        output: ConfigFormat,
    },
    /// Starts a new cluster of one from a backup, in raft_dir, which must be empty or not exist.
    Restore {
        /// What /xcron/cluster/backup gave.
        file: PathBuf,
    },
    /// Makes the last surviving node a new cluster of one; the other nodes must be gone for good.
    ForceNewCluster {
        /// Do it, instead of saying what would be done.
        #[arg(long)]
        yes: bool,
    },
    /// Runs a throw-away cluster of three nodes on this machine through kills, stops and
    /// partitions, and exits with 0 only if nothing was lost, early or doubled without a cause.
    Drill(Options),
    /// What is asked of a running server.
    #[command(flatten)]
    Ask(Ask),
}

/// How a configuration is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfigFormat {
    /// As a configuration file.
    Toml,
    /// For programs.
    Json,
}

impl Cli {
    /// The configuration that this command line and `variables` ask for.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn config(
        &self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Config, ConfigErrors> {
        load(&Layers {
            file: self.conf.clone(),
            variables: variables.into_iter().collect(),
            flags: self.set.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Cli, Command, ConfigFormat};
    use clap::{CommandFactory, Parser};
    use std::path::Path;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn three_spellings_name_the_file() {
        for spelling in [&["--conf", "a.toml"][..], &["-c", "a.toml"], &["--config=a.toml"]] {
            let words = [&["xcron_server"], spelling, &["check"]].concat();
            let cli = Cli::try_parse_from(words).expect("a good command line");
            assert_eq!(cli.conf.as_deref(), Some(Path::new("a.toml")));
            let output = ConfigFormat::Toml;
            assert_eq!(cli.command, Some(Command::Check { output }));
        }
    }
    #[test]
    fn commands_are_told_apart_and_take_settings_too() {
        let restore = Command::Restore { file: "a b".into() };
        for (words, expected) in [
            (&["check"][..], Command::Check { output: ConfigFormat::Toml }),
            (&["check", "-o", "json"], Command::Check { output: ConfigFormat::Json }),
            (&["restore", "a b", "--set", "raft_dir=x"], restore),
            (&["force-new-cluster"], Command::ForceNewCluster { yes: false }),
            (&["-c", "a", "force-new-cluster", "--yes"], Command::ForceNewCluster { yes: true }),
        ] {
            let words = [&["xcron_server"], words].concat();
            assert_eq!(Cli::try_parse_from(words).expect("a good one").command, Some(expected));
        }
    }
}
