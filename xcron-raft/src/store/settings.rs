//! The settings of a store: limits and defaults, all in one place.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use xcron_core::store::FAILED_RUNS_MAX;
use xcron_core::task::attempt::{FAILED_ATTEMPTS_BYTES_MAX, OTHER_ATTEMPTS_BYTES_MAX};

use crate::state::{FORMAT_KEEPS_ATTEMPTS, FORMAT_KEEPS_FAILED, FORMAT_MAX, FORMAT_MIN};
use crate::wire::change::Keeping;
use crate::{Error, ErrorKind};

/// The most commands that one log entry carries.
pub(crate) const ENTRY_COMMANDS_MAX: usize = 4_096;

/// An entry takes no further command once it is this long.
const ENTRY_BYTES_MAX: usize = 1 << 20;

/// How many entries may be on their way at a time; while they are, further commits gather.
pub(crate) const ENTRIES_IN_FLIGHT: usize = 3;

/// The longest commit, in bytes; half a segment at most.
const COMMIT_BYTES_MAX: usize = 16 << 20;

/// How many commits may wait for their entry.
pub(crate) const QUEUE_COMMITS_MAX: usize = 16_384;

/// How many bytes may wait for their entry.
pub(crate) const QUEUE_BYTES_MAX: usize = 128 << 20;

/// Room that commits leave in the log while no further segment is to be had.
pub(crate) const ROOM_BYTES_MIN: u64 = 2 << 20;

/// How often it is looked whether a snapshot is worth its while.
pub(crate) const SNAPSHOT_CHECK: Duration = Duration::from_millis(500);

/// Pause after a snapshot that could not be written, for instance because the disk is full.
pub(crate) const SNAPSHOT_RETRY: Duration = Duration::from_secs(5);

/// How long a snapshot that was asked for may take.
pub(crate) const SNAPSHOT_MAX: Duration = Duration::from_secs(600);

/// How long a cluster of one may take until it can be used.
pub(crate) const START_MAX: Duration = Duration::from_secs(30);

/// How a store behaves.
///
/// ```
/// use xcron_raft::RaftSettings;
/// let mut settings = RaftSettings::new("/var/lib/xcron");
/// settings.history_max = 100;
/// assert!(settings.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RaftSettings {
    /// The directory of all files.
    pub data_dir: PathBuf,
    /// How the other nodes reach this one, `host:port`; empty takes what is listened on.
    pub advertise: String,
    /// The founding nodes of a cluster, each as `host:port`, the same list on every one of them;
    /// empty is a cluster of one. Only read while the directory belongs to no cluster.
    pub peer_hosts: Vec<String>,
    /// Members that let this node in, each as `host:port`. Only read while the directory belongs
    /// to no cluster.
    pub join: Vec<String>,
    /// The newest format of entries and snapshots that is read and written: lower than the
    /// default, this version behaves as an earlier one among others.
    pub format_max: u32,
    /// How many ended occurrences each task remembers, besides up to
    /// [`FAILED_RUNS_MAX`](xcron_core::store::FAILED_RUNS_MAX) that failed.
    pub history_max: u32,
    /// For how many seconds failed runs are remembered.
    pub failed_retention_s: u64,
    /// Length of a log segment, in bytes: 64 KiB to 1 GiB.
    pub segment_bytes: u64,
    /// How many bytes of the newest log entries are kept in memory.
    pub log_cache_bytes: usize,
    /// A snapshot is written after so many bytes of log, or half of the last snapshot's length if
    /// that is more.
    pub snapshot_log_bytes: u64,
    /// How long a commit may take before its outcome is given as unknown, in milliseconds.
    pub commit_timeout_ms: u64,
    /// Milliseconds between two heartbeats of a leader.
    pub heartbeat_ms: u64,
    /// Least time without a leader until an election, in milliseconds. A leader that was heard of
    /// is not voted out for a fifth longer, and is replaced after 1.8 to 2.4 times this.
    pub election_timeout_ms: u64,
}

impl Default for RaftSettings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            advertise: String::new(),
            peer_hosts: Vec::new(),
            join: Vec::new(),
            format_max: FORMAT_MAX,
            history_max: 20,
            failed_retention_s: 604_800,
            segment_bytes: 64 << 20,
            log_cache_bytes: 64 << 20,
            snapshot_log_bytes: 256 << 20,
            commit_timeout_ms: 10_000,
            heartbeat_ms: 50,
            election_timeout_ms: 250,
        }
    }
}

impl RaftSettings {
    /// The defaults, with all files in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), ..Self::default() }
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// Names the first setting outside its limits.
    pub fn check(&self) -> Result<(), Error> {
        within("segment_bytes", self.segment_bytes, 64 << 10, 1 << 30)?;
        within("history_max", u64::from(self.history_max), 0, 1_000)?;
        within("format_max", self.format_max.into(), FORMAT_MIN.into(), FORMAT_MAX.into())?;
        within("snapshot_log_bytes", self.snapshot_log_bytes, 64 << 10, 1 << 40)?;
        within("commit_timeout_ms", self.commit_timeout_ms, 100, 600_000)?;
        within("heartbeat_ms", self.heartbeat_ms, 10, 10_000)?;
        within("election_timeout_ms", self.election_timeout_ms, 3 * self.heartbeat_ms, 60_000)
    }

    /// How much of the history each changed task keeps, in a cluster of this format.
    pub(crate) fn keeping(&self, format: u32) -> Keeping {
        let mut keeping = Keeping { history_max: self.history_max, ..Keeping::default() };
        if format >= FORMAT_KEEPS_FAILED {
            keeping.failed_max = FAILED_RUNS_MAX as u32;
            keeping.failed_retention_s = self.failed_retention_s;
        }
        if format >= FORMAT_KEEPS_ATTEMPTS {
            keeping.failed_attempts_kib_max = (FAILED_ATTEMPTS_BYTES_MAX / 1_024) as u32;
            keeping.other_attempts_kib_max = (OTHER_ATTEMPTS_BYTES_MAX / 1_024) as u32;
        }
        keeping
    }

    /// How long an entry becomes before it takes no further command.
    pub(crate) fn entry_bytes_max(&self) -> usize {
        ENTRY_BYTES_MAX.min((self.segment_bytes / 2) as usize)
    }

    /// For how long a follower that has heard of a leader votes for nobody else, and the most that
    /// it waits afterwards until it stands itself.
    pub(crate) fn election_timeout_max_ms(&self) -> u64 {
        self.election_timeout_ms * 6 / 5
    }

    /// The least that it waits then. The wider the span, the more rarely two stand at once.
    pub(crate) fn election_timeout_min_ms(&self) -> u64 {
        self.election_timeout_ms * 3 / 5
    }

    /// The longest commit that fits into a segment.
    pub(crate) fn commit_bytes_max(&self) -> usize {
        COMMIT_BYTES_MAX.min((self.segment_bytes / 2) as usize)
    }
}

fn within(name: &str, value: u64, min: u64, max: u64) -> Result<(), Error> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let message = format!("{name} is {value}, expected {min} to {max}");
    Err(Error::new(ErrorKind::Invalid, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_refused_just_outside_its_limits() {
        let base = RaftSettings::default();
        let cases = [
            (RaftSettings { segment_bytes: 64 << 10, ..base.clone() }, true),
            (RaftSettings { segment_bytes: (64 << 10) - 1, ..base.clone() }, false),
            (RaftSettings { segment_bytes: 1 << 30, ..base.clone() }, true),
            (RaftSettings { segment_bytes: (1 << 30) + 1, ..base.clone() }, false),
            (RaftSettings { format_max: 0, ..base.clone() }, false),
            (RaftSettings { format_max: FORMAT_MAX + 1, ..base.clone() }, false),
            (RaftSettings { history_max: 1_000, ..base.clone() }, true),
            (RaftSettings { history_max: 1_001, ..base.clone() }, false),
            (RaftSettings { election_timeout_ms: 149, ..base.clone() }, false),
            (RaftSettings { election_timeout_ms: 150, ..base }, true),
        ];
        for (settings, good) in cases {
            assert_eq!(settings.check().is_ok(), good, "{settings:?}");
        }
    }
}
