//! A port that is taken before there is anything to serve on it.

use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1_024;

/// A bound port that nobody can connect to yet: who comes early is refused at once instead of
/// waiting for a server that is still reading its store.
///
/// ```
/// use xcron_http::Port;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let port = Port::take("127.0.0.1:0".parse()?)?;
/// assert!(std::net::TcpStream::connect(port.local_addr()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Port {
    socket: TcpSocket,
    local_addr: SocketAddr,
}

impl Port {
    /// Takes the port of `addr`; 0 takes any free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn take(addr: SocketAddr) -> io::Result<Self> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Connections of an earlier life that are still closing do not hold up a restart.
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let local_addr = socket.local_addr()?;
        Ok(Self { socket, local_addr })
    }

    /// The address really bound.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    pub(super) fn listen(self) -> io::Result<TcpListener> {
        self.socket.listen(BACKLOG)
    }
}
