//! Gauges that are read from the scheduler and the store when somebody asks.

use crate::cluster::NodeRole;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use xcron_core::Scheduler;

/// What a store has to say about itself and its cluster; `None` or empty where it has no such
/// thing.
///
/// ```
/// use xcron_http::{NodeRole, StoreSample};
///
/// let nodes = vec![NodeRole::Leader, NodeRole::Follower, NodeRole::Follower];
/// let sample = StoreSample { is_leader: Some(true), nodes, ..StoreSample::default() };
/// assert_eq!(sample.log_lag, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreSample {
    /// Whether this node leads.
    pub is_leader: Option<bool>,
    /// The present term.
    pub term: Option<u64>,
    /// Entries that are in the log but not applied here.
    pub log_lag: Option<u64>,
    /// Bytes that this life of the node has written to its log.
    pub log_bytes: Option<u64>,
    /// How often the leader has changed in this life of the node.
    pub leader_changes: Option<u64>,
    /// How old the newest snapshot is, or this life of the node before there is one.
    pub snapshot_age: Option<Duration>,
    /// Runs that failed for good and are kept.
    pub dead_letter_runs: Option<u64>,
    /// What every known node of the cluster does, this one included, in any order.
    pub nodes: Vec<NodeRole>,
    /// For each peer, how many milliseconds its clock is ahead of this node's; negative when it
    /// is behind.
    pub clock_offsets_ms: Vec<(u64, i64)>,
    /// How much of what came to the peer port was refused in this life of the node, by reason.
    pub peer_rejections: Vec<(&'static str, u64)>,
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
    let counted = [
        ("xcron_raft_log_bytes", "Bytes written to the log", sample.log_bytes),
        ("xcron_leader_changes", "How often the leader changed", sample.leader_changes),
    ];
    for (name, help, value) in counted {
        if let Some(value) = value {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)?;
        }
    }
    if let Some(age) = sample.snapshot_age {
        let help = "Age of the newest snapshot, or of this life of the node before the first";
        gauge(encoder, "xcron_snapshot_age_seconds", help, age.as_secs_f64())?;
    }
    encode_cluster(sample, encoder)
}

fn encode_cluster(sample: &StoreSample, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    if !sample.nodes.is_empty() {
        let count = |role| sample.nodes.iter().filter(|node| **node == role).count() as u64;
        let roles = NodeRole::ALL.map(|role| (role.as_str(), count(role)));
        labelled(encoder, "xcron_cluster_nodes", "Nodes, by role", "role", &roles)?;
    }
    if !sample.clock_offsets_ms.is_empty() {
        let (name, help) = ("xcron_clock_skew_seconds", "A peer's clock minus this node's");
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (peer, offset_ms) in &sample.clock_offsets_ms {
            // Exact up to 2^53 milliseconds, far beyond what any two clocks differ by.
            let seconds = *offset_ms as f64 / 1_000.0;
            let labels = [("peer", peer.to_string())];
            ConstGauge::new(seconds).encode(metric.encode_family(&labels)?)?;
        }
    }
    if !sample.peer_rejections.is_empty() {
        let (name, help) = ("xcron_peer_rejected", "Peer traffic refused, by reason");
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (reason, count) in &sample.peer_rejections {
            let labels = [("reason", *reason)];
            ConstCounter::new(*count).encode(metric.encode_family(&labels)?)?;
        }
    }
    Ok(())
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
