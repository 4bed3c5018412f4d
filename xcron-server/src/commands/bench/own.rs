//! A server of one's own: a process of this same program in a temporary folder, on loopback.

use super::super::failure::Failure;
use crate::drill::DrillError;
use crate::drill::process::{Process, Settings};
use crate::drill::watchdog::Watchdog;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use xcron_http::client::{Client, TaskQuery};

/// How long it may take from listening to being ready, and how often it is asked.
const READY_MAX: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A server, and the folder that goes with it.
#[derive(Debug)]
pub(super) struct Own {
    process: Option<Process>,
    watchdog: Arc<Watchdog>,
    dir: TempDir,
}

impl Own {
    /// Makes the folder, in `dir`; it goes even if this program is killed.
    pub(super) fn lay(dir: &Path) -> Result<Self, Failure> {
        let made = tempfile::Builder::new().prefix("xcron-bench-").tempdir_in(dir);
        let made = made.map_err(|error| {
            let expected = "expected a folder that can be written";
            Failure::Usage(format!("--dir is {}: {error}, {expected}", dir.display()))
        })?;
        let watchdog = Watchdog::start(Some(made.path())).map_err(failed)?;
        Ok(Self { process: None, watchdog: Arc::new(watchdog), dir: made })
    }

    /// Where it keeps everything.
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Starts it; where its API is, once it answers.
    pub(super) async fn start(&mut self) -> Result<String, Failure> {
        let program = std::env::current_exe();
        let program = program.map_err(|error| Failure::Failed(format!("this program: {error}")))?;
        let dir = self.dir.path().join("server");
        let settings = Settings { node: 1, program, dir, peers: Vec::new() };
        let process = settings.start(&self.watchdog).await.map_err(failed)?;
        let url = format!("http://{}", process.http);
        self.process = Some(process);
        let (client, begun) = (Client::new(&url)?, Instant::now());
        let query = TaskQuery { limit: Some(1), ..TaskQuery::default() };
        while let Err(error) = client.list_tasks(&query).await {
            if begun.elapsed() > READY_MAX {
                return Err(Failure::Failed(format!("the server does not get ready: {error}")));
            }
            sleep(ASK_EVERY).await;
        }
        Ok(url)
    }

    /// Ends it, and removes the folder.
    pub(super) async fn end(self) -> Result<(), Failure> {
        if let Some(process) = self.process {
            process.kill().await.map_err(failed)?;
        }
        Ok(())
    }
}

/// Why there is no server.
fn failed(error: DrillError) -> Failure {
    match error {
        DrillError::Node { what, said, .. } => {
            Failure::Failed(format!("the server {what}: {said}"))
        }
        error => Failure::Failed(error.to_string()),
    }
}
