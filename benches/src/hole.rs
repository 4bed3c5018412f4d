//! Black holes: targets that take what is sent to them, or not even that, and never answer.

use crate::fault::Result;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How many hosts, or names, of a kind that has many.
const MANY: usize = 200;
/// How long a connection is waited for that shows a queue to have room yet.
const FULL_AFTER: Duration = Duration::from_millis(300);
/// The most connections that a queue of one is expected to take.
const QUEUE_MAX: usize = 16;
/// Where names are asked for that nobody answers for.
const SILENT_RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);

/// How a target does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoleKind {
    /// One host that accepts and says nothing.
    OneHost,
    /// Many of them, each at an address of its own.
    ManyHosts,
    /// A host that does not even answer the first packet: its queue of connections is full.
    NoConnection,
    /// Many names for which the resolver has no answer, not even that there is none.
    ManyNames,
}

/// Black holes of one kind; dropping them closes them.
#[derive(Debug)]
pub struct Holes {
    urls: Vec<String>,
    resolver: Option<Ipv4Addr>,
    _listeners: Vec<TcpListener>,
    _waiting: Vec<TcpStream>,
    _resolver: Option<UdpSocket>,
}

impl HoleKind {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::OneHost, Self::ManyHosts, Self::NoConnection, Self::ManyNames];
}

impl Holes {
    /// Digs them.
    ///
    /// # Errors
    /// When an address cannot be had; the resolver's needs the rights to bind port 53.
    pub async fn dig(kind: HoleKind) -> Result<Self> {
        let mut holes = Self {
            urls: Vec::new(),
            resolver: None,
            _listeners: Vec::new(),
            _waiting: Vec::new(),
            _resolver: None,
        };
        match kind {
            HoleKind::OneHost => holes.listen(Ipv4Addr::LOCALHOST)?,
            HoleKind::ManyHosts => {
                for host in 0..MANY {
                    holes.listen(Ipv4Addr::new(127, 0, 1, u8::try_from(host + 1)?))?;
                }
            }
            HoleKind::NoConnection => holes.fill().await?,
            HoleKind::ManyNames => {
                let socket = UdpSocket::bind((SILENT_RESOLVER, 53));
                holes._resolver = Some(socket.map_err(|error| format!("port 53: {error}"))?);
                holes.resolver = Some(SILENT_RESOLVER);
                holes.urls = (0..MANY).map(|name| format!("http://hangs-{name}.test/")).collect();
            }
        }
        Ok(holes)
    }

    /// Where the callback of task `number` goes.
    #[must_use]
    pub fn url(&self, number: usize) -> String {
        self.urls[number % self.urls.len()].clone()
    }

    /// The resolver that the server has to ask.
    #[must_use]
    pub const fn resolver(&self) -> Option<Ipv4Addr> {
        self.resolver
    }

    /// A kernel accepts and takes in what comes; nobody reads it. Its queue holds some thousands.
    fn listen(&mut self, host: Ipv4Addr) -> Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((host, 0)))?;
        let listener = socket.listen(4_096)?.into_std()?;
        self.urls.push(format!("http://{}/", listener.local_addr()?));
        self._listeners.push(listener);
        Ok(())
    }

    /// A queue of one, filled until a connection is not answered.
    async fn fill(&mut self) -> Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let listener = socket.listen(1)?.into_std()?;
        let address = listener.local_addr()?;
        self._listeners.push(listener);
        self.urls.push(format!("http://{address}/"));
        for _ in 0..QUEUE_MAX {
            match timeout(FULL_AFTER, TcpStream::connect(address)).await {
                Ok(stream) => self._waiting.push(stream?),
                Err(_elapsed) => return Ok(()),
            }
        }
        Err(format!("the queue of {address} took {QUEUE_MAX} connections").into())
    }
}
