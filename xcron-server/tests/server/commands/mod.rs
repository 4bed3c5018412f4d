//! The command line as its users meet it: the built program asks a real server.

mod access;
mod apply;
mod bench;
mod cluster;
mod crontab;
mod runs;
mod shell;
mod tasks;
mod terminal;

use crate::process::{Home, PATIENCE, Server};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// Who types commands: a folder and an environment.
#[derive(Debug)]
struct User {
    folder: PathBuf,
    env: Vec<(&'static str, String)>,
}

/// What a command came to.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A server that is ready, and somebody who asks it.
async fn start() -> (Home, Server, User) {
    let home = Home::new();
    let server = home.start().await;
    server.api().await.await_ready().await;
    let user = User::of(home.path(), server.http);
    (home, server, user)
}

impl User {
    /// In a folder, asking the server at `http`.
    fn of(folder: &Path, http: SocketAddr) -> Self {
        let url = format!("http://{http}");
        Self { folder: folder.to_owned(), env: vec![("XCRON_SERVER_URL", url)] }
    }

    /// The same with one more variable.
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.to_owned()));
        self
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xcron_server"));
        command.args(words).env_clear().current_dir(&self.folder).kill_on_drop(true);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Types a command.
    async fn types(&self, words: &[&str]) -> Said {
        self.feeds(words, "").await
    }

    /// Types a command that reads `input`.
    async fn feeds(&self, words: &[&str], input: &str) -> Said {
        let mut child = self.command(words).spawn().expect("a process");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // Most commands do not read it and may have ended by now.
        drop(stdin.write_all(input.as_bytes()).await);
        drop(stdin);
        let output = timeout(PATIENCE, child.wait_with_output()).await.expect("an end in time");
        let output = output.expect("a process");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Types a command that must be done without a word of complaint: what it prints.
    async fn gets(&self, words: &[&str]) -> String {
        self.types(words).await.done()
    }

    /// The same as JSON.
    async fn reads(&self, words: &[&str]) -> Value {
        let text = self.gets(&[words, &["-o", "json"]].concat()).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn writes(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("writing a file");
    }
}

impl Said {
    /// What was printed by a command that is done and complains of nothing.
    fn done(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// Asserts that it ended with this code and one line of complaint that holds these words.
    fn refused(&self, code: i32, expected: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.err.starts_with("error: ") && self.err.lines().count() == 1, "{self:?}");
        self.complains(expected);
    }

    fn complains(&self, expected: &[&str]) {
        for words in expected {
            assert!(self.err.contains(words), "{words:?} is not in {self:?}");
        }
    }
}
