//! What was wrong with what arrived, and how often.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a connection or a request was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("it ended or broke")]
    Ended,
    #[error("what it sent is not of this protocol")]
    Garbage,
    #[error("a frame is longer than allowed")]
    TooLong,
    #[error("the two sides do not share a secret")]
    Secret,
    #[error("its certificate was not accepted, or it did not accept ours")]
    Certificate,
    #[error("it belongs to another cluster, or looks for one")]
    Cluster,
    #[error("it looks for another node")]
    Node,
    #[error("it speaks another version of the protocol")]
    Version,
    #[error("a request is not admitted from whom sent it")]
    NotAdmitted,
    #[error("a checksum does not match")]
    Checksum,
    #[error("it took too long")]
    TimedOut,
    #[error("there are too many connections")]
    OverLimit,
}

/// What the transport of a node has counted since it began.
///
/// ```
/// assert_eq!(xcron_raft::PeerCounts::default().wrong_secret, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCounts {
    /// Connections accepted.
    pub connections: u64,
    /// Connections accepted that are open now and have proved to know the secret.
    pub connections_open: u64,
    /// Connections dropped because what came is not of the protocol.
    pub garbage: u64,
    /// Connections dropped because of a frame longer than allowed, and answers not sent for it.
    pub too_long: u64,
    /// Handshakes with somebody who has another secret, or none.
    pub wrong_secret: u64,
    /// Handshakes of TLS with somebody whose certificate is not signed by the right authority.
    pub wrong_certificate: u64,
    /// Connections with or for a node of another cluster.
    pub wrong_cluster: u64,
    /// Connections and requests for another node.
    pub wrong_node: u64,
    /// Handshakes without a protocol version that both sides speak.
    pub wrong_version: u64,
    /// Requests that their sender may not send.
    pub not_admitted: u64,
    /// Connections dropped because of a damaged frame.
    pub bad_checksum: u64,
    /// Handshakes that took too long, and requests that were given up.
    pub timed_out: u64,
    /// Requests that reached the service.
    pub requests: u64,
    /// Bytes of frames received.
    pub bytes_in: u64,
    /// Bytes of frames sent.
    pub bytes_out: u64,
    /// Connections ended or refused because there were too many.
    pub over_limit: u64,
}

impl PeerCounts {
    /// What was dropped, by reason.
    #[must_use]
    pub fn rejections(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("garbage", self.garbage),
            ("too_long", self.too_long),
            ("wrong_secret", self.wrong_secret),
            ("wrong_certificate", self.wrong_certificate),
            ("wrong_cluster", self.wrong_cluster),
            ("wrong_node", self.wrong_node),
            ("wrong_version", self.wrong_version),
            ("not_admitted", self.not_admitted),
            ("bad_checksum", self.bad_checksum),
            ("timed_out", self.timed_out),
            ("over_limit", self.over_limit),
        ]
    }
}

/// The atomics behind [`PeerCounts`].
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) connections: Count,
    pub(super) connections_open: Count,
    pub(super) requests: Count,
    pub(super) bytes_in: Count,
    pub(super) bytes_out: Count,
    garbage: Count,
    too_long: Count,
    wrong_secret: Count,
    wrong_certificate: Count,
    wrong_cluster: Count,
    wrong_node: Count,
    wrong_version: Count,
    not_admitted: Count,
    bad_checksum: Count,
    timed_out: Count,
    over_limit: Count,
}

/// A number that only counts; it orders nothing else.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(super) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    /// Counts what was wrong.
    pub(super) fn count(&self, wrong: Wrong) {
        let count = match wrong {
            // Everybody may end a connection.
            Wrong::Ended => return,
            Wrong::Garbage => &self.garbage,
            Wrong::TooLong => &self.too_long,
            Wrong::Secret => &self.wrong_secret,
            Wrong::Certificate => &self.wrong_certificate,
            Wrong::Cluster => &self.wrong_cluster,
            Wrong::Node => &self.wrong_node,
            Wrong::Version => &self.wrong_version,
            Wrong::NotAdmitted => &self.not_admitted,
            Wrong::Checksum => &self.bad_checksum,
            Wrong::TimedOut => &self.timed_out,
            Wrong::OverLimit => &self.over_limit,
        };
        count.add(1);
    }

    pub(super) fn counts(&self) -> PeerCounts {
        PeerCounts {
            connections: self.connections.get(),
            connections_open: self.connections_open.get(),
            garbage: self.garbage.get(),
            too_long: self.too_long.get(),
            wrong_secret: self.wrong_secret.get(),
            wrong_certificate: self.wrong_certificate.get(),
            wrong_cluster: self.wrong_cluster.get(),
            wrong_node: self.wrong_node.get(),
            wrong_version: self.wrong_version.get(),
            not_admitted: self.not_admitted.get(),
            bad_checksum: self.bad_checksum.get(),
            timed_out: self.timed_out.get(),
            requests: self.requests.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            over_limit: self.over_limit.get(),
        }
    }
}
