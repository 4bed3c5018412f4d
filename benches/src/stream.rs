//! A steady stream of requests: so many a second, whether or not the last one was answered.
//!
//! A client that waits for its answer sends least while answers take longest, and then hardly
//! notices. Here a request that could not be sent in time is as late as it should have been sent.

use crate::client::{Connection, Tally};
use crate::fault::Result;
use crate::work::Post;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many connections share the stream, so that a slow answer holds up few others.
const CONNECTIONS: usize = 16;

/// A stream that runs beside whatever is measured with it.
#[derive(Debug)]
pub struct Stream {
    end: watch::Sender<bool>,
    sending: JoinSet<Result<Tally>>,
    begun: Instant,
}

impl Stream {
    /// Sends `make(0)`, `make(1)` and so on to `address`, `per_second` of them.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn start(
        address: SocketAddr,
        per_second: u32,
        make: impl Fn(usize) -> Result<Post> + Send + Sync + 'static,
    ) -> Result<Self> {
        let make = Arc::new(make);
        let (end, ended) = watch::channel(false);
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(address).await?);
        }
        let (mut sending, begun) = (JoinSet::new(), Instant::now());
        for (first, mut connection) in connections.into_iter().enumerate() {
            let (make, ended) = (Arc::clone(&make), ended.clone());
            sending.spawn(async move {
                let mut tally = Tally::default();
                for number in (first..).step_by(CONNECTIONS) {
                    let after = Duration::from_secs(1) * u32::try_from(number)? / per_second;
                    let planned = begun + after;
                    let early = planned.saturating_duration_since(Instant::now());
                    sleep(early).await;
                    if *ended.borrow() {
                        break;
                    }
                    // A timer that rings late is not the server's fault.
                    let since = if early.is_zero() { planned } else { Instant::now() };
                    let (status, body) = connection.send(make(number)?).await?;
                    tally.note(since.elapsed(), status, &body);
                }
                Ok(tally)
            });
        }
        Ok(Self { end, sending, begun })
    }

    /// Ends it and answers with what it came to.
    ///
    /// # Errors
    /// When a connection broke meanwhile.
    pub async fn finish(self) -> Result<Tally> {
        // Nobody listens any more when all of them have failed.
        let _failed = self.end.send(true);
        Tally::of_all(self.sending, self.begun).await
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;
    use crate::limits::api::ApiLimit;
    use crate::work;
    use std::time::Duration;

    #[tokio::test]
    async fn a_stream_keeps_its_pace() {
        let api = ApiLimit::start().expect("a bare server");
        let address = api.address();
        let make = move |number| work::create_task(address, address, number, 1_800_000_000);
        let stream = Stream::start(address, 200, make).await.expect("a stream");
        tokio::time::sleep(Duration::from_millis(500)).await;
        let tally = stream.finish().await.expect("answers").whole().expect("no refusal");
        // 101 are due by then; how late a busy machine wakes is not judged.
        assert!((1..=200).contains(&tally.done), "{}", tally.done);
        assert_eq!(tally.latencies.len() as u64, tally.done);
    }
}
