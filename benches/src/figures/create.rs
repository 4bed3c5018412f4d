//! P2: acknowledged durable creates per second, one task a request, over 64 connections.

use super::Bench;
use crate::client::{self, CONNECTIONS, Tally};
use crate::fault::Result;
use crate::limits::api::ApiLimit;
use crate::limits::log;
use crate::report::{Figure, Round};
use crate::server::Server;
use crate::sink::Sink;
use crate::statistics::{median, percentile};
use crate::{wall, work};
use serde_json::json;
use std::time::Duration;

/// The bytes that a log is taken to need for one create, where the log limit is taken.
const CREATE_BYTES: usize = 256;

const DAY_SECS: u64 = 86_400;

/// Measures it in alternating rounds.
///
/// # Errors
/// When the server fails or refuses a create.
pub async fn measure(bench: &Bench) -> Result<Figure> {
    let time = bench.options.round_time();
    let sink = Sink::start(0)?;
    let server = bench.server().await?;
    let api_limit = ApiLimit::start()?;
    let due_secs = wall::now_micros() / 1_000_000 + DAY_SECS;
    let mut figure = Figure::new("P2", "acknowledged durable createTask/s", "0.50, goal 0.70");
    let mut number = 0;
    let (mut median_latencies, mut tail_latencies, mut appends) = (vec![], vec![], vec![]);
    for _ in 0..bench.options.rounds() {
        let created = create(&server, &sink, number, due_secs, time).await?;
        number += 1_000_000_000;
        let limit = api_limit.measure(sink.address(), due_secs, time).await?;
        let log = log::measure(bench.within(), CONNECTIONS * CREATE_BYTES, time / 3)?;
        figure.rounds.push(Round::new(created.rate(), limit.rate()));
        median_latencies.push(percentile(&created.latencies, 0.5) as f64);
        tail_latencies.push(percentile(&created.latencies, 0.99) as f64);
        appends.push(log.appends_per_second);
    }
    figure.note("connections", json!(CONNECTIONS));
    figure.note("latency p50 in microseconds, median", median(&median_latencies));
    figure.note("latency p99 in microseconds, median", median(&tail_latencies));
    let bytes = CONNECTIONS * CREATE_BYTES;
    let what = format!("log limit: durable appends of {bytes} bytes/s, median");
    figure.note(&what, median(&appends));
    let bound = median(&appends) * CONNECTIONS as f64;
    figure.note("log limit times connections: creates/s if each append held all", bound);
    figure.note("resident bytes of the server at the end", json!(server.resident_bytes()));
    figure.note("bytes in the server's directory at the end", json!(server.bytes_on_disk()?));
    Ok(figure)
}

/// Creates over [`CONNECTIONS`] connections, one task a request, for `time`.
pub(super) async fn create(
    server: &Server,
    sink: &Sink,
    first: usize,
    due_secs: u64,
    time: Duration,
) -> Result<Tally> {
    let (api, target) = (server.api(), sink.address());
    let make = move |number| work::create_task(api, target, number, due_secs);
    client::load(api, first..usize::MAX, time, make).await?.whole()
}
