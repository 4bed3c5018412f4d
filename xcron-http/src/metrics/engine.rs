//! What an engine decides, counted.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use xcron_core::{Event, Observer, RunEnd};

type Label = [(&'static str, &'static str); 1];

/// Seconds from 1 ms to a minute: how late a run may be.
const LATENESS_BUCKETS: [f64; 15] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];
/// Seconds from 0.1 ms to 10 s: how long a commit may take.
const COMMIT_BUCKETS: [f64; 14] =
    [0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Counters of decided facts.
#[derive(Debug)]
pub(super) struct EngineMetrics {
    succeeded: Counter,
    failed: Counter,
    unknown: Counter,
    cancelled: Counter,
    skipped_misfire: Counter,
    skipped_overlap: Counter,
    skipped_paused: Counter,
    retries: Counter,
    store_failures: Counter,
    lateness: Histogram,
    commits: Histogram,
}

impl EngineMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let fired = Family::<Label, Counter>::default();
        let result = |name| fired.get_or_create_owned(&[("result", name)]);
        let skipped = Family::<Label, Counter>::default();
        let reason = |name| skipped.get_or_create_owned(&[("reason", name)]);
        let metrics = Self {
            succeeded: result("succeeded"),
            failed: result("failed"),
            unknown: result("unknown"),
            cancelled: result("cancelled"),
            skipped_misfire: reason("misfire"),
            skipped_overlap: reason("overlap"),
            skipped_paused: reason("paused"),
            retries: Counter::default(),
            store_failures: Counter::default(),
            lateness: Histogram::new(LATENESS_BUCKETS),
            commits: Histogram::new(COMMIT_BUCKETS),
        };
        registry.register("xcron_fired", "Runs that ended, by result", fired.clone());
        registry.register("xcron_skipped", "Occurrences skipped, by reason", skipped.clone());
        let retries = metrics.retries.clone();
        registry.register("xcron_retries", "Failed attempts that are repeated", retries);
        let failures = metrics.store_failures.clone();
        registry.register("xcron_store_failures", "Commits that the store refused", failures);
        let lateness = metrics.lateness.clone();
        registry.register("xcron_lateness_seconds", "Start minus due time", lateness);
        let commits = metrics.commits.clone();
        registry.register("xcron_commit_seconds", "Time to acknowledge a commit", commits);
        metrics
    }

    const fn counter(&self, end: RunEnd) -> &Counter {
        match end {
            RunEnd::Succeeded => &self.succeeded,
            RunEnd::Failed => &self.failed,
            RunEnd::Unknown => &self.unknown,
            RunEnd::Cancelled => &self.cancelled,
            RunEnd::SkippedMisfire => &self.skipped_misfire,
            RunEnd::SkippedOverlap => &self.skipped_overlap,
            RunEnd::SkippedPaused => &self.skipped_paused,
        }
    }
}

impl Observer for EngineMetrics {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Started { lateness, .. } => self.lateness.observe(lateness.as_secs_f64()),
            Event::Ended { end, count, .. } => {
                self.counter(*end).inc_by(*count);
            }
            Event::Retried { .. } => {
                self.retries.inc();
            }
            Event::Committed { took, .. } => self.commits.observe(took.as_secs_f64()),
            Event::StoreFailed { .. } => {
                self.store_failures.inc();
            }
        }
    }
}
