//! One node of a cluster under test, over all the lives of its process.

use super::process::{Home, PATIENCE, Server};
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a start is tried again while a port is still taken by the life before.
const STARTS_MAX: usize = 20;

/// How much of what a node said is shown with a failure.
const LINES_SHOWN: usize = 40;

/// Its directory, its place in the network, and its process if one runs.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) home: Home,
    /// Where the others reach it.
    pub(crate) peer_port: u16,
    server: Option<Server>,
    pub(crate) is_paused: bool,
    /// Where its API is seen from here, when that is not where it says that it listens.
    pub(crate) seen_at: Option<SocketAddr>,
}

impl Member {
    pub(crate) fn new(home: Home, peer_port: u16) -> Self {
        let home = home.with("XCRON_PEER_PORT", peer_port);
        Self { home, peer_port, server: None, is_paused: false, seen_at: None }
    }

    /// Starts the process, which listens when this returns.
    pub(crate) async fn start(&mut self) {
        assert!(self.server.is_none(), "it runs already");
        let mut said = String::new();
        for _ in 0..STARTS_MAX {
            match self.home.try_start().await {
                Ok(server) => {
                    self.server = Some(server);
                    return;
                }
                Err(text) => said = text,
            }
            if !last_lines(&said, 3).contains("in use") {
                break;
            }
            sleep(Duration::from_millis(200)).await;
        }
        panic!("the node did not start: {}", last_lines(&said, LINES_SHOWN));
    }

    /// The running process.
    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    /// The address of its API, if it runs.
    pub(crate) fn http(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(|server| self.seen_at.unwrap_or(server.http))
    }

    /// The address of its metrics, if it runs.
    pub(crate) fn monitor(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(|server| server.monitor)
    }

    /// Sends the kill and does not wait for the end.
    pub(crate) fn begin_kill(&mut self) {
        self.server.as_mut().expect("it runs").begin_kill();
    }

    /// Ends the process as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.is_paused = false;
        self.server.take().expect("it runs").kill().await;
    }

    /// Stops it cleanly: its status and how long that took.
    pub(crate) async fn terminate(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        self.server().signal("TERM");
        (self.ended().await.0, begun.elapsed())
    }

    /// Waits until it has ended by itself: its status and what it said at the end.
    pub(crate) async fn ended(&mut self) -> (ExitStatus, String) {
        let mut server = self.server.take().expect("it runs");
        let (status, said) = server.ended().await;
        (status, last_lines(&said, LINES_SHOWN))
    }

    /// Whether the process has ended by itself; then it can be started again.
    pub(crate) fn has_ended(&mut self) -> bool {
        let ended = self.server.as_mut().is_none_or(Server::has_ended);
        if ended {
            self.server = None;
        }
        ended
    }

    /// A start that must be refused soon after it began: the exit code and the explanation.
    pub(crate) async fn refused(&mut self) -> (Option<i32>, String) {
        assert!(self.server.is_none(), "it runs already");
        let before = std::fs::read_to_string(self.home.stderr()).unwrap_or_default().len();
        let Ok(mut server) = self.home.try_start().await else {
            // It ended without a first line; only another start tells with which code.
            let (code, said) = self.home.run(&[]).await;
            return (code, last_lines(&said, LINES_SHOWN));
        };
        let begun = Instant::now();
        while !server.has_ended() {
            assert!(begun.elapsed() < PATIENCE, "it was not refused: {}", self.last_words());
            sleep(Duration::from_millis(20)).await;
        }
        let (status, said) = server.ended().await;
        (status.code(), last_lines(&said[before..], LINES_SHOWN))
    }

    /// What it said last, in all its lives.
    pub(crate) fn last_words(&self) -> String {
        last_lines(&std::fs::read_to_string(self.home.stderr()).unwrap_or_default(), LINES_SHOWN)
    }
}

/// The last `count` lines of `text`.
fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
