//! Handshakes of TLS: so many at a time, each within its time.

use super::settings::ServerSettings;
use super::tls::ServerTls;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// What a server shakes hands with.
#[derive(Debug)]
pub(super) struct Handshakes {
    tls: ServerTls,
    places: Arc<Semaphore>,
    max: Duration,
}

impl Handshakes {
    pub(super) fn new(tls: ServerTls, settings: &ServerSettings) -> Self {
        let places = Arc::new(Semaphore::new(settings.handshakes_max));
        Self { tls, places, max: settings.handshake_max }
    }

    /// A place for one handshake; `None` when as many as allowed are under way.
    pub(super) fn begin(&self) -> Option<Handshake> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Handshake { tls: self.tls.clone(), max: self.max, _place: place })
    }
}

/// One handshake, which holds its place until it has ended.
#[derive(Debug)]
pub(super) struct Handshake {
    tls: ServerTls,
    max: Duration,
    _place: OwnedSemaphorePermit,
}

impl Handshake {
    /// TLS inside `stream`; `None` when its client does not speak it, or not in time.
    pub(super) async fn shake<S>(self, stream: S) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match timeout(self.max, self.tls.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a handshake failed");
                None
            }
            Err(_elapsed) => {
                tracing::debug!("a handshake took too long");
                None
            }
        }
    }
}
