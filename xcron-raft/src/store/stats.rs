//! Counters of a store that may be read at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cluster::standing::Role;

/// Upper bounds of the latency buckets, in microseconds; the last bucket has none.
pub const LATENCY_BUCKETS_US: [u64; 12] =
    [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 204_800, 1_638_400];

/// How a store does.
///
/// ```
/// use xcron_raft::StoreStats;
/// assert_eq!(StoreStats::default().commits, 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Whether this node is the one entitled to decide.
    pub is_leader: bool,
    /// What this node is in its cluster.
    pub role: Role,
    /// The term of the newest vote.
    pub term: u64,
    /// How often another node has become the leader in this life.
    pub leader_changes: u64,
    /// Failed runs that are kept.
    pub failed_runs: u64,
    /// Index of the newest log entry.
    pub last_log: u64,
    /// Index of the newest applied log entry.
    pub last_applied: u64,
    /// Index of the newest log entry of the newest snapshot.
    pub snapshot_index: u64,
    /// Length of the newest snapshot in bytes.
    pub snapshot_bytes: u64,
    /// How long ago the newest log entry of the newest snapshot was made; none without a snapshot.
    pub snapshot_age: Option<Duration>,
    /// Bytes written to the log since the newest snapshot of this process's life.
    pub log_bytes_since_snapshot: u64,
    /// Bytes written to the log in this life.
    pub log_bytes: u64,
    /// Syncs of the log in this life.
    pub log_syncs: u64,
    /// Entries proposed in this life.
    pub entries: u64,
    /// Commits acknowledged in this life.
    pub commits: u64,
    /// Commits refused or of unknown outcome in this life.
    pub commits_failed: u64,
    /// Changes in acknowledged commits.
    pub changes: u64,
    /// Commits that wait for their entry.
    pub queued: u64,
    /// Acknowledged commits by latency: one counter per bound of [`LATENCY_BUCKETS_US`], and one
    /// for those beyond.
    pub latency: [u64; LATENCY_BUCKETS_US.len() + 1],
    /// Sum of the latencies of acknowledged commits, in microseconds.
    pub latency_sum_us: u64,
}

/// The counters behind [`StoreStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) term: AtomicU64,
    pub(crate) leader_changes: AtomicU64,
    pub(crate) snapshot_index: AtomicU64,
    pub(crate) snapshot_bytes: AtomicU64,
    pub(crate) log_bytes_at_snapshot: AtomicU64,
    pub(crate) entries: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) commits_failed: AtomicU64,
    pub(crate) changes: AtomicU64,
    pub(crate) queued_bytes: AtomicU64,
    pub(crate) in_flight_bytes: AtomicU64,
    latency: [AtomicU64; LATENCY_BUCKETS_US.len() + 1],
    latency_sum_us: AtomicU64,
}

impl Counters {
    /// Counts an acknowledged commit.
    pub(crate) fn committed(&self, changes: usize, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = LATENCY_BUCKETS_US.partition_point(|&bound| bound < took);
        self.latency[bucket].fetch_add(1, Ordering::Relaxed);
        self.latency_sum_us.fetch_add(took, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.changes.fetch_add(changes as u64, Ordering::Relaxed);
    }

    /// The part of the stats that is counted here.
    pub(crate) fn read(&self) -> StoreStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreStats {
            term: get(&self.term),
            leader_changes: get(&self.leader_changes),
            snapshot_index: get(&self.snapshot_index),
            snapshot_bytes: get(&self.snapshot_bytes),
            entries: get(&self.entries),
            commits: get(&self.commits),
            commits_failed: get(&self.commits_failed),
            changes: get(&self.changes),
            latency: std::array::from_fn(|bucket| get(&self.latency[bucket])),
            latency_sum_us: get(&self.latency_sum_us),
            ..StoreStats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_at_a_bound_counts_below_it() {
        let counters = Counters::default();
        counters.committed(1, Duration::from_micros(100));
        counters.committed(1, Duration::from_micros(101));
        counters.committed(1, Duration::from_secs(10));
        let stats = counters.read();
        assert_eq!((stats.latency[0], stats.latency[1], stats.latency[12]), (1, 1, 1));
        assert_eq!((stats.commits, stats.changes), (3, 3));
    }
}
