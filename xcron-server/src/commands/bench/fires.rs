//! Callbacks that are all due in the same second.

use super::super::failure::Failure;
use super::super::progress::Progress;
use super::report::Spread;
use super::sink::Sink;
use super::{Target, stopped};
use crate::drill::moment::{SECOND, now};
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use xcron_http::client::{ItemResult, NewTask};

/// How many tasks are created with one call.
const BATCH: usize = 1_000;
/// Tasks in batches are created faster than one by one, at least so many a second; beside that
/// they have this much time before they are due.
const SLOWEST: f64 = 200.0;
const HEAD_START: f64 = 3.0;
/// How long nothing may come before it is not waited for any longer.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long a callback too many has to show itself.
const WATCH: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(20);

/// How firing went.
#[derive(Debug, Serialize)]
pub(super) struct Fires {
    /// How many tasks were called back.
    count: u64,
    /// How many of them more than once.
    repeated: u64,
    per_second: f64,
    lateness_ms: Spread,
}

impl Fires {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn repeated(&self) -> u64 {
        self.repeated
    }

    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    pub(super) fn lateness_ms(&self) -> Spread {
        self.lateness_ms
    }
}

/// Creates `count` one-shots that call `sink` in the same second, and waits for them.
/// `per_second` can be created, as far as is known.
pub(super) async fn measure(
    target: &Target,
    sink: &Sink,
    count: u32,
    per_second: f64,
) -> Result<Fires, Failure> {
    let lead = f64::from(count) / per_second.max(SLOWEST) + HEAD_START;
    let due = now() / SECOND + lead.ceil() as i64;
    create(target, sink, count, due).await?;
    if now() >= due * SECOND {
        let why = "the tasks were created too slowly to be due together: lower --tasks";
        return Err(Failure::Failed(why.to_owned()));
    }
    wait(target, sink, count, due).await?;
    let came = sink.came();
    let last = came.iter().map(|came| came.at).max().unwrap_or_default();
    let took = (last - due * SECOND).max(1) as f64 / SECOND as f64;
    let late = came.iter().map(|came| Duration::from_micros((came.at - came.due).max(0) as u64));
    Ok(Fires {
        count: came.len() as u64,
        repeated: came.iter().filter(|came| came.times > 1).count() as u64,
        per_second: (came.len() as f64 / took).round(),
        lateness_ms: Spread::of(late.collect()),
    })
}

async fn create(target: &Target, sink: &Sink, count: u32, due: i64) -> Result<(), Failure> {
    let (client, url) = (target.client()?, sink.url());
    let task = |number: u32| target.task(&format!("due-{number}"), due, &url);
    let tasks: Vec<NewTask> = (0..count).map(task).collect();
    let mut progress = Progress::begin("creating what is due together");
    for (batch, done) in tasks.chunks(BATCH).zip(0..) {
        if target.is_stopped() {
            return Err(stopped());
        }
        progress.items(done * BATCH, tasks.len());
        for result in client.create_tasks(batch).await? {
            if let ItemResult::Refused { message, .. } = result {
                return Err(Failure::Failed(format!("a task was refused: {message}")));
            }
        }
    }
    Ok(())
}

/// Until all have come, or none comes any more.
async fn wait(target: &Target, sink: &Sink, count: u32, due: i64) -> Result<(), Failure> {
    let mut progress = Progress::begin("called back");
    let until_due = Duration::from_micros((due * SECOND - now()).max(0) as u64);
    let (mut came, mut changed) = (0, Instant::now() + until_due);
    while came < count as usize {
        sleep(LOOK).await;
        progress.items(came, count as usize);
        let seen = sink.count();
        if target.is_stopped() {
            return Err(stopped());
        }
        if seen > came {
            (came, changed) = (seen, Instant::now());
        }
        if Instant::now().duration_since(changed) > SILENCE_MAX {
            let reached = "can the server reach this machine? see --callback-host";
            let why = format!("only {came} of {count} callbacks came: {reached}");
            return Err(Failure::Failed(why));
        }
    }
    sleep(WATCH).await;
    Ok(())
}
