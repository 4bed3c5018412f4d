//! Tests of the transport: a server, a client and a network in memory, on a clock that waits.

mod answers;
mod backoff;
mod fuzz;
mod hostile;
mod limits;
mod membership;
mod proofs;
mod sockets;
mod tls;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::SinkExt;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::counts::PeerCounts;
use super::frames::{self, Frames};
use super::handshake;
use super::*;
use crate::net::memory::MemoryNet;
use crate::net::{Listener, Net};

/// Answered with its body.
const ECHO: Kind = Kind(1);
/// Refused with its body.
const REFUSE: Kind = Kind(2);
/// Answered with its body after as many milliseconds as it says.
const LATE: Kind = Kind(3);
/// Answered when the service is told to.
const HELD: Kind = Kind(4);
/// The only kind that a stranger may send; answered with its body.
const ASK: Kind = Kind(5);

const SERVER: Identity = Identity { cluster: 7, node: 2 };
const CLIENT: Identity = Identity { cluster: 7, node: 1 };
/// Names of hosts.
const A: &str = "a:1";
const B: &str = "localhost:2";

/// A service that keeps what it has seen.
#[derive(Debug, Default)]
struct Recorder {
    seen: Mutex<Vec<(Identity, Kind, Bytes)>>,
    release: Notify,
}

impl Recorder {
    fn seen(&self) -> Vec<(Identity, Kind, Bytes)> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl Service for Recorder {
    fn admits(&self, kind: Kind, from: Identity) -> bool {
        from.is_member() || kind == ASK
    }

    async fn serve(&self, from: Identity, kind: Kind, body: Bytes) -> Result<Bytes, String> {
        self.seen.lock().unwrap().push((from, kind, body.clone()));
        match kind {
            REFUSE => return Err(String::from_utf8(body.to_vec()).unwrap()),
            LATE => {
                let text = String::from_utf8(body.to_vec()).unwrap();
                sleep(Duration::from_millis(text.parse().unwrap())).await;
            }
            HELD => self.release.notified().await,
            _ => {}
        }
        Ok(body)
    }
}

/// A server at [`B`].
#[derive(Debug)]
struct Server {
    net: MemoryNet,
    party: Party,
    service: Arc<Recorder>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    fn start(net: &MemoryNet, party: Party) -> Self {
        Self::listen(net, Arc::new(net.listen(B)), party)
    }

    fn listen(net: &MemoryNet, listener: Arc<dyn Listener>, party: Party) -> Self {
        let service = Arc::new(Recorder::default());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let serving = accept_loop(
            listener,
            party.clone(),
            Arc::clone(&service) as Arc<dyn Service>,
            shutdown,
        );
        let task = tokio::spawn(serving);
        Self { net: net.clone(), party, service, stop: Some(stop), task }
    }

    fn counts(&self) -> PeerCounts {
        self.party.counters()
    }

    /// A connection on which nothing was said yet.
    async fn raw(&self) -> Frames {
        frames::of(self.net.host(A).connect(B).await.unwrap())
    }

    /// A connection on which [`CLIENT`] is welcome.
    async fn proven(&self) -> Frames {
        let mut frames = self.raw().await;
        let hello = (CLIENT, None, Lane::Raft);
        let met = handshake::as_client(&mut frames, &member(CLIENT), B, hello).await.unwrap();
        assert!(met.verdict.is_ok());
        frames::allow_requests(&mut frames);
        frames
    }

    /// What comes was wrong once, as `count` says; the service has seen nothing of it, and it
    /// serves others as before.
    async fn was_harmed_only_in(&self, count: impl Fn(&PeerCounts) -> u64) {
        wait_until(|| count(&self.counts()) > 0).await;
        let counts = self.counts();
        assert_eq!(count(&counts), 1, "{counts:?}");
        let wrong = counts.garbage
            + counts.too_long
            + counts.wrong_secret
            + counts.wrong_certificate
            + counts.wrong_cluster
            + counts.wrong_node
            + counts.wrong_version
            + counts.not_admitted
            + counts.bad_checksum
            + counts.timed_out
            + counts.over_limit;
        assert_eq!(wrong, 1, "{counts:?}");
        assert_eq!(self.service.seen(), []);
        self.serves().await;
    }

    /// It serves a member who asks now.
    async fn serves(&self) {
        let good = client(&self.net, member(CLIENT));
        assert_eq!(ask(&good, ECHO, "good").await.unwrap(), "good");
    }

    /// Ends it with all of its connections.
    async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.task).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn secret() -> Secret {
    Secret::new("a secret of the cluster").unwrap()
}

/// Somebody who knows the secret.
fn member(identity: Identity) -> Party {
    named(Party::new(Some(secret()), None), identity)
}

fn named(party: Party, identity: Identity) -> Party {
    party.set_identity(identity);
    party
}

fn client(net: &MemoryNet, party: Party) -> Peers {
    Peers::new(Arc::new(net.host(A)), party)
}

/// A network with a server.
fn world() -> (MemoryNet, Server) {
    let net = MemoryNet::new();
    let server = Server::start(&net, member(SERVER));
    (net, server)
}

fn within(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}

/// A call to [`SERVER`] at [`B`] that waits for up to a second.
async fn ask(peers: &Peers, kind: Kind, body: &str) -> Result<Bytes, CallError> {
    ask_on(peers, Lane::Raft, kind, body, 1_000).await
}

async fn ask_on(
    peers: &Peers,
    lane: Lane,
    kind: Kind,
    body: &str,
    ms: u64,
) -> Result<Bytes, CallError> {
    let body = Bytes::from(body.to_owned());
    peers.call(B, Some(SERVER), lane, kind, body, within(ms)).await
}

/// Whether a call failed before it was sent, in what way.
fn unsent(outcome: Result<Bytes, CallError>) -> CallErrorKind {
    let error = outcome.unwrap_err();
    assert!(!error.was_sent, "{error:?}");
    error.kind
}

/// Whether a call failed after it may have been sent, in what way.
fn sent(outcome: Result<Bytes, CallError>) -> CallErrorKind {
    let error = outcome.unwrap_err();
    assert!(error.was_sent, "{error:?}");
    error.kind
}

async fn send(frames: &mut Frames, frame: impl Into<Bytes>) {
    frames.send(frame.into()).await.unwrap();
}

/// Waits for something that has to come within a minute.
async fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(1)).await;
    }
    panic!("it has not come about");
}
