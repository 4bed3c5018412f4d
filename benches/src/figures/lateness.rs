//! P5: how late callbacks are with 1,000 runs due at each whole second.

use super::{Bench, await_callbacks, create_all};
use crate::fault::Result;
use crate::limits::dispatch;
use crate::report::{Figure, Round};
use crate::sink::Sink;
use crate::statistics::{median, percentile};
use crate::timeline::Timeline;
use crate::wall;
use crate::watch::Watch;
use serde_json::json;
use std::time::Duration;

/// The runs due at each whole second.
const PER_SECOND: usize = 1_000;
/// How long the last second's callbacks may take.
const DRAIN_MAX: Duration = Duration::from_secs(60);

const MICROS_PER_SEC: u64 = 1_000_000;

/// Measures it in alternating rounds: xcron's 99th percentile, in microseconds, against the time
/// the bare loop takes for as many posts.
///
/// # Errors
/// When the server fails, or a callback is lost, repeated or early.
pub async fn measure(bench: &Bench) -> Result<Figure> {
    let (rounds, seconds) = (bench.options.rounds(), bench.options.seconds());
    let tasks = seconds * PER_SECOND;
    let sink = Sink::start(rounds * tasks)?;
    let server = bench.server().await?;
    let what = "lateness p99 in microseconds, against the limit's time for 1,000 posts";
    let mut figure = Figure::new("P5", what, "first 2 ms, p50 15 ms, p99 40 ms at most");
    let (mut firsts, mut medians, mut tails, mut bare) = (vec![], vec![], vec![], vec![]);
    for round in 0..rounds {
        let first = round * tasks;
        let numbers = first..first + tasks;
        let start_secs = wall::now_micros() / MICROS_PER_SEC + 3 + (tasks / 2_000) as u64;
        let due_secs = move |n: usize| start_secs + ((n - first) / PER_SECOND) as u64;
        let due_at = move |n: usize| due_secs(n) * MICROS_PER_SEC;
        let received = sink.ledger().received();
        create_all(&server, &sink, numbers.clone(), due_secs).await?;
        if wall::now_micros() > due_at(first) {
            return Err("the tasks were due before all of them were created".into());
        }
        let watch = Watch::start(server.process()?);
        wall::sleep_until(due_at(first + tasks - 1)).await;
        await_callbacks(sink.ledger(), received + tasks as u64, DRAIN_MAX).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let account = sink.ledger().account(numbers.clone(), due_at);
        if account.once != tasks as u64 || account.early != 0 {
            return Err(format!("not each of {tasks} fired once and on time: {account:?}").into());
        }
        let (ledger, seen, from) = (sink.ledger(), watch.seen(), due_at(first));
        drop(watch);
        figure.timeline = Some(Timeline::of(ledger, numbers.clone(), due_at, from, &seen));
        let late = sink.ledger().lateness(numbers.clone(), due_at);
        for second in 0..seconds {
            let from = first + second * PER_SECOND;
            let of_second = sink.ledger().lateness(from..from + PER_SECOND, due_at);
            firsts.push(percentile(&of_second, 0.0) as f64);
        }
        medians.push(percentile(&late, 0.5) as f64);
        tails.push(percentile(&late, 0.99) as f64);
        let limit = dispatch::measure(&sink, bench.options.round_time()).await?;
        let bare_micros = PER_SECOND as f64 * MICROS_PER_SEC as f64 / limit.rate();
        figure.rounds.push(Round::new(percentile(&late, 0.99) as f64, bare_micros));
        bare.push(bare_micros);
    }
    figure.note("whole seconds in each round", json!(seconds));
    figure.note("first callback of a second, microseconds late, median", median(&firsts));
    figure.note("p50, microseconds late, median of rounds", median(&medians));
    figure.note("p99, microseconds late, median of rounds", median(&tails));
    let bound = 1.5 * median(&bare) + 5_000.0;
    figure.note("p99 to stay below: 1.5 x the limit's time + 5 ms", bound);
    figure.note("fired exactly once", json!(rounds * tasks));
    figure.note("fired early, twice or not at all", 0);
    Ok(figure)
}
