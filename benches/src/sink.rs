//! The target of the callbacks: bare hyper, keep-alive, on a thread of its own.

use crate::fault::Result;
use crate::ledger::Ledger;
use crate::peers::arrivals::Arrivals;
use crate::work::number_of;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

/// A running sink; it ends with the process.
#[derive(Clone, Debug)]
pub struct Sink {
    address: SocketAddr,
    ledger: Arc<Ledger>,
    answers_after_ms: Arc<AtomicU64>,
}

impl Sink {
    /// Starts a sink that keeps a ledger of `tasks_max` tasks.
    ///
    /// # Errors
    /// When no port of the loopback address can be had.
    pub fn start(tasks_max: usize) -> Result<Self> {
        Self::start_noting(tasks_max, None)
    }

    /// The same, which also notes each callback in `arrivals`.
    ///
    /// # Errors
    /// When no port of the loopback address can be had.
    pub fn start_noting(tasks_max: usize, arrivals: Option<Arc<Arrivals>>) -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let ledger = Arc::new(Ledger::new(tasks_max));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answers_after_ms = Arc::<AtomicU64>::default();
        let kept = Arc::new(Kept { ledger: Arc::clone(&ledger), arrivals });
        let delay = Arc::clone(&answers_after_ms);
        std::thread::Builder::new().name("sink".into()).spawn(move || {
            runtime.block_on(async move {
                if let Ok(listener) = TcpListener::from_std(listener) {
                    serve(listener, kept, delay).await;
                }
            });
        })?;
        Ok(Self { address, ledger, answers_after_ms })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers every callback so long after it came, from now on.
    pub fn answer_after(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.answers_after_ms.store(millis, Ordering::Relaxed);
    }

    /// What it received.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// Where callbacks are noted.
struct Kept {
    ledger: Arc<Ledger>,
    arrivals: Option<Arc<Arrivals>>,
}

impl Kept {
    /// The callback `request` came just now.
    fn note(&self, request: &Request<Incoming>) {
        let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
        let task = header("xcron-task-id").and_then(number_of).unwrap_or(usize::MAX);
        self.ledger.record(task);
        if let Some(arrivals) = &self.arrivals {
            arrivals.note(task, || header("xcron-scheduled-time"));
        }
    }
}

async fn serve(listener: TcpListener, kept: Arc<Kept>, delay: Arc<AtomicU64>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Without it answers would wait for acknowledgements; a failure only makes it slower.
        let _slower = stream.set_nodelay(true);
        let (kept, delay) = (Arc::clone(&kept), Arc::clone(&delay));
        tokio::spawn(async move {
            let delay = || Duration::from_millis(delay.load(Ordering::Relaxed));
            let answer = service_fn(move |request| receive(request, Arc::clone(&kept), delay()));
            // Whoever called has gone away; there is nobody left to tell.
            let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn receive(
    request: Request<Incoming>,
    kept: Arc<Kept>,
    delay: Duration,
) -> std::result::Result<Response<Empty<Bytes>>, Infallible> {
    kept.note(&request);
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    Ok(Response::new(Empty::new()))
}
