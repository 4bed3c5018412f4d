//! The target of callbacks: notes every call and answers as its path says.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A callback as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Milliseconds since the Unix epoch.
    pub(crate) at: u64,
    /// Who sent it.
    pub(crate) from: SocketAddr,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn task(&self) -> &str {
        self.header("xcron-task-id")
    }

    pub(crate) fn run(&self) -> &str {
        self.header("xcron-run-id")
    }

    /// Unix seconds.
    pub(crate) fn scheduled(&self) -> u64 {
        self.number("xcron-scheduled-time")
    }

    /// Which attempt of its run it is, from 1.
    pub(crate) fn attempt(&self) -> u64 {
        self.number("xcron-attempt")
    }

    pub(crate) fn fence(&self) -> u64 {
        self.number("xcron-fence")
    }

    fn number(&self, name: &str) -> u64 {
        self.header(name).parse().expect("a number in the header")
    }

    /// Nothing is ever sent before its due second.
    pub(crate) fn assert_not_early(&self) {
        assert!(self.at >= self.scheduled() * 1_000, "early: {self:?}");
    }
}

#[derive(Debug, Default)]
struct Seen {
    calls: Mutex<Vec<Call>>,
    answered: Mutex<u64>,
}

/// A running target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    address: SocketAddr,
    seen: Arc<Seen>,
    hold: Arc<watch::Sender<bool>>,
}

impl Target {
    pub(crate) async fn start() -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST).await
    }

    /// A target on another address of this machine.
    pub(crate) async fn start_at(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let hold = Arc::new(watch::Sender::new(true));
        let target = Self { address, seen, hold };
        let serving = target.clone();
        tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                let target = serving.clone();
                tokio::spawn(async move {
                    let answer = service_fn(move |request| target.clone().answer(from, request));
                    let connection = http1::Builder::new();
                    drop(connection.serve_connection(TokioIo::new(stream), answer).await);
                });
            }
        });
        target
    }

    /// Where calls are answered at once.
    pub(crate) fn prompt(&self) -> String {
        format!("http://{}/prompt", self.address)
    }

    /// Where calls are answered after so many milliseconds.
    pub(crate) fn slow(&self, millis: u64) -> String {
        format!("http://{}/slow/{millis}", self.address)
    }

    /// Where calls are answered only once [`let_go`](Self::let_go) was called.
    pub(crate) fn holding(&self) -> String {
        format!("http://{}/holding", self.address)
    }

    /// Where calls are answered with 500 until [`let_go`](Self::let_go) was called.
    pub(crate) fn failing(&self) -> String {
        format!("http://{}/failing", self.address)
    }

    /// Answers all that are held, and whoever comes later at once and well.
    pub(crate) fn let_go(&self) {
        self.hold.send_replace(false);
    }

    /// Every call so far, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.seen.calls.lock().expect("nobody panics").clone()
    }

    /// What `look` makes of every call so far, without a copy of them.
    pub(crate) fn seen<T>(&self, look: impl FnOnce(&[Call]) -> T) -> T {
        look(&self.seen.calls.lock().expect("nobody panics"))
    }

    /// How many calls were answered in full.
    pub(crate) fn answered(&self) -> u64 {
        *self.seen.answered.lock().expect("nobody panics")
    }

    /// Waits until `enough` holds of the calls.
    pub(crate) async fn await_calls(&self, what: &str, enough: impl Fn(&[Call]) -> bool) {
        let begun = Instant::now();
        while !self.seen(&enough) {
            let so_far = self.seen(<[Call]>::len);
            assert!(begun.elapsed() < super::process::PATIENCE, "{what}: {so_far} calls so far");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn answer(
        self,
        from: SocketAddr,
        request: Request<Incoming>,
    ) -> Result<Response<Empty<Bytes>>, Infallible> {
        let at = now_millis();
        let path = request.uri().path().to_owned();
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes);
        let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
        let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap_or("").to_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        let call = Call { at, from, headers: headers.collect(), body };
        self.seen.calls.lock().expect("nobody panics").push(call);
        if path == "/holding" {
            let mut held = self.hold.subscribe();
            drop(held.wait_for(|held| !held).await);
        }
        if let Some(millis) = path.strip_prefix("/slow/").and_then(|text| text.parse().ok()) {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        *self.seen.answered.lock().expect("nobody panics") += 1;
        let mut answer = Response::new(Empty::new());
        if path == "/failing" && *self.hold.borrow() {
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        Ok(answer)
    }
}

/// How often each task was called.
pub(crate) fn times(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for call in calls {
        *times.entry(call.task().to_owned()).or_default() += 1;
    }
    times
}

/// The wall clock, in microseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "a process is judged by the real clock")]
pub(crate) fn now_micros() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since_epoch.as_micros()).expect("a near date")
}

/// The same in milliseconds.
pub(crate) fn now_millis() -> u64 {
    now_micros() / 1_000
}

/// The wall clock, in whole seconds.
pub(crate) fn now_secs() -> u64 {
    now_millis() / 1_000
}

/// Waits until the wall clock shows `millis`.
pub(crate) async fn sleep_until(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis.saturating_sub(now_millis()))).await;
}
