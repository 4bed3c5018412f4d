//! Whoever is called back: it notes every callback and answers as the path of its address says.

use super::error::{DrillError, system};
use super::moment::{Micros, now};
use super::nodes::Directory;
use super::record::Recorder;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::sleep;
use xcron_checker::Receipt;

/// How a target answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Status(u16),
    /// 200, after so many milliseconds.
    Slow(u64),
    /// 500 to the first attempt of a run.
    Flaky,
    /// 429, which asks for a second's patience, to the first attempt of a run.
    Busy,
    /// Never.
    Hang,
    /// The end of the connection instead of an answer.
    Reset,
}

impl Manner {
    /// What `path` asks for.
    fn of(path: &str) -> Self {
        let mut words = path.trim_start_matches('/').split('/');
        let (name, number) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match name {
            "slow" => Self::Slow(number.parse().unwrap_or(100)),
            "status" => Self::Status(number.parse().unwrap_or(500)),
            "flaky" => Self::Flaky,
            "busy" => Self::Busy,
            "hang" => Self::Hang,
            "reset" => Self::Reset,
            _ => Self::Status(200),
        }
    }

    /// The status with which `attempt` is answered; `None` when it is not.
    async fn answer(self, attempt: u32) -> Option<u16> {
        match self {
            Self::Status(status) => Some(status),
            Self::Slow(millis) => {
                sleep(Duration::from_millis(millis)).await;
                Some(200)
            }
            Self::Flaky => Some(if attempt == 1 { 500 } else { 200 }),
            Self::Busy => Some(if attempt == 1 { 429 } else { 200 }),
            Self::Hang => std::future::pending().await,
            Self::Reset => None,
        }
    }
}

/// A target that listens until it is dropped.
#[derive(Debug)]
pub(super) struct Sink {
    address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Sink {
    /// Listens, and tells by `nodes` who calls.
    pub(super) async fn start(recorder: &Recorder, nodes: &Directory) -> Result<Self, DrillError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(system("a port of loopback cannot be bound"))?;
        let address = listener.local_addr();
        let address = address.map_err(system("a port does not tell its address"))?;
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, recorder.clone(), nodes.clone()));
        Ok(Self { address, _accepting: accepting })
    }

    /// Where it is called.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept(listener: TcpListener, recorder: Recorder, nodes: Directory) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, remote)) = accepted else { continue };
                let (recorder, nodes) = (recorder.clone(), nodes.clone());
                connections.spawn(serve(stream, remote, recorder, nodes));
            }
        }
    }
}

async fn serve(stream: TcpStream, remote: SocketAddr, recorder: Recorder, nodes: Directory) {
    let node = OnceCell::new();
    // Asked at once: a sender that is killed takes with it what the system knew of its sockets. But
    // that takes a while, and a callback came when it came.
    let sender = || node.get_or_init(|| nodes.sender(remote));
    let answer = service_fn(|request: Request<Incoming>| {
        let (at, recorder) = (now(), &recorder);
        async move {
            let receipt = receipt(request.headers(), at, *sender().await);
            let attempt = receipt.attempt;
            let number = recorder.received(receipt);
            let Some(status) = Manner::of(request.uri().path()).answer(attempt).await else {
                recorder.answered(number, "reset", None);
                return Err(io::Error::from(io::ErrorKind::ConnectionReset));
            };
            let mut response = Response::new(Empty::<Bytes>::new());
            *response.status_mut() = status.try_into().map_err(io::Error::other)?;
            if status == 429 {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            recorder.answered(number, &status.to_string(), Some(now()));
            Ok(response)
        }
    });
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    // Senders die here; there is nobody left to tell.
    let (_node, _gone) = tokio::join!(sender(), serving);
}

/// What a callback says of itself.
fn receipt(headers: &HeaderMap<HeaderValue>, at: Micros, node: Option<usize>) -> Receipt {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let due = text("xcron-scheduled-time").parse().unwrap_or_default();
    let receipt = Receipt::new(text("xcron-task-id"), text("xcron-run-id"), due, at)
        .attempt(text("xcron-attempt").parse().unwrap_or_default())
        .fence(text("xcron-fence").parse().unwrap_or_default())
        // All processes of one machine share its clock.
        .sender_clock_us(at);
    match node {
        Some(node) => receipt.from_node(node as u64 + 1),
        None => receipt,
    }
}

#[cfg(test)]
mod tests {
    use super::Manner;

    #[test]
    fn a_path_says_how_it_is_answered() {
        for (path, expected) in [
            ("/ok", Manner::Status(200)),
            ("/status/410", Manner::Status(410)),
            ("/slow/250", Manner::Slow(250)),
            ("/flaky", Manner::Flaky),
            ("/busy", Manner::Busy),
            ("/hang", Manner::Hang),
            ("/reset", Manner::Reset),
        ] {
            assert_eq!(Manner::of(path), expected, "{path}");
        }
    }

    #[tokio::test]
    async fn a_flaky_target_fails_each_run_once() {
        assert_eq!(Manner::Flaky.answer(1).await, Some(500));
        assert_eq!(Manner::Flaky.answer(2).await, Some(200));
        assert_eq!(Manner::Reset.answer(2).await, None);
    }
}
