//! A real server process in a directory of its own, and what one does to processes.

use super::api::Api;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long anything that is awaited may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A directory in which servers start, one life after the other.
#[derive(Debug)]
pub(crate) struct Home {
    dir: TempDir,
    env: Vec<(&'static str, String)>,
    /// A program and its arguments that run the server, or nothing.
    runner: Vec<String>,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where the API listens.
    pub(crate) http: SocketAddr,
    /// Where metrics and probes are.
    pub(crate) monitor: SocketAddr,
    /// Where other nodes would call.
    pub(crate) peer: SocketAddr,
    stderr: PathBuf,
}

impl Home {
    /// An empty directory; servers in it take free ports.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let ports = ["XCRON_HTTP_PORT", "XCRON_MONITOR_PORT", "XCRON_PEER_PORT"];
        let env = ports.map(|name| (name, "0".to_owned())).to_vec();
        Self { dir, env, runner: Vec::new() }
    }

    /// The same with one more setting.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.set(name, value);
        self
    }

    /// Changes a setting for the lives to come.
    pub(crate) fn set(&mut self, name: &'static str, value: impl ToString) {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.to_string()));
    }

    /// The same without a setting.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.unset(name);
        self
    }

    /// Removes a setting for the lives to come.
    pub(crate) fn unset(&mut self, name: &str) {
        self.env.retain(|(known, _)| *known != name);
    }

    /// Lets a program start the server: it must become the server, keeping its process id.
    pub(crate) fn run_by(&mut self, runner: &[&str]) {
        self.runner = runner.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Leaves the directory behind, for somebody to look at.
    pub(crate) fn keep(&mut self) {
        self.dir.disable_cleanup(true);
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where all lives say what happens.
    pub(crate) fn stderr(&self) -> PathBuf {
        self.path().join("stderr")
    }

    fn command(&self) -> Command {
        let server = env!("CARGO_BIN_EXE_xcron_server");
        let mut command = match self.runner.split_first() {
            None => Command::new(server),
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words).arg(server);
                command
            }
        };
        command.env_clear().current_dir(self.path()).kill_on_drop(true).stdin(Stdio::null());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A server that serves.
    pub(crate) async fn start(&self) -> Server {
        match self.try_start().await {
            Ok(server) => server,
            Err(said) => panic!("the server did not start: {said}"),
        }
    }

    /// A server that serves, or what was said on stderr instead.
    pub(crate) async fn try_start(&self) -> Result<Server, String> {
        let stderr = self.stderr();
        let file = File::options().create(true).append(true).open(&stderr).expect("a file");
        let mut child = self.command().stdout(Stdio::piped()).stderr(file).spawn().expect("spawn");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.expect("a line in time");
        let Some(line) = line.expect("a readable stdout") else {
            return Err(std::fs::read_to_string(&stderr).expect("stderr is a file"));
        };
        let [http, monitor, peer] = addresses(&line);
        Ok(Server { child, http, monitor, peer, stderr })
    }

    /// A command that does not serve: its exit code and what it said on stderr.
    pub(crate) async fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = timeout(PATIENCE, self.command().args(words).output()).await;
        let output = output.expect("an end in time").expect("a process");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// A start that must fail: its exit code and what it said on stderr.
    pub(crate) async fn fail(&self) -> (Option<i32>, String) {
        let output = timeout(PATIENCE, self.command().output()).await.expect("an end in time");
        let output = output.expect("a process");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "it never served");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The three addresses of the first line, which has exactly this form.
fn addresses(line: &str) -> [SocketAddr; 3] {
    let rest = line.strip_prefix("xcron listening ").expect("the listening line");
    let words: Vec<_> = rest.split(' ').collect();
    assert_eq!(words.len(), 3, "{line}");
    let address = |(word, name): (&str, &str)| {
        word.strip_prefix(name).and_then(|text| text.parse().ok()).expect("an address")
    };
    [(words[0], "http="), (words[1], "monitor="), (words[2], "peer=")].map(address)
}

impl Server {
    /// A keep-alive connection to the API.
    pub(crate) async fn api(&self) -> Api {
        Api::connect(self.http).await
    }

    /// The same of a server that may be gone already.
    pub(crate) async fn try_api(&self) -> Result<Api, super::api::Gone> {
        Api::try_connect(self.http).await
    }

    /// Ends it as a power cut would: nothing of it runs any more when this returns.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("killing a child");
    }

    /// Begins the same, for several to be killed at once; [`kill`](Self::kill) ends it.
    pub(crate) fn begin_kill(&mut self) {
        self.child.start_kill().expect("killing a child");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_some()
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid();
        let sent = StdCommand::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status();
        assert!(sent.expect("a shell").success(), "signal {name}");
    }

    /// Its end, with what it said on stderr in all its lives.
    pub(crate) async fn ended(&mut self) -> (ExitStatus, String) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("an end in time");
        let said = std::fs::read_to_string(&self.stderr).expect("stderr is a file");
        (status.expect("a status"), said)
    }

    /// Stops it cleanly.
    pub(crate) async fn stop(mut self) {
        self.signal("TERM");
        let (status, said) = self.ended().await;
        assert_eq!(status.code(), Some(0), "{said}");
    }
}
