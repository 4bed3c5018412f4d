//! What the runner of peers is asked to do.

use super::catalog::{PEERS, Peer};
use clap::Parser;
use clap::builder::PossibleValuesParser;
use std::path::PathBuf;

/// Where reports go unless told otherwise.
const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results");
/// Where peers are installed and run unless told otherwise: what git ignores, on the same disk.
const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/peers");

/// Puts the same work on xcron and on other schedulers, installed from public packages, and
/// writes a report; a peer that this machine cannot have is left out, with the reason.
#[derive(Clone, Debug, Parser)]
#[command(name = "peers", version)]
pub struct Options {
    /// The peers to measure beside xcron; all of them when none is named.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(
        PEERS.map(|peer| peer.name)
    ))]
    pub only: Vec<String>,
    /// The one-shots due together in each round.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32)
        .range(100..=1_000_000))]
    pub tasks: u32,
    /// The crons due together at each instant.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32)
        .range(1..=100_000))]
    pub crons: u32,
    /// The whole seconds at which crons are due in each round; those of a peer that knows only
    /// minutes are due at as many minutes as these seconds hold, and at one of them at least.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// The rounds, in each of which everyone has a turn.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    pub rounds: u8,
    /// The server of xcron to measure; the release binary is built when none is named.
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Where the report goes.
    #[arg(long, value_name = "DIR", default_value = RESULTS)]
    pub results: PathBuf,
    /// Where peers are installed, and where everyone's files are while it runs: the disk that is
    /// measured.
    #[arg(long, value_name = "DIR", default_value = CACHE)]
    pub cache: PathBuf,
    /// Installs missing programs with apt-get, which needs the rights to.
    #[arg(long)]
    pub apt: bool,
}

impl Options {
    /// The peers that are asked for.
    pub fn peers(&self) -> impl Iterator<Item = &'static Peer> {
        let is_asked =
            |peer: &&Peer| self.only.is_empty() || self.only.iter().any(|name| name == peer.name);
        PEERS.iter().filter(is_asked)
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use clap::Parser;

    #[test]
    fn all_peers_are_measured_or_those_that_are_named() {
        let names = |line: &str| -> Vec<&str> {
            let options = Options::try_parse_from(line.split(' ')).expect("a good command line");
            options.peers().map(|peer| peer.name).collect()
        };
        assert_eq!(names("peers").len(), super::PEERS.len());
        assert_eq!(names("peers --only restate --only bullmq"), ["bullmq", "restate"]);
        assert!(Options::try_parse_from(["peers", "--only", "chronos"]).is_err());
    }
}
