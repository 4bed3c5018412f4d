//! A network in memory: hosts with names, connections that can be cut or made silent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{Listener, Net, Stream};

/// Connections that nobody has accepted yet; a further one is refused.
const BACKLOG_MAX: usize = 1_024;
/// What is on its way in one direction of a connection, in bytes.
const WINDOW_BYTES: usize = 65_536;

type Accepted = (Box<dyn Stream>, String);

/// A network; clones are the same network.
///
/// ```
/// use xcron_raft::net::memory::MemoryNet;
/// use xcron_raft::net::{Listener, Net};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let net = MemoryNet::new();
/// let listener = net.listen("b:1");
/// assert!(net.host("a:1").connect("b:1").await.is_ok());
/// net.cut("a:1", "b:1");
/// assert!(net.host("a:1").connect("b:1").await.is_err());
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryNet {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    listeners: BTreeMap<String, mpsc::Sender<Accepted>>,
    /// Ways on which connecting fails.
    cut: BTreeSet<(String, String)>,
    /// Ways on which connecting never ends.
    silent: BTreeSet<(String, String)>,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    way: (String, String),
    wire: Weak<Wire>,
}

/// What both ends of a connection share.
#[derive(Debug, Default)]
struct Wire {
    cut: CancellationToken,
    is_silent: AtomicBool,
}

impl MemoryNet {
    /// A network on which nobody listens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The network as the host called `name` sees it.
    #[must_use]
    pub fn host(&self, name: &str) -> MemoryHost {
        MemoryHost { net: self.clone(), name: name.to_owned() }
    }

    /// Listens at `address`, in place of whoever did before.
    #[must_use]
    pub fn listen(&self, address: &str) -> MemoryListener {
        let (arrived, arrivals) = mpsc::channel(BACKLOG_MAX);
        self.state().listeners.insert(address.to_owned(), arrived);
        MemoryListener { address: address.to_owned(), arrivals: AsyncMutex::new(arrivals) }
    }

    /// Ends the connections that `from` made to `to`, and refuses further ones until
    /// [`heal`](Self::heal).
    pub fn cut(&self, from: &str, to: &str) {
        let way = (from.to_owned(), to.to_owned());
        let mut state = self.state();
        for wire in state.wires(&way) {
            wire.cut.cancel();
        }
        state.cut.insert(way);
    }

    /// Lets what is sent on connections from `from` to `to` vanish, for as long as they live, and
    /// leaves further ones without an answer until [`heal`](Self::heal): a pulled cable.
    pub fn silence(&self, from: &str, to: &str) {
        let way = (from.to_owned(), to.to_owned());
        let mut state = self.state();
        for wire in state.wires(&way) {
            wire.is_silent.store(true, Ordering::Relaxed);
        }
        state.silent.insert(way);
    }

    /// Lets `from` connect to `to` again.
    pub fn heal(&self, from: &str, to: &str) {
        let way = (from.to_owned(), to.to_owned());
        let mut state = self.state();
        state.cut.remove(&way);
        state.silent.remove(&way);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wires(&mut self, way: &(String, String)) -> Vec<Arc<Wire>> {
        self.connections.retain(|connection| connection.wire.strong_count() > 0);
        let on_way = self.connections.iter().filter(|connection| connection.way == *way);
        on_way.filter_map(|connection| connection.wire.upgrade()).collect()
    }
}

/// The network as one host sees it.
#[derive(Clone, Debug)]
pub struct MemoryHost {
    net: MemoryNet,
    name: String,
}

#[async_trait]
impl Net for MemoryHost {
    async fn connect(&self, address: &str) -> io::Result<Box<dyn Stream>> {
        let way = (self.name.clone(), address.to_owned());
        if self.net.state().silent.contains(&way) {
            std::future::pending::<()>().await;
        }
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let mut state = self.net.state();
        if state.cut.contains(&way) {
            return Err(refused());
        }
        let listener = state.listeners.get(address).ok_or_else(refused)?.clone();
        let wire = Arc::new(Wire::default());
        let (near, far) = duplex(WINDOW_BYTES);
        let far: Box<dyn Stream> = Box::new(MemoryStream::new(far, Arc::clone(&wire)));
        listener.try_send((far, self.name.clone())).map_err(|_| refused())?;
        state.connections.retain(|connection| connection.wire.strong_count() > 0);
        state.connections.push(Connection { way, wire: Arc::downgrade(&wire) });
        Ok(Box::new(MemoryStream::new(near, wire)))
    }
}

/// Where connections to one address arrive.
#[derive(Debug)]
pub struct MemoryListener {
    address: String,
    arrivals: AsyncMutex<mpsc::Receiver<Accepted>>,
}

#[async_trait]
impl Listener for MemoryListener {
    async fn accept(&self) -> io::Result<Accepted> {
        match self.arrivals.lock().await.recv().await {
            Some(accepted) => Ok(accepted),
            // Somebody else listens at this address now.
            None => std::future::pending().await,
        }
    }

    fn local_address(&self) -> String {
        self.address.clone()
    }
}

/// One end of a connection.
struct MemoryStream {
    inner: DuplexStream,
    wire: Arc<Wire>,
    /// One for each direction, because reader and writer may be different tasks.
    cut: [Pin<Box<WaitForCancellationFutureOwned>>; 2],
}

impl fmt::Debug for MemoryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStream").field("wire", &self.wire).finish_non_exhaustive()
    }
}

impl MemoryStream {
    fn new(inner: DuplexStream, wire: Arc<Wire>) -> Self {
        let cut = || Box::pin(wire.cut.clone().cancelled_owned());
        Self { inner, cut: [cut(), cut()], wire }
    }

    fn is_silent(&self) -> bool {
        self.wire.is_silent.load(Ordering::Relaxed)
    }

    fn poll_cut(&mut self, direction: usize, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut[direction].as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for MemoryStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_cut(0, cx)?;
        if self.is_silent() {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(1, cx)?;
        if self.is_silent() {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
