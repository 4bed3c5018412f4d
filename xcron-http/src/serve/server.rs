//! The accept loop: as many connections as allowed, and an orderly stop.

use super::connection::serve;
use super::handshake::Handshakes;
use super::port::Port;
use super::settings::ServerSettings;
use super::tls::ServerTls;
use super::turned_away::TurnedAway;
use axum::Router;
use futures::FutureExt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long the loop rests when the machine has no room for another socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound socket and the router that answers on it.
///
/// ```
/// use axum::{Router, routing::get};
/// use xcron_http::{Port, Server, ServerSettings};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let router = Router::new().route("/", get(|| async { "hello" }));
/// let port = Port::take("127.0.0.1:0".parse()?)?;
/// let server = Server::listen(port, router, ServerSettings::default())?;
/// println!("listening on {}", server.local_addr());
/// server.run(std::future::ready(())).await; // until that future resolves
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    router: Router,
    settings: Arc<ServerSettings>,
    handshakes: Option<Handshakes>,
}

impl Server {
    /// Listens on `port`; nothing is accepted before [`run`](Self::run).
    ///
    /// # Errors
    /// When somebody else listens on it by now.
    pub fn listen(port: Port, router: Router, settings: ServerSettings) -> io::Result<Self> {
        let local_addr = port.local_addr();
        let listener = port.listen()?;
        let settings = Arc::new(settings);
        Ok(Self { listener, local_addr, router, settings, handshakes: None })
    }

    /// The same, and nothing but TLS is spoken on the port.
    #[must_use]
    pub fn with_tls(self, tls: ServerTls) -> Self {
        let handshakes = Some(Handshakes::new(tls, &self.settings));
        Self { handshakes, ..self }
    }

    /// The address really bound, so that port 0 works.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` resolves; then accepts nothing more, lets requests that are being
    /// answered end for up to [`ServerSettings::drain`], and closes what is left.
    ///
    /// Connections are tasks of the current tokio runtime that end with this future.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, router, settings, handshakes, .. } = self;
        let (stop, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut turned_away = TurnedAway::new();
        let mut shutdown = pin!(shutdown.fuse());
        loop {
            tokio::select! {
                biased;
                () = shutdown.as_mut() => break,
                Some(ended) = connections.join_next() => note_panic(ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) if connections.len() >= settings.connections_max => {
                        if handshakes.is_none() {
                            turned_away.tell(stream);
                        }
                    }
                    Ok((stream, _peer)) => {
                        let handshake = handshakes.as_ref().map(Handshakes::begin);
                        if matches!(handshake, Some(None)) {
                            continue; // without a handshake there is nothing to tell it
                        }
                        let (router, settings) = (router.clone(), Arc::clone(&settings));
                        let stopped = stopped.clone();
                        let handshake = handshake.flatten();
                        connections.spawn(serve(stream, handshake, router, settings, stopped));
                    }
                    Err(error) => rest(&error).await,
                },
            }
        }
        drop(listener);
        // Whoever listens has a connection to close; when nobody does, none is left.
        let _nobody_left = stop.send(true);
        let all_ended = async {
            while let Some(ended) = connections.join_next().await {
                note_panic(ended);
            }
        };
        if timeout(settings.drain, all_ended).await.is_err() {
            tracing::warn!(connections = connections.len(), "closed at the end of the drain");
        }
        connections.shutdown().await;
    }
}

/// A failed accept concerns one client, or the machine has no room: then waiting is all there is.
async fn rest(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    tracing::warn!(%error, "a connection could not be accepted");
    sleep(ACCEPT_PAUSE).await;
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection ended by a bug");
    }
}
