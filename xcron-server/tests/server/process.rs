//! A real server process in a directory of its own, and what one does to processes.

use crate::api::Api;
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
        Self { dir, env: ports.map(|name| (name, "0".to_owned())).to_vec() }
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
    #[cfg(feature = "failpoints")]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.env.retain(|(known, _)| *known != name);
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xcron_server"));
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
        let stderr = self.path().join("stderr");
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
    #[cfg(feature = "failpoints")]
    pub(crate) async fn try_api(&self) -> Result<Api, crate::api::Gone> {
        Api::try_connect(self.http).await
    }

    /// Ends it as a power cut would: nothing of it runs any more when this returns.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("killing a child");
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it has not been waited for").to_string();
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
