//! A dispatcher that appends a line to a file: what `url` means is the dispatcher's to say.

use async_trait::async_trait;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use xcron_core::{Callback, CallbackError, Delivery, Dispatcher, Outcome};

/// What every url begins with.
const SCHEME: &str = "ledger:";

/// Appends the runs of a task to the ledger that its url names, `ledger:invoices`.
#[derive(Debug)]
pub(crate) struct LedgerDispatcher {
    folder: PathBuf,
}

impl LedgerDispatcher {
    /// Keeps the ledgers in `folder`, which need not exist yet.
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn append(&self, delivery: &Delivery) -> io::Result<()> {
        let name = delivery.callback().url.trim_start_matches(SCHEME);
        let mut ledger =
            OpenOptions::new().create(true).append(true).open(self.folder.join(name))?;
        // A receiver tells a repeated attempt by the run id, which stays the same.
        let line = format!("{} attempt {}\n", delivery.run_id(), delivery.attempt());
        ledger.write_all(line.as_bytes())?;
        ledger.sync_data()
    }
}

#[async_trait]
impl Dispatcher for LedgerDispatcher {
    /// Outside input is judged here, once: a name that could leave the folder is refused at
    /// create, with a message for whoever wrote it.
    fn validate(&self, callback: Callback) -> Result<Callback, CallbackError> {
        let name = callback.url.strip_prefix(SCHEME).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
            return Ok(callback);
        }
        let expected = "expected ledger: and a name of 1 to 64 small letters and hyphens";
        Err(CallbackError(format!("url is {:?}, {expected}", callback.url)))
    }

    /// Runs for the same ledger share its limit of attempts in flight, and its fate.
    fn destination(&self, callback: &Callback) -> Arc<str> {
        Arc::clone(&callback.url)
    }

    /// One attempt, no retry and no memory: the engine does both, durably.
    async fn dispatch(&self, delivery: Delivery) -> Outcome {
        if !delivery.start() {
            return Outcome::not_started();
        }
        // A short append may block; a slow target belongs on a thread or a runtime of its own,
        // raced against `delivery.timed_out()`.
        match self.append(&delivery) {
            Ok(()) => Outcome::succeeded(),
            Err(error) => Outcome::failed(error.to_string()),
        }
    }
}
