//! Whoever is called back: it notes when, and says yes.

use super::super::failure::Failure;
use crate::drill::moment::{Micros, SECOND, now};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The callbacks of one task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came {
    /// When the first of them was due, and came.
    pub(super) due: Micros,
    pub(super) at: Micros,
    /// How many came.
    pub(super) times: u64,
}

/// What came, by task.
#[derive(Clone, Debug, Default)]
struct Calls(Arc<Mutex<BTreeMap<String, Came>>>);

impl Calls {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Came>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, headers: &HeaderMap) {
        let at = now();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let due = text("xcron-scheduled-time").and_then(|due| due.parse::<i64>().ok());
        if let (Some(task), Some(due)) = (text("xcron-task-id"), due) {
            let first = Came { due: due.saturating_mul(SECOND), at, times: 0 };
            self.all().entry(task.to_owned()).or_insert(first).times += 1;
        }
    }
}

/// A target that listens until it is dropped.
#[derive(Debug)]
pub(super) struct Sink {
    address: SocketAddr,
    calls: Calls,
    _accepting: JoinSet<()>,
}

impl Sink {
    /// Listens at an address of this machine.
    pub(super) async fn start(host: IpAddr) -> Result<Self, Failure> {
        let bound = async {
            let listener = TcpListener::bind((host, 0)).await?;
            Ok::<_, std::io::Error>((listener.local_addr()?, listener))
        };
        let (address, listener) = bound.await.map_err(|error| {
            let expected = "expected an address of this machine";
            Failure::Usage(format!("--callback-host is {host}: {error}, {expected}"))
        })?;
        let (mut accepting, calls) = (JoinSet::new(), Calls::default());
        accepting.spawn(accept(listener, calls.clone()));
        Ok(Self { address, calls, _accepting: accepting })
    }

    /// Where it is called.
    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many tasks have called.
    pub(super) fn count(&self) -> usize {
        self.calls.all().len()
    }

    /// What came, one for each task.
    pub(super) fn came(&self) -> Vec<Came> {
        self.calls.all().values().copied().collect()
    }
}

async fn accept(listener: TcpListener, calls: Calls) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, calls.clone()));
            }
        }
    }
}

async fn serve(stream: TcpStream, calls: Calls) {
    let answer = service_fn(async |request: Request<Incoming>| {
        calls.note(request.headers());
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    // A caller that has gone needs no answer.
    let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}
