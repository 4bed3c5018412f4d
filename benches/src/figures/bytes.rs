//! P4: the bytes that the log grows by for a create and for a fire, beyond the callback's own.

use super::fire::Bursts;
use super::{Bench, create_all};
use crate::client;
use crate::fault::Result;
use crate::report::{Figure, Round};
use crate::server::Server;
use crate::sink::Sink;
use crate::statistics::median;
use crate::work::CALLBACK_BODY;
use crate::{wall, work};
use serde_json::json;
use std::time::Duration;

/// How many tasks are created by one client that waits for each.
const ALONE: usize = 500;
/// How long they may take.
const ALONE_MAX: Duration = Duration::from_secs(120);

const DAY_SECS: u64 = 86_400;

/// Measures both: creates over 64 connections, and fires of one-shots that are due together.
///
/// # Errors
/// When the server fails, or does not say how long its log is.
pub async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let (rounds, tasks) = (bench.options.rounds(), bench.options.burst());
    let what = "bytes of log for a create, beyond the callback's own";
    let mut created = Figure::new("P4", what, "200 at most").against("bytes", "");
    let what = "bytes of log for a fire, claim and settlement";
    let mut fired = Figure::new("P4", what, "120 at most").against("bytes", "");
    let sink = Sink::start(rounds * tasks)?;
    let url = format!("http://{}/callback", sink.address());
    let own = (url.len() + CALLBACK_BODY.len()) as f64;
    let mut alone = Vec::new();
    let mut bursts = Bursts::default();
    for round in 0..rounds {
        let server = bench.server().await?;
        let later = wall::now_micros() / 1_000_000 + DAY_SECS;
        // Numbers as long as those of the tasks that fire, which the ledger does not know.
        let first = rounds * tasks;
        let before = log_bytes(&server).await?;
        create_all(&server, &sink, first..first + tasks, move |_| later).await?;
        let many = log_bytes(&server).await?;
        let (api, target, first) = (server.api(), sink.address(), first + tasks);
        let make = move |number| work::create_task(api, target, number, later);
        client::load_over(1, api, first..first + ALONE, ALONE_MAX, make).await?.whole()?;
        let one = log_bytes(&server).await?;
        created.rounds.push(Round::alone((many - before) / tasks as f64 - own));
        alone.push((one - many) / ALONE as f64 - own);
        let burst = bursts.create(&server, &sink, round * tasks..(round + 1) * tasks).await?;
        let before = log_bytes(&server).await?;
        burst.fire(&server, &sink).await?;
        let after = log_bytes(&server).await?;
        fired.rounds.push(Round::alone((after - before) / tasks as f64));
    }
    created.note("tasks created over 64 connections", json!(tasks));
    created.note("bytes of each callback's own, URL and body", own);
    created.note("bytes of each task's id", json!(work::task_id(rounds * tasks).len()));
    created.note("bytes for a create, one client that waits for each, median", median(&alone));
    fired.note("one-shots due together", json!(tasks));
    Ok(vec![created, fired])
}

/// How many bytes the server has written to its log.
async fn log_bytes(server: &Server) -> Result<f64> {
    let bytes = server.metric("xcron_raft_log_bytes_total", "").await?;
    if bytes == 0.0 {
        return Err("the server does not say how many bytes it writes to its log".into());
    }
    Ok(bytes)
}
