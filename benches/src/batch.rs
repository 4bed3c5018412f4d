//! Batches: many tasks created or deleted by one request.

use crate::client::{Connection, Tally, micros};
use crate::fault::Result;
use crate::work::{self, CreateTask};
use bytes::Bytes;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How many tasks a batch holds.
pub const BATCH: usize = 1_000;
/// How many connections send batches: while one of them is written the next is read.
pub const CONNECTIONS: usize = 8;

#[derive(Serialize)]
struct CreateTasks {
    tasks: Vec<CreateTask>,
}

#[derive(Serialize)]
struct DeleteTasks {
    task_ids: Vec<String>,
}

/// What a batch is answered.
#[derive(Deserialize)]
struct Envelope {
    data: Results,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<ItemResult>,
}

/// What one item of it came to; a refusal has a message.
#[derive(Deserialize)]
struct ItemResult {
    message: Option<String>,
}

/// Creates `make(n)` for each `n` in `numbers`, [`BATCH`] a request over [`CONNECTIONS`]
/// connections, until they run out or `time_max` is over. The tally counts tasks, and has the
/// latency of each batch.
///
/// # Errors
/// When a connection breaks.
pub async fn create(
    api: SocketAddr,
    numbers: Range<usize>,
    time_max: Duration,
    make: impl Fn(usize) -> CreateTask + Send + Sync + 'static,
) -> Result<Tally> {
    let (next, make) = (Arc::new(AtomicUsize::new(numbers.start)), Arc::new(make));
    let begun = Instant::now();
    let mut posting = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (next, make, mut connection) =
            (Arc::clone(&next), Arc::clone(&make), Connection::open(api).await?);
        posting.spawn(async move {
            let mut tally = Tally::default();
            while begun.elapsed() < time_max {
                let first = next.fetch_add(BATCH, Ordering::Relaxed);
                if first >= numbers.end {
                    break;
                }
                let batch = first..numbers.end.min(first.saturating_add(BATCH));
                create_batch(&mut connection, api, batch.map(&*make).collect(), &mut tally).await?;
            }
            Ok(tally)
        });
    }
    Tally::of_all(posting, begun).await
}

/// Creates all of `tasks` by one request.
///
/// # Errors
/// When the connection breaks.
pub async fn create_batch(
    connection: &mut Connection,
    api: SocketAddr,
    tasks: Vec<CreateTask>,
    tally: &mut Tally,
) -> Result<()> {
    let wanted = tasks.len();
    let body = serde_json::to_vec(&CreateTasks { tasks })?;
    send(connection, work::post(api, "/xcron/createTasks", body)?, wanted, tally).await
}

/// Deletes the tasks `numbers` by one request.
///
/// # Errors
/// When the connection breaks.
pub async fn delete_batch(
    connection: &mut Connection,
    api: SocketAddr,
    numbers: Range<usize>,
    tally: &mut Tally,
) -> Result<()> {
    let wanted = numbers.len();
    let body = serde_json::to_vec(&DeleteTasks { task_ids: numbers.map(work::task_id).collect() })?;
    send(connection, work::post(api, "/xcron/deleteTasks", body)?, wanted, tally).await
}

async fn send(
    connection: &mut Connection,
    request: work::Post,
    wanted: usize,
    tally: &mut Tally,
) -> Result<()> {
    let sent = Instant::now();
    let (status, body) = connection.send(request).await?;
    tally.latencies.push(micros(sent.elapsed()));
    let (refused, why) = match status {
        StatusCode::OK => refused(&body, wanted)?,
        _ => (wanted, format!("{status}: {}", String::from_utf8_lossy(&body))),
    };
    tally.done += (wanted - refused) as u64;
    tally.refused += refused as u64;
    if refused > 0 {
        tally.first_refusal.get_or_insert(why);
    }
    Ok(())
}

/// How many of `wanted` items were refused, and why the first one was.
fn refused(body: &Bytes, wanted: usize) -> Result<(usize, String)> {
    let results = serde_json::from_slice::<Envelope>(body)?.data.results;
    if results.len() != wanted {
        return Err(format!("{} results of a batch of {wanted}", results.len()).into());
    }
    let messages: Vec<String> = results.into_iter().filter_map(|result| result.message).collect();
    let refused = messages.len();
    Ok((refused, messages.into_iter().next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn what_a_batch_refuses_is_counted() {
        let answer = |results: &str| format!("{{\"code\":0,\"data\":{{\"results\":[{results}]}}}}");
        let (good, bad) = ("{\"task_id\":\"a\"}", "{\"code\":1001,\"message\":\"never\"}");
        let cases = [
            (good.to_owned(), 1, (0, String::new())),
            ([good, bad, bad].join(","), 3, (2, "never".to_owned())),
        ];
        for (results, wanted, expected) in cases {
            let found = refused(&answer(&results).into(), wanted).expect("results");
            assert_eq!(found, expected, "{results}");
        }
        assert!(refused(&answer(good).into(), 2).is_err(), "one result is missing");
    }
}
