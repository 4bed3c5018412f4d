//! One life of a node: a process of this same program.

use super::error::{DrillError, system};
use super::watchdog::Watchdog;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a node may take until it listens.
const START_MAX: Duration = Duration::from_secs(60);

/// How much of a log is looked at for a node's last words.
const LAST_BYTES: u64 = 4_096;

/// What the lives of one node have in common.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Its number, from 1.
    pub(crate) node: usize,
    /// This program.
    pub(crate) program: PathBuf,
    /// Where it keeps everything.
    pub(crate) dir: PathBuf,
    /// How the nodes reach each other, in order of their numbers; none if it is alone.
    pub(crate) peers: Vec<SocketAddr>,
}

/// A process that listens.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(super) pid: u32,
    pub(crate) http: SocketAddr,
    pub(super) peer: SocketAddr,
    watchdog: Arc<Watchdog>,
}

impl Settings {
    /// Where all lives say what happens.
    fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The last line that a life of it said.
    pub(super) fn last_words(&self) -> String {
        let text = tail(&self.log()).unwrap_or_default();
        text.lines().next_back().unwrap_or("it said nothing").to_owned()
    }

    fn error(&self, what: &'static str) -> DrillError {
        DrillError::Node { node: self.node, what, said: self.last_words() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let hosts: Vec<String> = self.peers.iter().map(SocketAddr::to_string).collect();
        // Nothing of this process's environment or configuration may reach it.
        command.env_clear().current_dir(&self.dir).stdin(Stdio::null()).stdout(Stdio::piped());
        command.envs([
            ("XCRON_ENV", "debug"),
            ("XCRON_HOST", "127.0.0.1"),
            ("XCRON_HTTP_PORT", "0"),
            ("XCRON_MONITOR_PORT", "0"),
            ("XCRON_PEER_PORT", "0"),
            ("XCRON_RAFT_DIR", "data"),
        ]);
        if let Some(own) = hosts.get(self.node - 1) {
            command.env("XCRON_PEER__PEER_HOSTS", hosts.join(","));
            command.env("XCRON_PEER__ADVERTISE", own);
        }
        // A signal from the terminal is for the drill, which ends its nodes itself.
        command.process_group(0).kill_on_drop(true);
        command
    }

    /// Starts a life, which listens when this returns.
    pub(crate) async fn start(&self, watchdog: &Arc<Watchdog>) -> Result<Process, DrillError> {
        fs::create_dir_all(&self.dir).map_err(system("a node's folder cannot be made"))?;
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.map_err(system("a node's log cannot be written"))?;
        let spawned = self.command().stderr(log).spawn();
        let mut child = spawned.map_err(system("a node cannot be started"))?;
        let pid = child.id().ok_or_else(|| self.error("ended at once"))?;
        watchdog.watch(pid);
        let Some(stdout) = child.stdout.take() else { return Err(self.error("has no stdout")) };
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(START_MAX, lines.next_line()).await;
        let line = line.map_err(|_late| self.error("does not listen"))?;
        let addresses = line.ok().flatten().as_deref().and_then(addresses);
        let Some((http, peer)) = addresses else {
            return Err(self.error("did not start"));
        };
        Ok(Process { child, pid, http, peer, watchdog: Arc::clone(watchdog) })
    }
}

impl Process {
    /// Ends it as `kill -9` does: nothing of it runs any more when this returns.
    pub(crate) async fn kill(mut self) -> Result<(), DrillError> {
        let killed = self.child.kill().await;
        self.watchdog.forget(self.pid);
        killed.map_err(system("a node cannot be killed"))
    }

    /// Stops it where it stands, without its notice.
    pub(super) fn pause(&self) -> Result<(), DrillError> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub(super) fn go_on(&self) -> Result<(), DrillError> {
        self.signal(Signal::CONT)
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    fn signal(&self, signal: Signal) -> Result<(), DrillError> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        // It is our child and not waited for, so that the number is still its own.
        let sent = pid.map_or(Ok(()), |pid| kill_process(pid, signal));
        sent.map_err(|error| system("a node cannot be sent a signal")(error.into()))
    }
}

/// Where the API is and where other nodes call, from the line with which a server begins.
fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let rest = line.strip_prefix("xcron listening ")?;
    let address = |name| rest.split(' ').find_map(|word| word.strip_prefix(name))?.parse().ok();
    Some((address("http=")?, address("peer=")?))
}

/// The end of a file.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(LAST_BYTES)))?;
    let mut end = Vec::new();
    file.take(LAST_BYTES).read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn the_first_line_of_a_server_tells_where_it_is() {
        let line = "xcron listening http=127.0.0.1:1 monitor=127.0.0.1:2 peer=127.0.0.1:3";
        let address = |text: &str| text.parse().expect("an address");
        let expected = Some((address("127.0.0.1:1"), address("127.0.0.1:3")));
        assert_eq!(addresses(line), expected);
        assert_eq!(addresses("xcron listening http=127.0.0.1:1"), None);
        assert_eq!(addresses("something else"), None);
    }
}
