//! P15: how late callbacks are while as many others go to targets that never answer.

use super::{Bench, await_callbacks, create_tasks};
use crate::fault::Result;
use crate::hole::{HoleKind, Holes};
use crate::report::{Figure, Round};
use crate::server::Launch;
use crate::sink::Sink;
use crate::statistics::{median, percentile};
use crate::{wall, work};
use serde_json::json;
use std::time::Duration;

/// The runs due at each whole second whose targets answer, and as many again whose do not.
const PER_SECOND: usize = 500;
/// How long the last second's callbacks may take.
const DRAIN_MAX: Duration = Duration::from_secs(60);

const MICROS_PER_SEC: u64 = 1_000_000;

/// How late the runs were whose targets answer, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Late {
    median: u64,
    tail: u64,
    worst: u64,
}

/// Measures it for each kind of black hole, in alternating rounds with and without them.
///
/// # Errors
/// When a server fails, or a callback is lost, repeated or early.
pub async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for kind in HoleKind::ALL {
        figures.push(measure_one(bench, kind).await?);
    }
    Ok(figures)
}

async fn measure_one(bench: &Bench, kind: HoleKind) -> Result<Figure> {
    let mut figure = Figure::new("P15", what(kind), "1.5 at most").against("with", "without");
    let mut seen = [Vec::new(), Vec::new()];
    for _ in 0..bench.options.rounds() {
        let without = lateness(bench, None).await?;
        let holes = Holes::dig(kind).await?;
        let with = lateness(bench, Some(holes)).await?;
        figure.rounds.push(Round::new(with.tail as f64, without.tail as f64));
        seen[0].push(with);
        seen[1].push(without);
    }
    for (which, seen) in ["with", "without"].into_iter().zip(&seen) {
        let of = |what: fn(&Late) -> u64| {
            median(&seen.iter().map(|late| what(late) as f64).collect::<Vec<_>>())
        };
        figure
            .note(&format!("p50 {which} them, microseconds late, median"), of(|late| late.median));
        figure.note(&format!("p99 {which} them, microseconds late, median"), of(|late| late.tail));
        figure.note(&format!("latest {which} them, microseconds late, median"), of(|l| l.worst));
    }
    let runs = bench.options.seconds() * PER_SECOND;
    figure.note("due at each whole second of a round, and as many to holes", json!(PER_SECOND));
    figure.note("fired exactly once", json!(2 * bench.options.rounds() * runs));
    figure.note("fired early, twice or not at all", 0);
    Ok(figure)
}

const fn what(kind: HoleKind) -> &'static str {
    match kind {
        HoleKind::OneHost => {
            "p99 lateness in microseconds beside as many runs to one host that never answers"
        }
        HoleKind::ManyHosts => {
            "p99 lateness in microseconds beside as many runs to 200 hosts that never answer"
        }
        HoleKind::NoConnection => {
            "p99 lateness in microseconds beside as many runs to a host that takes no connection"
        }
        HoleKind::ManyNames => {
            "p99 lateness in microseconds beside as many runs to 200 names that are never found"
        }
    }
}

/// One round on a server of its own: no round inherits what another has put off. Task numbers
/// alternate between targets that answer, by address and by name, and `holes`.
async fn lateness(bench: &Bench, holes: Option<Holes>) -> Result<Late> {
    let seconds = bench.options.seconds();
    let tasks = 2 * seconds * PER_SECOND;
    let sink = Sink::start(tasks)?;
    let launch = Launch { resolver: holes.as_ref().and_then(Holes::resolver), ..Launch::default() };
    let server = bench.launch(launch).await?;
    let start_secs = wall::now_micros() / MICROS_PER_SEC + 3 + (tasks / 2_000) as u64;
    let due_secs = move |n: usize| start_secs + (n / (2 * PER_SECOND)) as u64;
    let due_at = move |n: usize| due_secs(n) * MICROS_PER_SEC;
    let port = sink.address().port();
    let host = |n: usize| if n.is_multiple_of(4) { "127.0.0.1" } else { "localhost" };
    let answers = (0..tasks).step_by(2).map(|n| (n, format!("http://{}:{port}/callback", host(n))));
    let mut wanted: Vec<(usize, String)> = answers.collect();
    if let Some(holes) = &holes {
        wanted.extend((1..tasks).step_by(2).map(|n| (n, holes.url(n / 2))));
        wanted.sort_unstable();
    }
    let api = server.api();
    let made = wanted.len();
    let make = move |i: usize| {
        let (number, url) = &wanted[i];
        work::create_task_at(api, url, *number, due_secs(*number))
    };
    create_tasks(&server, 0..made, make).await?;
    if wall::now_micros() > due_at(0) {
        return Err("the tasks were due before all of them were created".into());
    }
    wall::sleep_until(due_at(tasks - 1)).await;
    let answering = (tasks / 2) as u64;
    await_callbacks(sink.ledger(), answering, DRAIN_MAX).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let account = sink.ledger().account((0..tasks).step_by(2), due_at);
    if account.once != answering || account.early != 0 {
        return Err(format!("not each of {answering} fired once and on time: {account:?}").into());
    }
    let late = sink.ledger().lateness((0..tasks).step_by(2), due_at);
    let at = |quantile| percentile(&late, quantile);
    Ok(Late { median: at(0.5), tail: at(0.99), worst: at(1.0) })
}
