//! The network of the machine: the only place where this crate touches sockets and draws
//! randomness.

use std::io;

use async_trait::async_trait;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;

use super::{Listener, Net, Stream};

/// TCP.
///
/// ```
/// use std::sync::Arc;
/// use xcron_raft::net::{Net, RealNet};
///
/// let net: Arc<dyn Net> = Arc::new(RealNet);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RealNet;

#[async_trait]
impl Net for RealNet {
    async fn connect(&self, address: &str) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(address).await?;
        // A heartbeat is small and must not wait for more bytes to share its packet.
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

/// A TCP socket that was bound before there was a runtime to accept in.
///
/// ```
/// use xcron_raft::net::{Listener, RealListener};
///
/// let listener = RealListener::new(std::net::TcpListener::bind("127.0.0.1:0")?)?;
/// assert!(listener.local_address().starts_with("127.0.0.1:"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct RealListener {
    bound: std::net::TcpListener,
    address: String,
    /// Made by the first accept, because a socket belongs to the runtime that polls it.
    accepting: OnceCell<TcpListener>,
}

impl RealListener {
    /// Listens on `bound`.
    ///
    /// # Errors
    /// When the socket does not tell its address or cannot be made non-blocking.
    pub fn new(bound: std::net::TcpListener) -> io::Result<Self> {
        bound.set_nonblocking(true)?;
        let address = bound.local_addr()?.to_string();
        Ok(Self { bound, address, accepting: OnceCell::new() })
    }

    /// Listens on a free port that only this machine reaches.
    #[cfg(test)]
    pub(crate) fn on_loopback() -> io::Result<Self> {
        Self::new(std::net::TcpListener::bind(("127.0.0.1", 0))?)
    }
}

#[async_trait]
impl Listener for RealListener {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, String)> {
        let listener = self
            .accepting
            .get_or_try_init(|| async { TcpListener::from_std(self.bound.try_clone()?) })
            .await?;
        let (stream, remote) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((Box::new(stream), remote.to_string()))
    }

    fn local_address(&self) -> String {
        self.address.clone()
    }
}
