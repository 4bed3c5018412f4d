//! The nodes of a drill, each over all the lives of its process, and where they are found.

use super::error::DrillError;
use super::links::NODES;
use super::moment::{Micros, SECOND, now};
use super::owner::owner;
use super::process::{Process, Settings};
use super::watchdog::Watchdog;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// For how long a connection that nobody holds any more is laid to the node that was killed last.
const DEAD_SENDER_MAX: Micros = 2 * SECOND;

/// Where a node is found while it runs.
#[derive(Clone, Copy, Debug)]
struct Place {
    http: SocketAddr,
    peer: SocketAddr,
    pid: u32,
}

#[derive(Debug, Default)]
struct Entries {
    places: [Option<Place>; NODES],
    killed_last: Option<(usize, Micros)>,
}

/// Where the nodes are found; it follows their restarts.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory(Arc<Mutex<Entries>>);

impl Directory {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The API of a node that runs.
    pub(super) fn http(&self, node: usize) -> Option<SocketAddr> {
        self.entries().places[node].map(|place| place.http)
    }

    /// Where a node that runs listens for the others.
    pub(super) fn peer(&self, node: usize) -> Option<SocketAddr> {
        self.entries().places[node].map(|place| place.peer)
    }

    /// Which node holds the socket that is bound to `address`.
    pub(super) async fn owner(&self, address: SocketAddr) -> Option<usize> {
        let pids = self.entries().places.map(|place| place.map(|place| place.pid));
        // Reading what the system knows of sockets takes a while when there are many.
        tokio::task::spawn_blocking(move || owner(address, &pids)).await.ok()?
    }

    /// The same of a sender, which may have been killed a moment ago.
    pub(super) async fn sender(&self, address: SocketAddr) -> Option<usize> {
        if let Some(node) = self.owner(address).await {
            return Some(node);
        }
        let (node, at) = self.entries().killed_last?;
        (now() - at <= DEAD_SENDER_MAX).then_some(node)
    }
}

/// The nodes themselves.
#[derive(Debug)]
pub(super) struct Nodes {
    settings: Vec<Settings>,
    processes: [Option<Process>; NODES],
    directory: Directory,
    watchdog: Arc<Watchdog>,
}

impl Nodes {
    /// Nodes of `program` in `dir` that reach each other at `peers`; none runs yet.
    pub(super) fn new(
        program: &Path,
        dir: &Path,
        peers: [SocketAddr; NODES],
        directory: Directory,
        watchdog: Watchdog,
    ) -> Self {
        let settings = (1..=NODES).map(|node| Settings {
            node,
            program: program.to_owned(),
            dir: dir.join(format!("node-{node}")),
            peers: peers.to_vec(),
        });
        let (settings, watchdog) = (settings.collect(), Arc::new(watchdog));
        Self { settings, processes: Default::default(), directory, watchdog }
    }

    /// Starts a life of a node, which listens when this returns.
    pub(super) async fn start(&mut self, node: usize) -> Result<(), DrillError> {
        let process = self.settings[node].start(&self.watchdog).await?;
        let place = Place { http: process.http, peer: process.peer, pid: process.pid };
        self.directory.entries().places[node] = Some(place);
        self.processes[node] = Some(process);
        Ok(())
    }

    /// Ends the present life of a node as a power cut would.
    pub(super) async fn kill(&mut self, node: usize) -> Result<(), DrillError> {
        let Some(process) = self.processes[node].take() else { return Ok(()) };
        self.directory.entries().killed_last = Some((node, now()));
        process.kill().await?;
        self.directory.entries().places[node] = None;
        Ok(())
    }

    pub(super) fn pause(&self, node: usize) -> Result<(), DrillError> {
        self.processes[node].as_ref().map_or(Ok(()), Process::pause)
    }

    pub(super) fn go_on(&self, node: usize) -> Result<(), DrillError> {
        self.processes[node].as_ref().map_or(Ok(()), Process::go_on)
    }

    /// Fails when a node has ended although nobody killed it.
    pub(super) fn check(&mut self) -> Result<(), DrillError> {
        for (process, settings) in self.processes.iter_mut().zip(&self.settings) {
            if process.as_mut().is_some_and(Process::has_ended) {
                let (node, said) = (settings.node, settings.last_words());
                return Err(DrillError::Node { node, what: "ended by itself", said });
            }
        }
        Ok(())
    }

    /// Ends all of them.
    pub(super) async fn end(&mut self) -> Result<(), DrillError> {
        for node in 0..NODES {
            self.kill(node).await?;
        }
        Ok(())
    }
}
