//! A network in memory: hosts with names, connections that can be cut or made silent, ways that
//! are slow, lose packets, or are blocked in one direction.

mod way;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::sleep;

use super::{Listener, Net, Stream};
use way::Way;
use wire::Wire;

pub use way::Weather;

/// Connections that nobody has accepted yet; a further one is refused.
const BACKLOG_MAX: usize = 1_024;

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
    ways: BTreeMap<(String, String), Arc<Way>>,
    seed: u64,
}

#[derive(Debug)]
struct Connection {
    way: (String, String),
    wire: Weak<Wire>,
}

impl MemoryNet {
    /// A network on which nobody listens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with chances that follow from `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let state = State { seed, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
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
            wire.cut();
        }
        state.cut.insert(way);
    }

    /// Lets what is sent on connections from `from` to `to` vanish, for as long as they live, and
    /// leaves further ones without an answer until [`heal`](Self::heal): a pulled cable.
    pub fn silence(&self, from: &str, to: &str) {
        let way = (from.to_owned(), to.to_owned());
        let mut state = self.state();
        for wire in state.wires(&way) {
            wire.silence();
        }
        state.silent.insert(way);
    }

    /// Lets what `from` sends to `to` take as long as `weather` says, whoever connected.
    pub fn set_weather(&self, from: &str, to: &str, weather: Weather) {
        self.state().way(from, to).set_weather(weather);
    }

    /// Holds up all that `from` sends to `to`, on connections made by either, and leaves new ones
    /// without an answer, until [`MemoryNet::open`]: then it arrives.
    pub fn block(&self, from: &str, to: &str) {
        self.state().way(from, to).block();
    }

    /// Takes back [`MemoryNet::block`].
    pub fn open(&self, from: &str, to: &str) {
        self.state().way(from, to).open();
    }

    /// Makes every connection of `host` silent, as when its machine loses power: nobody is told.
    pub fn vanish(&self, host: &str) {
        let mut state = self.state();
        state.connections.retain(|connection| connection.wire.strong_count() > 0);
        let of_host = |way: &(String, String)| way.0 == host || way.1 == host;
        for connection in state.connections.iter().filter(|connection| of_host(&connection.way)) {
            connection.wire.upgrade().into_iter().for_each(|wire| wire.silence());
        }
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
    fn way(&mut self, from: &str, to: &str) -> Arc<Way> {
        let seed = &mut self.seed;
        let new = || Arc::new(Way::new(crate::disk::memory::next_random(seed)));
        self.ways.entry((from.to_owned(), to.to_owned())).or_insert_with(new).clone()
    }

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
        let (there, back, is_silent) = {
            let mut state = self.net.state();
            let (there, back) = (state.way(&way.0, &way.1), state.way(&way.1, &way.0));
            (there, back, state.silent.contains(&way))
        };
        if is_silent || there.is_blocked() || back.is_blocked() {
            std::future::pending::<()>().await;
        }
        let round_trip = there.delay() + back.delay();
        if !round_trip.is_zero() {
            sleep(round_trip).await;
        }
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let mut state = self.net.state();
        if state.cut.contains(&way) {
            return Err(refused());
        }
        let listener = state.listeners.get(address).ok_or_else(refused)?.clone();
        let (near, far, wire) = Wire::connect(there, back);
        listener.try_send((Box::new(far), self.name.clone())).map_err(|_| refused())?;
        state.connections.retain(|connection| connection.wire.strong_count() > 0);
        state.connections.push(Connection { way, wire: Arc::downgrade(&wire) });
        Ok(Box::new(near))
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
