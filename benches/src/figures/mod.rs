//! The measurements, one per file, by their names in the list of figures to reach.

pub mod create;
pub mod fire;
pub mod isolation;
pub mod lateness;
pub mod overload;
pub mod spread;

use crate::fault::Result;
use crate::ledger::Ledger;
use crate::options::Options;
use crate::server::{Launch, Server};
use crate::sink::Sink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What every measurement needs.
#[derive(Debug)]
pub struct Bench {
    /// What was asked for.
    pub options: Options,
    /// The server's binary.
    pub binary: PathBuf,
    /// Where servers get their directories: on the disk that is measured.
    pub within: PathBuf,
}

impl Bench {
    /// A server that knows no tasks.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn server(&self) -> Result<Server> {
        self.launch(Launch::default()).await
    }

    /// The same, started as `launch` says.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn launch(&self, launch: Launch) -> Result<Server> {
        Server::start(&self.binary, &self.within, &launch).await
    }

    /// The directory of the disk that is measured.
    #[must_use]
    pub fn within(&self) -> &Path {
        &self.within
    }
}

/// Waits until the ledger holds `received` callbacks, at most `time_max`; a shortfall shows in
/// the account.
async fn await_callbacks(ledger: &Ledger, received: u64, time_max: Duration) {
    let begun = Instant::now();
    while ledger.received() < received && begun.elapsed() < time_max {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Creates the tasks `numbers`, task `n` due at `due_secs(n)`, and insists on all of them.
async fn create_all(
    server: &Server,
    sink: &Sink,
    numbers: std::ops::Range<usize>,
    due_secs: impl Fn(usize) -> u64 + Send + Sync + 'static,
) -> Result<crate::client::Tally> {
    let (api, target) = (server.api(), sink.address());
    create_tasks(server, numbers, move |n| crate::work::create_task(api, target, n, due_secs(n)))
        .await
}

/// Sends `make(n)` for each `n` in `numbers`, and insists on all of them.
async fn create_tasks(
    server: &Server,
    numbers: std::ops::Range<usize>,
    make: impl Fn(usize) -> Result<crate::work::Post> + Send + Sync + 'static,
) -> Result<crate::client::Tally> {
    let (api, wanted) = (server.api(), numbers.len() as u64);
    let tally = crate::client::load(api, numbers, Duration::from_secs(120), make).await?;
    if tally.done != wanted {
        let refusal = tally.first_refusal.unwrap_or_else(|| "they took too long".into());
        return Err(format!("{} of {wanted} tasks were created: {refusal}", tally.done).into());
    }
    Ok(tally)
}
