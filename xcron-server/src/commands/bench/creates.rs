//! Creates, one by one, by as many connections as are asked for.

use super::super::failure::{Failure, told};
use super::super::progress::Progress;
use super::Target;
use super::report::Spread;
use super::sink::Sink;
use crate::drill::moment::{SECOND, now};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use xcron_http::client::{Client, ClientError, NewTask};

/// The most tasks that are created, however fast the server is.
const CREATED_MAX: u64 = 1_000_000;
/// When they would be due: not before all is over and they are deleted.
const DUE_SECONDS: i64 = 86_400;
/// What a server says that has too much to do, and how long it is left alone then.
const OVERLOADED: u16 = 1_429;
const PAUSE: Duration = Duration::from_millis(100);
/// How often the progress is shown.
const LOOK: Duration = Duration::from_millis(100);

/// How creating went.
#[derive(Debug, Serialize)]
pub(super) struct Creates {
    /// How many were acknowledged.
    count: u64,
    /// How many were refused because the server had too much to do.
    overloaded: u64,
    per_second: f64,
    latency_ms: Spread,
}

impl Creates {
    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn overloaded(&self) -> u64 {
        self.overloaded
    }

    pub(super) fn latency_ms(&self) -> Spread {
        self.latency_ms
    }
}

/// What one connection did.
#[derive(Debug, Default)]
struct Share {
    latencies: Vec<Duration>,
    overloaded: u64,
}

/// Creates tasks for so long, which call `sink` on another day if nobody deletes them.
pub(super) async fn measure(
    target: &Target,
    sink: &Sink,
    connections: u16,
    length: Duration,
) -> Result<Creates, Failure> {
    let task = target.task("", now() / SECOND + DUE_SECONDS, &sink.url());
    let (begun, created) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let until = begun + length;
    let mut shares = JoinSet::new();
    for _ in 0..connections {
        let client = target.client()?;
        let stops = Arc::clone(&target.stops);
        shares.spawn(create(client, task.clone(), Arc::clone(&created), until, stops));
    }
    let mut progress = Progress::begin("creating, of so many seconds");
    let (mut all, mut failed) = (Share::default(), None);
    let seconds = length.as_secs() as usize;
    loop {
        tokio::select! {
            biased;
            share = shares.join_next() => {
                let Some(share) = share else { break };
                let share = share.map_err(|error| Failure::Failed(error.to_string()))?;
                match share {
                    Ok(share) => {
                        all.latencies.extend(share.latencies);
                        all.overloaded += share.overloaded;
                    }
                    // The others end first, with what they have on its way.
                    Err(error) => {
                        target.stop();
                        failed = failed.or(Some(error));
                    }
                }
            }
            () = sleep(LOOK) => progress.items(begun.elapsed().as_secs() as usize, seconds),
        }
    }
    if let Some(error) = failed {
        return Err(Failure::Failed(told(&error)));
    }
    let count = all.latencies.len() as u64;
    let per_second = (count as f64 / begun.elapsed().as_secs_f64()).round();
    if count == 0 {
        return Err(Failure::Failed("not one task was created in that time".to_owned()));
    }
    let latency_ms = Spread::of(all.latencies);
    Ok(Creates { count, overloaded: all.overloaded, per_second, latency_ms })
}

/// Creates one task after the other.
async fn create(
    client: Client,
    mut task: NewTask,
    created: Arc<AtomicU64>,
    until: Instant,
    stops: Arc<AtomicBool>,
) -> Result<Share, ClientError> {
    let mut share = Share::default();
    let prefix = task.task_id.take().unwrap_or_default();
    while Instant::now() < until && !stops.load(Ordering::Acquire) {
        let number = created.fetch_add(1, Ordering::Relaxed);
        if number >= CREATED_MAX {
            break;
        }
        task.task_id = Some(format!("{prefix}{number}"));
        let asked = Instant::now();
        match client.create_task(&task).await {
            Ok(_id) => share.latencies.push(asked.elapsed()),
            Err(ClientError::Refused(refused)) if refused.code == OVERLOADED => {
                share.overloaded += 1;
                sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(share)
}
