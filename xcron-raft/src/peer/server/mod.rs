//! The answering side: the accept loop, and what it hands requests to.

mod connection;
mod seats;
mod welcome;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::identity::{Identity, Kind};
use super::party::Party;
use crate::net::Listener;
use crate::runtime;
use seats::Seats;

/// How long the loop rests when the machine has no room for another socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What requests are for.
#[async_trait]
pub(crate) trait Service: Send + Sync + 'static {
    /// Whether `from` may send requests of `kind`; zeros, a stranger, usually only a few.
    fn admits(&self, kind: Kind, from: Identity) -> bool;

    /// Answers a request, or refuses it with a text that is sent back.
    ///
    /// The future is dropped when nobody waits any more: at the deadline of the caller, with its
    /// connection, and at shutdown.
    async fn serve(&self, from: Identity, kind: Kind, body: Bytes) -> Result<Bytes, String>;
}

/// Accepts connections and has `service` answer what comes on them, until `shutdown` resolves.
///
/// Each connection is a task of the current tokio runtime; all of them end with this future.
pub(crate) async fn accept_loop(
    listener: Arc<dyn Listener>,
    party: Party,
    service: Arc<dyn Service>,
    shutdown: impl Future<Output = ()>,
) {
    let seats = Arc::new(Seats::new(party.clone()));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = shutdown.as_mut() => break,
            Some(ended) = connections.join_next() => note_panic(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => {
                    party.tally().connections.add(1);
                    let seat = Arc::clone(&seats).take();
                    let (party, service) = (party.clone(), Arc::clone(&service));
                    let served = connection::serve(stream, remote, seat, party, service);
                    connections.spawn(runtime::adopt(served));
                }
                Err(error) => rest(&error).await,
            },
        }
    }
    connections.shutdown().await;
}

/// A failed accept concerns one client, or the machine has no room: then waiting is all there is.
async fn rest(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    tracing::warn!(%error, "a peer's connection could not be accepted");
    sleep(ACCEPT_PAUSE).await;
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a peer's connection ended by a bug");
    }
}
