//! A crowd: clients that each create one task after another, and come back when they are told to.

use crate::client::micros;
use crate::fault::Result;
use crate::wire::{self, Reply, Wire};
use crate::work;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long a client waits for a connection, and for an answer: longer than the server may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a client whose connection broke waits before it opens another.
const PAUSE: Duration = Duration::from_secs(1);
/// In how many steps the clients come, so that they do not all come at one moment.
const ARRIVAL: Duration = Duration::from_secs(1);
/// By when they have come and were let in or turned away.
const SETTLED: Duration = Duration::from_secs(2);

/// What a crowd does.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// Whom it asks.
    pub api: SocketAddr,
    /// Whom its tasks call.
    pub sink: SocketAddr,
    /// How many clients it has.
    pub clients: usize,
    /// For how long it asks.
    pub time: Duration,
    /// How long after its request a task is due.
    pub due_in: Duration,
}

/// What a crowd was told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The tasks that were acknowledged, in no order.
    pub acknowledged: Vec<usize>,
    /// How long each acknowledgement took, in microseconds, in ascending order.
    pub latencies: Vec<u64>,
    /// Those of requests that were sent once all clients had come.
    pub settled: Vec<u64>,
    /// Refusals by status, and by the code and message in the envelope.
    pub refusals: BTreeMap<String, u64>,
    /// Refusals that did not say when to come back.
    pub without_retry_after: u64,
    /// Connections that could not be made, or ended before anything was answered.
    pub broken: u64,
    /// Tasks of which nobody has said whether they exist.
    pub open: Vec<usize>,
}

impl Told {
    /// How many requests were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refusals.values().sum()
    }

    /// Adds what another crowd was told.
    pub fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.latencies.extend(other.latencies);
        self.settled.extend(other.settled);
        for (refusal, times) in other.refusals {
            *self.refusals.entry(refusal).or_default() += times;
        }
        self.without_retry_after += other.without_retry_after;
        self.broken += other.broken;
        self.open.extend(other.open);
    }

    /// Notes a refusal, and answers whether it says that nothing was done.
    fn refuse(&mut self, reply: &Reply) -> bool {
        let envelope: serde_json::Value = serde_json::from_str(&reply.body).unwrap_or_default();
        let message = envelope["message"].as_str().unwrap_or("no message");
        let refusal = format!("{} {}: {message}", reply.status, envelope["code"]);
        *self.refusals.entry(refusal).or_default() += 1;
        self.without_retry_after += u64::from(reply.retry_after.is_none());
        envelope["data"]["effect"] == "none"
    }
}

impl Crowd {
    /// Asks until the time is over; task numbers begin with 0. A client that was refused comes
    /// back with the same task as soon as it may.
    ///
    /// # Errors
    /// When a client ends by a bug.
    pub async fn ask(self) -> Result<Told> {
        let (next, begun) = (Arc::new(AtomicUsize::new(0)), Instant::now());
        let mut clients = JoinSet::new();
        for client in 0..self.clients {
            let next = Arc::clone(&next);
            let arrives = ARRIVAL * u32::try_from(client)? / u32::try_from(self.clients)?;
            clients.spawn(async move {
                sleep(arrives).await;
                self.client(&next, begun).await
            });
        }
        let mut told = Told::default();
        while let Some(ended) = clients.join_next().await {
            told.add(ended??);
        }
        told.latencies.sort_unstable();
        told.settled.sort_unstable();
        Ok(told)
    }

    async fn client(self, next: &AtomicUsize, begun: Instant) -> Result<Told> {
        let number = || next.fetch_add(1, Ordering::Relaxed);
        let (mut told, mut idle, mut task) = (Told::default(), None, number());
        while begun.elapsed() < self.time {
            let opened = match idle.take() {
                Some(wire) => Some(wire),
                None => timeout(PATIENCE, Wire::open(self.api)).await.ok().and_then(Result::ok),
            };
            let Some(mut wire) = opened else {
                told.broken += 1;
                sleep(PAUSE).await;
                continue;
            };
            let (request, sent) = (self.request(task)?, Instant::now());
            let Ok(Ok(reply)) = timeout(PATIENCE, wire.send(&request)).await else {
                told.broken += 1;
                told.open.push(std::mem::replace(&mut task, number()));
                sleep(PAUSE).await;
                continue;
            };
            if !reply.closes {
                idle = Some(wire);
            }
            if reply.status == 200 {
                let took = micros(sent.elapsed());
                told.latencies.push(took);
                if sent.duration_since(begun) > SETTLED {
                    told.settled.push(took);
                }
                told.acknowledged.push(std::mem::replace(&mut task, number()));
                continue;
            }
            if !told.refuse(&reply) {
                told.open.push(std::mem::replace(&mut task, number()));
            }
            sleep(reply.retry_after.unwrap_or(PAUSE)).await;
        }
        Ok(told)
    }

    /// The request that creates task `number`, due some time from now.
    fn request(&self, number: usize) -> Result<Vec<u8>> {
        let due_secs = (crate::wall::now_micros() / 1_000_000) + self.due_in.as_secs();
        let url = format!("http://{}/callback", self.sink);
        let body = work::create_task_body(&url, number, due_secs)?;
        Ok(wire::post(self.api, "/xcron/createTask", &body))
    }
}
