//! P1: fired and settled callbacks per second, with many one-shots due at one moment.

use super::{Bench, await_callbacks, create_all};
use crate::fault::Result;
use crate::limits::dispatch;
use crate::report::{Figure, Round};
use crate::server::Server;
use crate::sink::Sink;
use crate::statistics::median;
use crate::wall;
use serde_json::json;
use std::time::{Duration, Instant};

/// How long the due tasks may take to be fired, and again to be settled.
const DRAIN_MAX: Duration = Duration::from_secs(120);
/// How long a second callback of a task is waited for.
const REPEAT_WAIT: Duration = Duration::from_millis(500);
/// What creating is expected to reach at least, until it is known.
const CREATES_PER_SECOND_MIN: f64 = 1_500.0;

const MICROS_PER_SEC: u64 = 1_000_000;

/// One burst.
struct Burst {
    /// Callbacks per second, from the first one received to the last.
    fired: f64,
    /// The same from the due instant to the last callback.
    fired_from_due: f64,
    /// Tasks per second, from the first callback to the moment all were counted as succeeded.
    settled: f64,
    created: f64,
}

/// Measures it in alternating rounds.
///
/// # Errors
/// When the server fails, or a callback is lost, repeated or early.
pub async fn measure(bench: &Bench) -> Result<Figure> {
    let (rounds, tasks) = (bench.options.rounds(), bench.options.tasks());
    let sink = Sink::start(rounds * tasks)?;
    let server = bench.server().await?;
    let mut figure = Figure::new("P1", "fired and settled callbacks/s", "0.45, goal 0.65");
    let mut creates_per_second = CREATES_PER_SECOND_MIN;
    let (mut settled, mut from_due) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let burst = burst(&server, &sink, round * tasks, tasks, creates_per_second).await?;
        creates_per_second = (burst.created * 0.7).max(CREATES_PER_SECOND_MIN);
        let limit = dispatch::measure(&sink, bench.options.round_time()).await?;
        // What counts is the slower of the two: a callback is done when its result is durable.
        figure.rounds.push(Round::new(burst.fired.min(burst.settled), limit.rate()));
        settled.push(burst.settled);
        from_due.push(burst.fired_from_due);
    }
    let fired = figure.rounds.iter().map(|round| round.xcron).collect::<Vec<_>>();
    figure.note("one-shots due together", json!(tasks));
    figure.note("fired/s, first to last callback (or settled/s if slower), median", median(&fired));
    figure.note("fired/s, due instant to last callback, median", median(&from_due));
    figure.note("settled/s, first callback to last success counted, median", median(&settled));
    figure.note("fired exactly once", json!(rounds * tasks));
    figure.note("fired early, twice or not at all", 0);
    figure.note("resident bytes of the server at the end", json!(server.resident_bytes()));
    Ok(figure)
}

async fn burst(
    server: &Server,
    sink: &Sink,
    first: usize,
    tasks: usize,
    creates_per_second: f64,
) -> Result<Burst> {
    let numbers = first..first + tasks;
    let needed = tasks as f64 / creates_per_second;
    let due_secs = wall::now_micros() / MICROS_PER_SEC + 2 + needed.ceil() as u64;
    let due_at = due_secs * MICROS_PER_SEC;
    let (received, succeeded) = (sink.ledger().received(), succeeded(server).await?);
    let created = create_all(server, sink, numbers.clone(), move |_| due_secs).await?;
    if wall::now_micros() + MICROS_PER_SEC / 4 > due_at {
        return Err("the tasks were due before all of them were created, use fewer".into());
    }
    wall::sleep_until(due_at).await;
    await_callbacks(sink.ledger(), received + tasks as u64, DRAIN_MAX).await;
    let settled_at = await_succeeded(server, succeeded + tasks as f64).await?;
    tokio::time::sleep(REPEAT_WAIT).await;
    let account = sink.ledger().account(numbers, |_| due_at);
    if account.once != tasks as u64 || account.early != 0 {
        return Err(format!("not each of {tasks} tasks fired once and on time: {account:?}").into());
    }
    let per_second = |from: u64, to: u64| {
        tasks as f64 * MICROS_PER_SEC as f64 / to.saturating_sub(from).max(1) as f64
    };
    Ok(Burst {
        fired: per_second(account.first_at, account.last_at),
        fired_from_due: per_second(due_at, account.last_at),
        settled: per_second(account.first_at, settled_at),
        created: created.rate(),
    })
}

async fn succeeded(server: &Server) -> Result<f64> {
    server.metric("xcron_fired_total", "result=\"succeeded\"").await
}

/// When the server had counted `wanted` successes.
async fn await_succeeded(server: &Server, wanted: f64) -> Result<u64> {
    let begun = Instant::now();
    loop {
        let counted = succeeded(server).await?;
        if counted >= wanted {
            return Ok(wall::now_micros());
        }
        if begun.elapsed() > DRAIN_MAX {
            return Err(format!("{counted} of {wanted} runs were settled in time").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
