//! P9: how long a server that was killed takes to be ready, against reading its snapshot.

use super::{Populated, snapshot};
use crate::fault::Result;
use crate::figures::Bench;
use crate::limits::load;
use crate::report::{Figure, Round};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long it may take.
const READY_MAX: Duration = Duration::from_secs(900);

/// Measures it in alternating rounds: the limit is taken while the server is down.
pub(super) async fn measure(bench: &Bench, populated: &mut Populated) -> Result<Figure> {
    let what = "milliseconds from kill -9 and restart to ready, against reading the snapshot";
    let mut figure = Figure::new("P9", what, "2.5 at most").against("ready", "load limit");
    if populated.server.snapshot()?.is_none() {
        snapshot::begin(&populated.server).await?;
    }
    snapshot::written(&populated.server).await?;
    let server = &mut populated.server;
    let tasks = server.metric("xcron_tasks", "state=\"active\"").await?;
    for _ in 0..bench.options.rounds() {
        server.kill().await?;
        let limit = load::measure(&server.snapshot()?.ok_or("there is no snapshot")?)?;
        let begun = Instant::now();
        server.restart().await?;
        server.ready(READY_MAX).await?;
        let ready = begun.elapsed();
        figure.rounds.push(Round::new(millis(ready), millis(limit.took)));
        let found = server.metric("xcron_tasks", "state=\"active\"").await?;
        if found != tasks {
            return Err(format!("{found} tasks were there after a restart, not {tasks}").into());
        }
    }
    figure.note("pending tasks", json!(populated.tasks));
    figure.note("tasks after each restart, as before it", tasks);
    figure.note("bytes of the snapshot", json!(snapshot::bytes(&populated.server)?));
    figure.note("resident bytes after the last restart", json!(populated.server.resident_bytes()));
    Ok(figure)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
