//! The peers: what each needs, how it is set up, and what has to be known to compare it.

/// A scheduler that can be had from public packages.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its name, which is also that of the folder of its adapter.
    pub name: &'static str,
    /// What its adapter is written for.
    pub runtime: Runtime,
    /// The service that it stands on.
    pub service: Option<Service>,
    /// The creates per second that it is expected to reach at least, until it is known.
    pub creates_per_second_min: f64,
    /// The most one-shots that are due together, of those that are asked for.
    pub tasks_max: u32,
    /// How far the instants are apart for which it can have crons.
    pub period_secs: u64,
    /// How it is set up.
    pub settings: &'static str,
    /// What it does not keep or do as others do.
    pub differs: &'static str,
}

/// What an adapter is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Node.js; packages come from npm.
    Node,
    /// Python 3; packages come from PyPI.
    Python,
    /// Rust; packages come from crates.io.
    Rust,
}

/// A service that a peer stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// PostgreSQL, of the machine.
    Postgres,
    /// Redis, of the machine.
    Redis,
    /// Restate's server, of the adapter's packages.
    Restate,
    /// Dkron's server, of the machine or by Go.
    Dkron,
}

/// Every peer that has an adapter.
pub const PEERS: [Peer; 6] = [
    Peer {
        name: "graphile-worker",
        runtime: Runtime::Node,
        service: Some(Service::Postgres),
        creates_per_second_min: 5_000.0,
        tasks_max: u32::MAX,
        period_secs: 60,
        settings: "PostgreSQL as installed (fsync, synchronous_commit and full_page_writes on), \
            concurrency 128, local queue 1,000, poll every 100 ms, completions together for up to \
            250 ms, ANALYZE after the one-shots were added; one-shots added 1,000 a call",
        differs: "durable; its crons know minutes",
    },
    Peer {
        name: "bullmq",
        runtime: Runtime::Node,
        service: Some(Service::Redis),
        creates_per_second_min: 2_000.0,
        tasks_max: u32::MAX,
        period_secs: 1,
        settings: "Redis with appendonly yes, appendfsync always and no snapshots; one worker, \
            concurrency 256, ended jobs removed; one-shots added 1,000 a call",
        differs: "durable; the next run of a cron is added when the last one begins, so that one \
            which falls behind skips seconds, counted as lost",
    },
    Peer {
        name: "restate",
        runtime: Runtime::Node,
        service: Some(Service::Restate),
        creates_per_second_min: 1_000.0,
        tasks_max: u32::MAX,
        period_secs: 1,
        settings: "one server with 4 partitions, else its defaults (its log is synced); a service \
            of the JavaScript SDK without journal steps of its own; nothing retained; one-shots \
            created one a request, 64 at a time",
        differs: "durable; has no crons: an object sends itself the next tick, as its guide does; \
            no call for batches",
    },
    Peer {
        name: "apscheduler",
        runtime: Runtime::Python,
        service: None,
        creates_per_second_min: 250.0,
        tasks_max: u32::MAX,
        period_secs: 1,
        settings: "SQLAlchemy store on SQLite with journal_mode WAL and synchronous FULL, 20 \
            threads, no coalescing, no misfire limit; added while paused",
        differs: "durable store, but a run that has begun is forgotten by it; no call for batches",
    },
    Peer {
        name: "tokio-cron-scheduler",
        runtime: Runtime::Rust,
        service: None,
        creates_per_second_min: 10_000.0,
        tasks_max: u32::MAX,
        period_secs: 1,
        settings: "channel of 100,000 (with its default of 200 some of a burst are lost), 64 calls \
            at a time",
        differs: "in memory: nothing is kept; its runs do not say when they were due, so each is \
            taken for the newest second passed; no call for batches",
    },
    Peer {
        name: "dkron",
        runtime: Runtime::Node,
        service: Some(Service::Dkron),
        creates_per_second_min: 150.0,
        // It fires some hundreds a second.
        tasks_max: 2_000,
        period_secs: 1,
        settings: "one server with its defaults, no web pages; its HTTP executor calls the target",
        differs: "2,000 one-shots at most; durable definitions; its runs do not say when they \
            were due, so each is taken for the newest second passed; no call for batches",
    },
];

#[cfg(test)]
mod tests {
    use super::{PEERS, Runtime};
    use std::path::Path;

    #[test]
    fn every_peer_has_an_adapter_with_pinned_packages() {
        let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        for peer in PEERS {
            let files = match peer.runtime {
                Runtime::Node => ["adapter.js", "package-lock.json"],
                Runtime::Python => ["adapter.py", "requirements.txt"],
                Runtime::Rust => ["src/main.rs", "Cargo.lock"],
            };
            for file in files {
                assert!(folders.join(peer.name).join(file).is_file(), "{}: {file}", peer.name);
            }
        }
    }
}
