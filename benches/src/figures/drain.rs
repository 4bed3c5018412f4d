//! What is due together is fired and settled: how fast, and each once.

use super::await_callbacks;
use crate::fault::Result;
use crate::server::Server;
use crate::sink::Sink;
use crate::wall;
use std::ops::Range;
use std::time::{Duration, Instant};

/// How long a second callback of a task is waited for.
const REPEAT_WAIT: Duration = Duration::from_millis(500);

const MICROS_PER_SEC: u64 = 1_000_000;

/// What had been fired and settled before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    received: u64,
    succeeded: f64,
}

/// How fast it went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drained {
    /// Callbacks per second, from the first one received to the last.
    pub(super) fired: f64,
    /// The same from the due instant to the last callback.
    pub(super) fired_from_due: f64,
    /// Tasks per second, from the first callback to the moment all were counted as succeeded.
    pub(super) settled: f64,
}

impl Drained {
    /// What counts is the slower of the two: a callback is done when its result is durable.
    pub(super) fn rate(&self) -> f64 {
        self.fired.min(self.settled)
    }
}

impl Before {
    /// What `server` and `sink` have counted by now.
    pub(super) async fn of(server: &Server, sink: &Sink) -> Result<Self> {
        Ok(Self { received: sink.ledger().received(), succeeded: succeeded(server).await? })
    }

    /// Waits until the one-shots `numbers`, all due at `due_at`, are fired and settled, at most
    /// `time_max` for each of the two; nothing else may fire meanwhile.
    ///
    /// # Errors
    /// When one is lost, repeated or early, or it takes too long.
    pub(super) async fn drained(
        self,
        server: &Server,
        sink: &Sink,
        numbers: Range<usize>,
        due_at: u64,
        time_max: Duration,
    ) -> Result<Drained> {
        let tasks = numbers.len();
        wall::sleep_until(due_at).await;
        await_callbacks(sink.ledger(), self.received + tasks as u64, time_max).await;
        let settled_at = await_succeeded(server, self.succeeded + tasks as f64, time_max).await?;
        tokio::time::sleep(REPEAT_WAIT).await;
        let account = sink.ledger().account(numbers, |_| due_at);
        if account.once != tasks as u64 || account.early != 0 {
            let what = format!("not each of {tasks} tasks fired once and on time: {account:?}");
            return Err(what.into());
        }
        let per_second = |from: u64, to: u64| {
            tasks as f64 * MICROS_PER_SEC as f64 / to.saturating_sub(from).max(1) as f64
        };
        Ok(Drained {
            fired: per_second(account.first_at, account.last_at),
            fired_from_due: per_second(due_at, account.last_at),
            settled: per_second(account.first_at, settled_at),
        })
    }
}

async fn succeeded(server: &Server) -> Result<f64> {
    server.metric("xcron_fired_total", "result=\"succeeded\"").await
}

/// When the server had counted `wanted` successes.
async fn await_succeeded(server: &Server, wanted: f64, time_max: Duration) -> Result<u64> {
    let begun = Instant::now();
    loop {
        let counted = succeeded(server).await?;
        if counted >= wanted {
            return Ok(wall::now_micros());
        }
        if begun.elapsed() > time_max {
            return Err(format!("{counted} of {wanted} runs were settled in time").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
