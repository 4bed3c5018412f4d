//! A target of callbacks that answers with whatever bytes a test likes.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What the sink does once it has read a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Sends these bytes and goes on.
    Say(Vec<u8>),
    /// Sends the first of these, at the next request the second, and the last from then on.
    SayInTurn(Vec<Vec<u8>>),
    /// Sends these bytes and closes.
    SayAndClose(Vec<u8>),
    /// Sends these bytes, then nothing for ever.
    SayAndHang(Vec<u8>),
    /// Sends these bytes, then more and more of the same until nobody takes them.
    Flood(Vec<u8>),
}

/// A listening socket; its requests and connections are counted.
pub(crate) struct Sink {
    pub(crate) addr: SocketAddr,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    closed: AtomicUsize,
    requests: Mutex<Vec<String>>,
    flooded: AtomicUsize,
}

impl Sink {
    pub(crate) async fn start(act: Act) -> Self {
        Self::at("127.0.0.1", act).await
    }

    /// A sink that listens on this address only, or on all of them.
    pub(crate) async fn at(ip: &str, act: Act) -> Self {
        let ip: IpAddr = ip.parse().unwrap();
        let socket = if ip.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
        // Little is under way, so that what was sent is about what was read.
        socket.set_send_buffer_size(8_192).unwrap();
        socket.bind((ip, 0).into()).unwrap();
        let listener = socket.listen(1_024).unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let counting = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counting.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, act.clone(), Arc::clone(&counting)));
            }
        });
        Self { addr, seen, accepting }
    }

    /// A sink that answers `status` with these header lines.
    pub(crate) async fn answering(status: &str, headers: &str) -> Self {
        Self::start(Act::Say(reply(status, headers, ""))).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// The requests so far, heads and bodies as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// How many bytes of floods were taken so far.
    pub(crate) fn flooded(&self) -> usize {
        self.seen.flooded.load(Ordering::SeqCst)
    }

    /// Waits until `count` connections were closed by the other side.
    pub(crate) async fn closed(&self, count: usize) {
        self.until(|seen| seen.closed.load(Ordering::SeqCst) >= count).await;
    }

    /// Waits until `count` requests have come.
    pub(crate) async fn requested(&self, count: usize) {
        self.until(|seen| seen.requests.lock().unwrap().len() >= count).await;
    }

    async fn until(&self, has_come: impl Fn(&Seen) -> bool) {
        for _ in 0..1_000 {
            if has_come(&self.seen) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("the sink waited in vain");
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An answer with a body of a known length.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

async fn answer(mut stream: TcpStream, act: Act, seen: Arc<Seen>) {
    while let Some(request) = read_request(&mut stream).await {
        let turn = {
            let mut requests = seen.requests.lock().unwrap();
            requests.push(request);
            requests.len() - 1
        };
        match &act {
            Act::SayInTurn(all) => {
                stream.write_all(&all[turn.min(all.len() - 1)]).await.unwrap();
            }
            Act::Say(bytes) => stream.write_all(bytes).await.unwrap(),
            Act::SayAndClose(bytes) => {
                stream.write_all(bytes).await.unwrap();
                return;
            }
            Act::SayAndHang(bytes) => stream.write_all(bytes).await.unwrap(),
            Act::Flood(bytes) => {
                for part in bytes.chunks(4_096).cycle() {
                    if stream.write_all(part).await.is_err() {
                        break;
                    }
                    seen.flooded.fetch_add(part.len(), Ordering::SeqCst);
                }
            }
        }
    }
    seen.closed.fetch_add(1, Ordering::SeqCst);
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.unwrap_or(0);
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some(text);
        }
    }
}
