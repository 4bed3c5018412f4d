//! Gauges that are read from the scheduler and the store when somebody asks.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use xcron_core::Scheduler;

/// What a store has to say about itself; `None` where it has no such thing.
///
/// ```
/// use xcron_http::StoreSample;
///
/// let sample = StoreSample { is_leader: Some(true), term: Some(3), ..StoreSample::default() };
/// assert_eq!(sample.log_lag, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StoreSample {
    /// Whether this node leads.
    pub is_leader: Option<bool>,
    /// The present term.
    pub term: Option<u64>,
    /// Entries that are in the log but not applied here.
    pub log_lag: Option<u64>,
    /// How often the leader has changed in this life of the node.
    pub leader_changes: Option<u64>,
    /// How old the newest snapshot is.
    pub snapshot_age: Option<Duration>,
    /// Runs that failed for good and are kept.
    pub dead_letter_runs: Option<u64>,
}

/// Implemented by whoever knows the store; asked at every scrape, so it must be cheap.
pub trait StoreStats: fmt::Debug + Send + Sync + 'static {
    /// What the store is like now.
    fn sample(&self) -> StoreSample;
}

/// Reads gauges from what it was told to watch.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    scheduler: OnceLock<Scheduler>,
    store: OnceLock<Arc<dyn StoreStats>>,
}

impl Gauges {
    pub(super) fn watch_scheduler(&self, scheduler: Scheduler) {
        self.scheduler.get_or_init(|| scheduler);
    }

    pub(super) fn watch_store(&self, stats: Arc<dyn StoreStats>) {
        self.store.get_or_init(|| stats);
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(scheduler) = self.scheduler.get() {
            encode_scheduler(scheduler, &mut encoder)?;
        }
        self.store.get().map_or(Ok(()), |store| encode_store(&store.sample(), &mut encoder))
    }
}

fn encode_scheduler(scheduler: &Scheduler, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let counts = scheduler.counts();
    let states =
        [("active", counts.active), ("paused", counts.paused), ("finished", counts.finished)];
    labelled(encoder, "xcron_tasks", "Tasks, by state", "state", &states)?;
    let (load, now) = (scheduler.load(), scheduler.clock().now());
    let in_flight = load.in_flight() as u64;
    gauge(encoder, "xcron_in_flight", "Attempts in flight", in_flight)?;
    let age = load.oldest_queued().map_or(Duration::ZERO, |due| now.since(due));
    let help = "How long the attempt that waits longest for a free place has been due";
    gauge(encoder, "xcron_dispatch_queue_age_seconds", help, age.as_secs_f64())
}

fn encode_store(sample: &StoreSample, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let whole = [
        ("xcron_raft_is_leader", "Whether this node leads", sample.is_leader.map(u64::from)),
        ("xcron_raft_term", "The present term", sample.term),
        ("xcron_raft_log_lag", "Entries not applied yet", sample.log_lag),
        ("xcron_dead_letter_runs", "Failed runs that are kept", sample.dead_letter_runs),
    ];
    for (name, help, value) in whole {
        if let Some(value) = value {
            gauge(encoder, name, help, value)?;
        }
    }
    if let Some(changes) = sample.leader_changes {
        let counter = prometheus_client::metrics::counter::ConstCounter::new(changes);
        let help = "How often the leader changed";
        let kind = MetricType::Counter;
        counter.encode(encoder.encode_descriptor("xcron_leader_changes", help, None, kind)?)?;
    }
    sample.snapshot_age.map_or(Ok(()), |age| {
        let help = "Age of the newest snapshot";
        gauge(encoder, "xcron_snapshot_age_seconds", help, age.as_secs_f64())
    })
}

/// Writes one gauge.
pub(super) fn gauge<V: EncodeGaugeValue + Copy>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: V,
) -> fmt::Result
where
    ConstGauge<V>: EncodeMetric,
{
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric)
}

/// Writes one gauge for each value of one label.
pub(super) fn labelled(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &'static str,
    values: &[(&'static str, u64)],
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (value, number) in values {
        let labels = [(label, *value)];
        ConstGauge::new(*number).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
