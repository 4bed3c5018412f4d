//! P3: acknowledged durable creates per second in batches, against one task a request.

use super::Bench;
use super::create::create;
use crate::batch::{self, BATCH};
use crate::client;
use crate::fault::Result;
use crate::report::{Figure, Round};
use crate::sink::Sink;
use crate::statistics::{median, percentile};
use crate::{wall, work};
use serde_json::json;

const DAY_SECS: u64 = 86_400;

/// Measures it in alternating rounds.
///
/// # Errors
/// When the server fails or refuses a create.
pub async fn measure(bench: &Bench) -> Result<Figure> {
    let time = bench.options.round_time();
    let sink = Sink::start(0)?;
    let server = bench.server().await?;
    let due_secs = wall::now_micros() / 1_000_000 + DAY_SECS;
    let what = "tasks/s acknowledged and durable by createTasks of 1,000, against createTask";
    let mut figure = Figure::new("P3", what, "10, or 200,000 tasks/s");
    figure = figure.against("in batches", "one by one");
    let url = format!("http://{}/callback", sink.address());
    let (mut number, mut rates, mut latencies) = (0, Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds() {
        let url = url.clone();
        let make = move |number| work::one_shot(&url, number, due_secs);
        let batched = batch::create(server.api(), number..usize::MAX, time, make).await?.whole()?;
        number += 1_000_000_000;
        let single = create(&server, &sink, number, due_secs, time).await?;
        number += 1_000_000_000;
        figure.rounds.push(Round::new(batched.rate(), single.rate()));
        rates.push(batched.rate());
        latencies.push(percentile(&batched.latencies, 0.99) as f64);
    }
    figure.note("tasks in a batch", json!(BATCH));
    figure.note("connections for batches", json!(batch::CONNECTIONS));
    figure.note("connections one by one", json!(client::CONNECTIONS));
    figure.note("tasks/s in batches, median", median(&rates));
    figure.note("latency of a batch, p99 in microseconds, median", median(&latencies));
    figure.note("resident bytes of the server at the end", json!(server.resident_bytes()));
    Ok(figure)
}
