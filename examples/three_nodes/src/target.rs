//! Whoever is called back: it takes its time, says yes and keeps a list.

use crate::http::Result;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// How long an answer takes, so that some are always missing when a node dies.
pub(crate) const ANSWER: Duration = Duration::from_millis(150);

/// A callback that came.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) at: Instant,
    pub(crate) task: String,
    pub(crate) run: String,
    pub(crate) attempt: u64,
    /// When it was to come, in unix seconds.
    pub(crate) scheduled: u64,
    /// Whether it came before that.
    pub(crate) is_early: bool,
}

/// Listens until the program ends.
#[derive(Debug)]
pub(crate) struct Target {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Target {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, calls) = (listener.local_addr()?, Arc::default());
        let kept = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Ok(Self { address, calls })
    }

    /// Where tasks call.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// All that came so far, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(stream: TcpStream, calls: Arc<Mutex<Vec<Call>>>) {
    let answer = service_fn(async |request: Request<Incoming>| {
        let call = read(request.headers());
        calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        sleep(ANSWER).await;
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    // A node that was killed has gone away; there is nobody left to tell.
    let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

fn read(headers: &HeaderMap<HeaderValue>) -> Call {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scheduled = text("xcron-scheduled-time").parse().unwrap_or(0);
    Call {
        at: Instant::now(),
        task: text("xcron-task-id").to_owned(),
        run: text("xcron-run-id").to_owned(),
        attempt: text("xcron-attempt").parse().unwrap_or(0),
        scheduled,
        is_early: crate::unix_millis() < u128::from(scheduled) * 1_000,
    }
}
