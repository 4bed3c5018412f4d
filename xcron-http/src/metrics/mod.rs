//! Metrics: counted in atomics where things happen, put into words only when somebody asks.
//!
//! [`Metrics`] is what the other parts hold: the gate tells it of answers, the engine tells it of
//! decisions through [`Metrics::observer`], and [`Metrics::encode`] asks the scheduler, the store
//! and the machine for the rest.

mod audit;
mod engine;
mod gauges;
mod host;
mod http;
mod monitor;

pub use gauges::{StoreSample, StoreStats};
pub(crate) use http::HttpMetrics;
pub(crate) use monitor::in_words;
pub use monitor::monitor_router;

use audit::Audit;
use engine::EngineMetrics;
use gauges::Gauges;
use host::Host;
use prometheus_client::registry::Registry;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use xcron_core::{Observer, Scheduler};

/// Everything that is counted in this process; a cheap handle.
///
/// ```
/// use std::sync::Arc;
/// use xcron_core::{MemoryStore, Outcome, Scheduler, dispatch_fn};
/// use xcron_http::Metrics;
///
/// let metrics = Metrics::new();
/// let dispatcher = dispatch_fn(|_delivery| async { Outcome::succeeded() });
/// let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), dispatcher)
///     .observer(metrics.observer())
///     .build();
/// metrics.watch_scheduler(scheduler);
/// assert!(metrics.encode().contains("xcron_tasks{state=\"active\"} 0"));
/// ```
#[derive(Clone)]
pub struct Metrics(Arc<Parts>);

struct Parts {
    registry: Registry,
    engine: Arc<EngineMetrics>,
    http: HttpMetrics,
    gauges: Arc<Gauges>,
    host: Arc<Host>,
    audit: Arc<Audit>,
}

impl Metrics {
    /// Metrics that have counted nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let engine = Arc::new(EngineMetrics::register(&mut registry));
        let http = HttpMetrics::register(&mut registry);
        let gauges = Arc::new(Gauges::default());
        registry.register_collector(Box::new(Arc::clone(&gauges)));
        let host = Arc::new(Host::default());
        registry.register_collector(Box::new(Arc::clone(&host)));
        let audit = Arc::new(Audit::default());
        registry.register_collector(Box::new(Arc::clone(&audit)));
        Self(Arc::new(Parts { registry, engine, http, gauges, host, audit }))
    }

    /// Counts what an engine decides; hand it to the scheduler's builder.
    #[must_use]
    pub fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.0.engine) as Arc<dyn Observer>
    }

    /// Reads the gauges of `scheduler` from now on; the first one named stays.
    pub fn watch_scheduler(&self, scheduler: Scheduler) {
        self.0.gauges.watch_scheduler(scheduler);
    }

    /// Reads the gauges of a store from now on; the first one named stays.
    pub fn watch_store(&self, stats: Arc<dyn StoreStats>) {
        self.0.gauges.watch_store(stats);
    }

    /// Reads what the machine and this process use every 5 seconds, for as long as the future is
    /// polled; `disk` is any path on the disk that matters.
    pub async fn sample_host(&self, disk: PathBuf) {
        host::sample(Arc::clone(&self.0.host), disk).await;
    }

    /// Adds up what became of every occurrence of all tasks of `scheduler`, again and again for as
    /// long as the future is polled: a page of tasks at a time, with pauses that leave the machine
    /// to others, and all of them once a minute or as often as that allows. What is exported is the
    /// last time that it was through, as this node has the tasks.
    pub async fn sample_audit(&self, scheduler: Scheduler) {
        audit::sample(Arc::clone(&self.0.audit), scheduler).await;
    }

    /// All metrics as text, in the format that Prometheus scrapes.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.0.registry) {
            Ok(()) => text,
            Err(fmt::Error) => String::new(), // writing to a string does not fail
        }
    }

    pub(crate) fn http(&self) -> &HttpMetrics {
        &self.0.http
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
