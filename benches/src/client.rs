//! Keep-alive connections that each post the next request as soon as the last is answered.

use crate::fault::Result;
use crate::work::Post;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How many connections every load uses.
pub const CONNECTIONS: usize = 64;

/// The most bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 4_194_304;

/// One keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects to `address`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        // Its failure shows in the next request.
        tokio::spawn(async move { drop(driver.await) });
        Ok(Self { sender })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is absurdly large.
    pub async fn send(&mut self, request: Post) -> Result<(StatusCode, Bytes)> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = http_body_util::Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
        Ok((status, body.collect().await?.to_bytes()))
    }

    /// The answer to a `GET` of `path`.
    ///
    /// # Errors
    /// As with [`send`](Self::send).
    pub async fn get(&mut self, host: SocketAddr, path: &str) -> Result<(StatusCode, Bytes)> {
        let request = Request::get(path).header(hyper::header::HOST, host.to_string());
        self.send(request.body(Full::default())?).await
    }
}

/// What a load came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests answered with 200.
    pub done: u64,
    /// Requests answered with anything else.
    pub refused: u64,
    /// The first answer that was not 200.
    pub first_refusal: Option<String>,
    /// From the first request to the last answer.
    pub took: Duration,
    /// How long each answer took, in microseconds, in ascending order.
    pub latencies: Vec<u64>,
}

impl Tally {
    /// Requests done per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// All of it, if nothing was refused.
    ///
    /// # Errors
    /// When anything was, with what was answered first.
    pub fn whole(self) -> Result<Self> {
        match self.first_refusal {
            Some(refusal) => {
                Err(format!("{} requests were refused: {refusal}", self.refused).into())
            }
            None => Ok(self),
        }
    }

    /// Notes what a request was answered with after `took`.
    pub(crate) fn note(&mut self, took: Duration, status: StatusCode, body: &[u8]) {
        self.latencies.push(micros(took));
        if status == StatusCode::OK {
            self.done += 1;
        } else {
            self.refused += 1;
            let answer = || format!("{status}: {}", String::from_utf8_lossy(body));
            self.first_refusal.get_or_insert_with(answer);
        }
    }

    /// What all connections have come to since `begun`, once each of them has ended.
    ///
    /// # Errors
    /// When one of them broke.
    pub(crate) async fn of_all(
        mut connections: JoinSet<Result<Self>>,
        begun: Instant,
    ) -> Result<Self> {
        let mut total = Self::default();
        while let Some(ended) = connections.join_next().await {
            let Self { done, refused, first_refusal, latencies, .. } = ended??;
            total.done += done;
            total.refused += refused;
            total.first_refusal = total.first_refusal.or(first_refusal);
            total.latencies.extend(latencies);
        }
        total.took = begun.elapsed();
        total.latencies.sort_unstable();
        Ok(total)
    }
}

/// Posts `make(n)` for each `n` in `numbers` to `address` over [`CONNECTIONS`] connections until
/// they run out or `time_max` is over.
///
/// # Errors
/// When a connection breaks.
pub async fn load(
    address: SocketAddr,
    numbers: Range<usize>,
    time_max: Duration,
    make: impl Fn(usize) -> Result<Post> + Send + Sync + 'static,
) -> Result<Tally> {
    load_over(CONNECTIONS, address, numbers, time_max, make).await
}

/// The same over so many `connections`.
///
/// # Errors
/// When a connection breaks.
pub async fn load_over(
    connections: usize,
    address: SocketAddr,
    numbers: Range<usize>,
    time_max: Duration,
    make: impl Fn(usize) -> Result<Post> + Send + Sync + 'static,
) -> Result<Tally> {
    let (next, make) = (Arc::new(AtomicUsize::new(numbers.start)), Arc::new(make));
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let begun = Instant::now();
    let mut posting = JoinSet::new();
    for mut connection in opened {
        let (next, make) = (Arc::clone(&next), Arc::clone(&make));
        posting.spawn(async move {
            let mut tally = Tally::default();
            while begun.elapsed() < time_max {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    break;
                }
                let request = make(number)?;
                let sent = Instant::now();
                let (status, body) = connection.send(request).await?;
                tally.note(sent.elapsed(), status, &body);
            }
            Ok(tally)
        });
    }
    Tally::of_all(posting, begun).await
}

/// A duration as latencies are kept.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
