//! P10: how long creates take while a snapshot of many tasks is built, against the same without.
//!
//! A snapshot is built when enough log was written since the last one, so tasks with long bodies
//! are created and deleted again until it begins; then that stops, and what is measured is a
//! steady stream of creates beside nothing but the snapshot.

use super::{Populated, REST};
use crate::batch;
use crate::client::{Connection, Tally};
use crate::fault::Result;
use crate::figures::Bench;
use crate::report::{Figure, Round};
use crate::server::Server;
use crate::sink::Sink;
use crate::statistics::{median, percentile};
use crate::stream::Stream;
use crate::{wall, work};
use serde_json::json;
use std::time::{Duration, Instant};

/// How many creates there are a second.
const CREATES_PER_SECOND: u32 = 1_000;
/// How long a body is that is created only to fill the log; the most is 65,536.
const LONG_BODY_BYTES: usize = 60_000;
/// How many of them are created by one request.
const LONG_BATCH: usize = 100;
/// How long a snapshot may take to begin, and again to be written.
const BEGIN_MAX: Duration = Duration::from_secs(600);
const WRITE_MAX: Duration = Duration::from_secs(600);
/// How long creates go on when it is written: the log that it takes the place of is removed then.
const AFTERWARDS: Duration = Duration::from_millis(500);
/// How often it is looked whether a snapshot is being written.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Where the numbers of tasks begin that are measured, for each stream of them again: the last ones
/// of a stream may be created without being counted.
const MEASURED: usize = 100_000_000_000;
/// How many numbers a stream has.
const EACH_STREAM: usize = 100_000_000;
/// Where the numbers begin of those that fill the log.
const LONG: usize = 200_000_000_000;
const DAY_SECS: u64 = 86_400;

/// Measures it in alternating rounds.
pub(super) async fn measure(bench: &Bench, populated: &Populated) -> Result<Figure> {
    let what = "create latency p99.9 in microseconds while a snapshot is built, against without";
    let mut figure = Figure::new("P10", what, "2 at most").against("with", "without");
    let (server, sink) = (&populated.server, Sink::start(0)?);
    let (mut seconds, mut worst, mut samples) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..bench.options.rounds() {
        let first = MEASURED + 2 * round * EACH_STREAM;
        let stream = creates(server, &sink, first).await?;
        tokio::time::sleep(bench.options.idle_time()).await;
        let without = stream.finish().await?.whole()?;
        begin(server).await?;
        let begun = Instant::now();
        let stream = creates(server, &sink, first + EACH_STREAM).await?;
        written(server).await?;
        seconds.push(begun.elapsed().as_secs_f64());
        tokio::time::sleep(AFTERWARDS).await;
        let with = stream.finish().await?.whole()?;
        let tail = |tally: &Tally| percentile(&tally.latencies, 0.999) as f64;
        figure.rounds.push(Round::new(tail(&with), tail(&without)));
        worst.push(percentile(&with.latencies, 1.0) as f64);
        samples.push(with.done as f64);
        tokio::time::sleep(REST).await;
    }
    figure.note("pending tasks", json!(populated.tasks));
    figure.note("creates/s", json!(CREATES_PER_SECOND));
    figure.note("creates while a snapshot was built, median", median(&samples));
    figure.note("slowest of them, microseconds, median", median(&worst));
    figure.note("seconds to write a snapshot, median", median(&seconds));
    figure.note("bytes of a snapshot", json!(bytes(server)?));
    Ok(figure)
}

async fn creates(server: &Server, sink: &Sink, first: usize) -> Result<Stream> {
    let (api, target) = (server.api(), sink.address());
    let due_secs = wall::now_micros() / 1_000_000 + DAY_SECS;
    let make = move |n| work::create_task(api, target, first + n, due_secs);
    Stream::start(api, CREATES_PER_SECOND, make).await
}

/// Fills the log until the server begins to write a snapshot; as many tasks are there as before.
pub(super) async fn begin(server: &Server) -> Result<()> {
    let (api, begun) = (server.api(), Instant::now());
    let mut connection = Connection::open(api).await?;
    let body = "x".repeat(LONG_BODY_BYTES);
    let due_secs = wall::now_micros() / 1_000_000 + DAY_SECS;
    let task = |number| {
        let mut task = work::one_shot("http://127.0.0.1:9000/", number, due_secs);
        task.callback.body.clone_from(&body);
        task
    };
    let mut tally = Tally::default();
    while !server.writes_snapshot() {
        if begun.elapsed() > BEGIN_MAX {
            return Err("no snapshot was begun in time".into());
        }
        let numbers = LONG..LONG + LONG_BATCH;
        let tasks = numbers.clone().map(task).collect();
        batch::create_batch(&mut connection, api, tasks, &mut tally).await?;
        batch::delete_batch(&mut connection, api, numbers, &mut tally).await?;
    }
    tally.whole().map(drop)
}

/// Waits until the server writes no snapshot.
pub(super) async fn written(server: &Server) -> Result<()> {
    let begun = Instant::now();
    while server.writes_snapshot() {
        if begun.elapsed() > WRITE_MAX {
            return Err("a snapshot was not written in time".into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// The length of the newest snapshot.
pub(super) fn bytes(server: &Server) -> Result<u64> {
    let path = server.snapshot()?.ok_or("there is no snapshot")?;
    Ok(std::fs::metadata(path)?.len())
}
