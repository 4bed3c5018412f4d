//! P6: eight o'clock: a million one-shots due in one second, on one node.
//!
//! A round has a server of its own. It fires a burst as P1 has it first, which is what the rush is
//! measured against, and then all of the rush, while somebody asks for tasks.

use super::Bench;
use super::drain::{Before, Drained};
use super::fire::Bursts;
use crate::batch;
use crate::fault::Result;
use crate::report::{Figure, Round};
use crate::server::Server;
use crate::sink::Sink;
use crate::statistics::{median, percentile};
use crate::stream::Stream;
use crate::timeline::Timeline;
use crate::watch::{self, Watch};
use crate::{wall, work};
use serde_json::json;
use std::ops::Range;
use std::time::Duration;

/// What creating in batches is expected to reach at least.
const CREATES_PER_SECOND_MIN: usize = 15_000;
/// What firing is expected to reach at least.
const FIRES_PER_SECOND_MIN: usize = 2_000;
/// How often somebody asks for a task.
const QUERIES_PER_SECOND: u32 = 200;

const MICROS_PER_SEC: u64 = 1_000_000;

/// What one rush came to.
struct Rush {
    drained: Drained,
    created: f64,
    /// The 99th percentile of the latency of queries meanwhile, in microseconds.
    query_tail: u64,
    queries: u64,
    resident_before: u64,
    resident_max: u64,
    timeline: Timeline,
}

/// Measures it in alternating rounds.
///
/// # Errors
/// When the server fails, or a callback is lost, repeated or early.
pub async fn measure(bench: &Bench) -> Result<Figure> {
    let (burst, rush) = (bench.options.burst(), bench.options.rush());
    let what = "fired and settled callbacks/s with a million due in one second, against P1's";
    let mut figure = Figure::new("P6", what, "0.9").against("rush", "P1");
    let mut seen = Vec::new();
    let mut bursts = Bursts::default();
    for _ in 0..bench.options.rounds() {
        let sink = Sink::start(burst + rush)?;
        let server = bench.server().await?;
        let plain = bursts.fire(&server, &sink, 0..burst).await?;
        let rush = fire(&server, &sink, burst..burst + rush).await?;
        figure.rounds.push(Round::new(rush.drained.rate(), plain.rate()));
        seen.push(rush);
    }
    let of = |what: fn(&Rush) -> f64| median(&seen.iter().map(what).collect::<Vec<_>>());
    figure.note("one-shots due in one second", json!(rush));
    figure.note("one-shots due together for P1", json!(burst));
    figure.note("tasks/s created in batches, median", of(|rush| rush.created));
    figure.note("fired/s, due instant to last callback, median", of(|r| r.drained.fired_from_due));
    figure.note("queryTask p99 in microseconds meanwhile (50,000 at most), median", {
        of(|rush| rush.query_tail as f64)
    });
    figure.note("queryTask meanwhile", of(|rush| rush.queries as f64));
    figure.note("resident bytes before, median", of(|rush| rush.resident_before as f64));
    figure.note("resident bytes meanwhile, at most, median", of(|rush| rush.resident_max as f64));
    figure.note("the same in hundredths of those before (120 at most), median", {
        of(|rush| rush.resident_max as f64 / rush.resident_before as f64 * 100.0)
    });
    figure.timeline = seen.pop().map(|rush| rush.timeline);
    figure.note("fired exactly once", json!(rush * bench.options.rounds()));
    figure.note("fired early, twice or not at all", 0);
    Ok(figure)
}

/// Creates the tasks `numbers` in batches and waits until all are fired and settled.
async fn fire(server: &Server, sink: &Sink, numbers: Range<usize>) -> Result<Rush> {
    let tasks = numbers.len();
    let creating = (tasks / CREATES_PER_SECOND_MIN) as u64;
    let due_secs = wall::now_micros() / MICROS_PER_SEC + 3 + creating;
    let due_at = due_secs * MICROS_PER_SEC;
    let before = Before::of(server, sink).await?;
    let url = format!("http://{}/callback", sink.address());
    let make = move |number| work::one_shot(&url, number, due_secs);
    let time_max = Duration::from_secs(2 + creating);
    let created = batch::create(server.api(), numbers.clone(), time_max, make).await?.whole()?;
    if created.done != tasks as u64 || wall::now_micros() + MICROS_PER_SEC / 4 > due_at {
        return Err("the tasks were due before all of them were created, use fewer".into());
    }
    wall::sleep_until(due_at - MICROS_PER_SEC / 4).await;
    let process = server.process()?;
    let resident_before = process.resident_bytes()?;
    let (api, first) = (server.api(), numbers.start);
    wall::sleep_until(due_at).await;
    // A prime step visits tasks in all stages of the rush.
    let ask = move |n: usize| work::query_task(api, first + n * 7_919 % tasks);
    let queries = Stream::start(api, QUERIES_PER_SECOND, ask).await?;
    let time_max = Duration::from_secs((10 + tasks / FIRES_PER_SECOND_MIN) as u64);
    let watch = Watch::start(process);
    let drained = before.drained(server, sink, numbers.clone(), due_at, time_max).await?;
    let seen = watch.seen();
    drop(watch);
    let resident_max = watch::most(&seen).max(resident_before);
    let timeline = Timeline::of(sink.ledger(), numbers, |_| due_at, due_at, &seen);
    let queries = queries.finish().await?.whole()?;
    let query_tail = percentile(&queries.latencies, 0.99);
    let (created, queries) = (created.rate(), queries.done);
    Ok(Rush { drained, created, query_tail, queries, resident_before, resident_max, timeline })
}
