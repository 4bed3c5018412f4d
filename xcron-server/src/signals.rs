//! The signals that stop the server: the first one in order, the second one at once.

use crate::error::ServerError;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, from the moment this exists.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes over both signals; from now on neither ends the process by itself.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn take() -> Result<Self, ServerError> {
        let take = |kind| {
            signal(kind)
                .map_err(|error| ServerError::System { what: "signals cannot be received", error })
        };
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
        })
    }

    /// Waits for either signal.
    pub async fn next(&mut self) {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
