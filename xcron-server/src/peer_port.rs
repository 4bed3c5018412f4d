//! The port for traffic between nodes, as a cluster of one holds it.
//!
//! A cluster of one has nobody to talk to, but it says where it would: the port is bound, so that
//! it is known to be free the day another node joins, and every connection is closed at once.

use crate::error::ServerError;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long the loop rests when the machine has no room for another socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The bound port.
#[derive(Debug)]
pub struct PeerPort {
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl PeerPort {
    /// Binds `address`.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let cannot = |error| ServerError::bind("peer_port", address, error);
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let local_addr = listener.local_addr().map_err(cannot)?;
        Ok(Self { listener, local_addr })
    }

    /// The address really bound.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Closes every connection until `shutdown` resolves.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = shutdown.as_mut() => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(stream),
                    Err(_no_room) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
            }
        }
    }
}
