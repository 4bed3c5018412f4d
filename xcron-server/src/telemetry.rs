//! Logs: where they go and in which form, and which of the engine's events stand in them.

use crate::config::{Config, Env};
use std::io::IsTerminal;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use xcron_core::{Event, Observer};

/// The library below warns of every heartbeat that is late; a directive of the same name in
/// the configuration wins.
const QUIETER: &str = "openraft=error";

/// Who did what to the cluster is logged whatever the level; so it is with a directive here.
const AUDIT: &str = "xcron::audit=info";

/// Sends the logs of this process to stderr: as text in `debug`, as JSON in `prod`.
///
/// Does nothing when the process has a destination for its logs already.
pub fn start(config: &Config) {
    let filter = EnvFilter::new(format!("{QUIETER},{AUDIT},{}", config.log));
    let logs = fmt().with_writer(std::io::stderr).with_env_filter(filter);
    // An error means that somebody else has set a destination, which then stays.
    let _others_stay = match config.env {
        Env::Debug => logs.with_ansi(std::io::stderr().is_terminal()).try_init(),
        Env::Prod => logs.json().flatten_event(true).try_init(),
    };
}

/// Logs what the engine cannot put right by itself, and passes every event on.
///
/// It is called from the engine's own task, so what may happen for every callback stands in the
/// log at level debug only, and is counted instead.
#[derive(Debug)]
pub struct LogEvents {
    next: Arc<dyn Observer>,
}

impl LogEvents {
    /// Tells `next` of every event too.
    #[must_use]
    pub fn before(next: Arc<dyn Observer>) -> Arc<Self> {
        Arc::new(Self { next })
    }
}

impl Observer for LogEvents {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::StoreFailed { error } => {
                tracing::warn!(%error, effect = error.effect().as_str(), "a commit failed");
            }
            Event::Ended { run, end, error: Some(error), .. } => {
                tracing::debug!(%run, ?end, error, "a run ended");
            }
            Event::Retried { run, attempt, error } => {
                tracing::debug!(%run, attempt, error, "an attempt failed");
            }
            Event::Started { .. } | Event::Ended { .. } | Event::Committed { .. } => {}
        }
        self.next.observe(event);
    }
}
