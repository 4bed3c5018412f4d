//! The writer of the log in a simulation: a task that writes what waits, after what the disk takes
//! for it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::sleep;

use super::Shared;
use super::flusher::Flusher;
use super::spare::RETRY;
use crate::runtime;

/// Writes what is queued and prepares spares until the log is closed.
pub(super) async fn take(shared: Arc<Shared>, flusher: Arc<Mutex<Option<Flusher>>>) {
    loop {
        shared.spares.keep_one();
        let wants_spare = shared.spares.failure().is_some();
        tokio::select! {
            biased;
            () = shared.queue.pushed() => {}
            () = sleep(RETRY), if wants_spare => {}
        }
        sleep(runtime::disk_delay()).await;
        match &mut *flusher.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(flusher) => flusher.run_once(),
            None => return,
        }
    }
}
