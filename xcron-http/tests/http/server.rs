//! A server over a memory store, and a client that sends whatever bytes it is told to.

use crate::clusters::Scripted;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use xcron_core::{Dispatcher, MemoryStore, Scheduler, Store};
use xcron_http::{
    Access, ApiSettings, Cluster, DispatchSettings, HttpDispatcher, Metrics, Port, Server,
    ServerSettings, api_router,
};

/// Nothing in these tests takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A running server.
pub(crate) struct TestServer {
    pub(crate) addr: SocketAddr,
    pub(crate) scheduler: Scheduler,
    pub(crate) metrics: Metrics,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

/// Deadlines that tests can wait for.
pub(crate) fn quick() -> ServerSettings {
    ServerSettings {
        silence_max: Duration::from_millis(300),
        head_max: Duration::from_millis(300),
        idle_max: Duration::from_millis(600),
        body_max: Duration::from_millis(300),
        body_bytes_max: 65_536,
        drain: Duration::from_millis(500),
        ..ServerSettings::default()
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(Arc::new(MemoryStore::new()), quick()).await
    }

    pub(crate) async fn with(store: Arc<dyn Store>, settings: ServerSettings) -> Self {
        let dispatcher = HttpDispatcher::new(DispatchSettings::default()).unwrap();
        Self::dispatching(store, Arc::new(dispatcher), settings).await
    }

    pub(crate) async fn dispatching(
        store: Arc<dyn Store>,
        dispatcher: Arc<dyn Dispatcher>,
        settings: ServerSettings,
    ) -> Self {
        Self::clustered(store, dispatcher, settings, Some(Arc::new(Scripted::sound()))).await
    }

    pub(crate) async fn clustered(
        store: Arc<dyn Store>,
        dispatcher: Arc<dyn Dispatcher>,
        settings: ServerSettings,
        cluster: Option<Arc<dyn Cluster>>,
    ) -> Self {
        Self::guarded(store, dispatcher, settings, cluster, Access::open()).await
    }

    pub(crate) async fn guarded(
        store: Arc<dyn Store>,
        dispatcher: Arc<dyn Dispatcher>,
        settings: ServerSettings,
        cluster: Option<Arc<dyn Cluster>>,
        access: Access,
    ) -> Self {
        let metrics = Metrics::new();
        let scheduler = Scheduler::builder(store, dispatcher).observer(metrics.observer()).build();
        metrics.watch_scheduler(scheduler.clone());
        let api = ApiSettings::default();
        let router = api_router(scheduler.clone(), api, settings, &metrics, cluster, access);
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::listen(Port::take(any).unwrap(), router, settings).unwrap();
        let addr = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server.run(async move {
            let _dropped = stopped.await;
        }));
        Self { addr, scheduler, metrics, stop: Some(stop), served }
    }

    /// Stops the server and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.take();
        timeout(PATIENCE, self.served).await.unwrap().unwrap();
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        timeout(PATIENCE, TcpStream::connect(self.addr)).await.unwrap().unwrap()
    }

    /// Sends `bytes`, keeps the socket open, and returns everything until the server closes it.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A server that refuses early may close before it has read everything.
        let _cut_off = stream.write_all(bytes).await;
        read_to_end(&mut stream).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn request(&self, head: &str, body: &str) -> Reply {
        let length = body.len();
        let bytes = format!(
            "{head}\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        Reply::read(&self.exchange(bytes.as_bytes()).await)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.request(&format!("GET {path} HTTP/1.1"), "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.request(&format!("POST {path} HTTP/1.1"), &body.to_string()).await
    }

    pub(crate) async fn create(&self, body: &Value) -> Reply {
        self.post("/xcron/createTask", body).await
    }

    /// The server still does its work.
    pub(crate) async fn assert_serves(&self, after: &str) {
        let reply = self.get("/healthz").await;
        assert_eq!((reply.status, reply.code()), (200, 0), "after {after}");
    }
}

/// Everything until the other side closes.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset ends a connection as well; what came before it counts.
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    assert!(read.is_ok(), "the connection was held open: {}", String::from_utf8_lossy(&bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Reply {
    /// The first answer in `text`.
    pub(crate) fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            text: body.to_owned(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&prefix))
    }

    /// The code of the envelope, which must be complete.
    pub(crate) fn code(&self) -> u64 {
        let fields: Vec<&String> = self
            .body
            .as_object()
            .unwrap_or_else(|| {
                panic!("no envelope: {self:?}");
            })
            .keys()
            .collect();
        let code = self.body["code"].as_u64().unwrap();
        let expected: &[&str] = if code == 0 {
            &["code", "data", "uuid"]
        } else {
            &["code", "data", "message", "uuid"]
        };
        assert_eq!(fields, expected, "{self:?}");
        assert_eq!(self.header("x-request-id"), self.body["uuid"].as_str(), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        code
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }
}

/// A one-shot far away, which nothing is wrong with.
pub(crate) fn sound() -> Value {
    json!({"type": 2, "format": "4102444800", "callback": {"url": "http://127.0.0.1:9/"}})
}

/// The same with `field` (`a.b` for one inside `a`) set to `value`.
pub(crate) fn sound_but(field: &str, value: Value) -> Value {
    let mut body = sound();
    let mut target = &mut body;
    for part in field.split('.') {
        target = &mut target[part];
    }
    *target = value;
    body
}
