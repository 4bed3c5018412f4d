//! The signals that stop the server, the first one in order and the second one at once, and the one
//! that asks it to read its files again.

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

/// SIGHUP, from the moment this exists.
#[derive(Debug)]
pub struct HangUps(Signal);

impl HangUps {
    /// Takes over the signal; from now on it does not end the process.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn take() -> Result<Self, ServerError> {
        Ok(Self(take(SignalKind::hangup())?))
    }

    /// Waits for the signal; `false` when none can come any more.
    pub async fn next(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}

fn take(kind: SignalKind) -> Result<Signal, ServerError> {
    signal(kind).map_err(|error| ServerError::System { what: "signals cannot be received", error })
}
