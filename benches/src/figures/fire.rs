//! P1: fired and settled callbacks per second, with many one-shots due at one moment.

use super::drain::{Before, Drained};
use super::{Bench, create_all};
use crate::fault::Result;
use crate::limits::dispatch;
use crate::report::{Figure, Round};
use crate::server::Server;
use crate::sink::Sink;
use crate::statistics::median;
use crate::timeline::Timeline;
use crate::wall;
use crate::watch::Watch;
use serde_json::json;
use std::ops::Range;
use std::time::Duration;

/// How long the due tasks may take to be fired, and again to be settled.
const DRAIN_MAX: Duration = Duration::from_secs(120);
/// What creating is expected to reach at least, until it is known.
const CREATES_PER_SECOND_MIN: f64 = 1_500.0;

const MICROS_PER_SEC: u64 = 1_000_000;

/// One-shots that are due together, created and not due yet.
#[derive(Debug)]
pub(super) struct Burst {
    before: Before,
    numbers: Range<usize>,
    due_at: u64,
}

/// Measures it in alternating rounds.
///
/// # Errors
/// When the server fails, or a callback is lost, repeated or early.
pub async fn measure(bench: &Bench) -> Result<Figure> {
    let (rounds, tasks) = (bench.options.rounds(), bench.options.burst());
    let sink = Sink::start(rounds * tasks)?;
    let server = bench.server().await?;
    let mut figure = Figure::new("P1", "fired and settled callbacks/s", "0.45, goal 0.65");
    let mut bursts = Bursts::default();
    let (mut settled, mut from_due) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let numbers = round * tasks..(round + 1) * tasks;
        let burst = bursts.create(&server, &sink, numbers.clone()).await?;
        let due_at = burst.due_at;
        let watch = Watch::start(server.process()?);
        let drained = burst.fire(&server, &sink).await?;
        let (ledger, seen) = (sink.ledger(), watch.seen());
        drop(watch);
        figure.timeline = Some(Timeline::of(ledger, numbers, |_| due_at, due_at, &seen));
        let limit = dispatch::measure(&sink, bench.options.round_time()).await?;
        figure.rounds.push(Round::new(drained.rate(), limit.rate()));
        settled.push(drained.settled);
        from_due.push(drained.fired_from_due);
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

/// Bursts of one-shots that are due together, one after the other: each is due as soon as its
/// creation allows, by what that took before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bursts {
    creates_per_second: f64,
}

impl Default for Bursts {
    fn default() -> Self {
        Self { creates_per_second: CREATES_PER_SECOND_MIN }
    }
}

impl Bursts {
    /// Creates the tasks `numbers`, due soon.
    pub(super) async fn create(
        &mut self,
        server: &Server,
        sink: &Sink,
        numbers: Range<usize>,
    ) -> Result<Burst> {
        let needed = numbers.len() as f64 / self.creates_per_second;
        let due_secs = wall::now_micros() / MICROS_PER_SEC + 2 + needed.ceil() as u64;
        let due_at = due_secs * MICROS_PER_SEC;
        let before = Before::of(server, sink).await?;
        let created = create_all(server, sink, numbers.clone(), move |_| due_secs).await?;
        if wall::now_micros() + MICROS_PER_SEC / 4 > due_at {
            return Err("the tasks were due before all of them were created, use fewer".into());
        }
        self.creates_per_second = (created.rate() * 0.7).max(CREATES_PER_SECOND_MIN);
        Ok(Burst { before, numbers, due_at })
    }

    /// The same, and waits until all of them are fired and settled.
    pub(super) async fn fire(
        &mut self,
        server: &Server,
        sink: &Sink,
        numbers: Range<usize>,
    ) -> Result<Drained> {
        self.create(server, sink, numbers).await?.fire(server, sink).await
    }
}

impl Burst {
    /// Waits until all are fired and settled.
    pub(super) async fn fire(self, server: &Server, sink: &Sink) -> Result<Drained> {
        self.before.drained(server, sink, self.numbers, self.due_at, DRAIN_MAX).await
    }
}
