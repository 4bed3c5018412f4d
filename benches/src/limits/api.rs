//! The API limit: a bare hyper server that parses the same request and answers a constant.

use crate::client::{self, Tally};
use crate::fault::Result;
use crate::work::{self, CreateTask};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// What it always answers: of the form and size of the real answer.
const ANSWER: &str = "{\"uuid\":\"01930000-0000-7000-8000-000000000000\",\"code\":0,\
    \"data\":{\"task_id\":\"load-1234567\"}}";

/// A running bare server, with a runtime of its own as the real one has.
#[derive(Debug)]
pub struct ApiLimit {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl ApiLimit {
    /// Starts it on a free port of the loopback address.
    ///
    /// # Errors
    /// When there is none.
    pub fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.spawn(async move {
            if let Ok(listener) = TcpListener::from_std(listener) {
                serve(listener).await;
            }
        });
        Ok(Self { address, runtime: Some(runtime) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Creates tasks for `time` that this server forgets.
    ///
    /// # Errors
    /// When a connection breaks.
    pub async fn measure(&self, sink: SocketAddr, due_secs: u64, time: Duration) -> Result<Tally> {
        let address = self.address;
        let make = move |number| work::create_task(address, sink, number, due_secs);
        client::load(address, 0..usize::MAX, time, make).await
    }
}

impl Drop for ApiLimit {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        // Without it answers would wait for acknowledgements; a failure only makes it slower.
        let _slower = stream.set_nodelay(true);
        tokio::spawn(async move {
            let answer = service_fn(answer);
            // Whoever called has gone away; there is nobody left to tell.
            let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    let task: CreateTask = serde_json::from_slice(&body)?;
    let good = task.kind == 2 && !task.task_id.is_empty();
    let status = if good { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let answer = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    Ok(answer.body(Full::new(Bytes::from_static(ANSWER.as_bytes())))?)
}
