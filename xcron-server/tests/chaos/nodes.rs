//! Where the nodes can be called: shared with clients, which outlive nodes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// The addresses of the API by the node's place; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nodes(Arc<Mutex<Vec<Option<SocketAddr>>>>);

impl Nodes {
    /// The node at `place` runs at `address`, or not at all.
    pub(crate) fn set(&self, place: usize, address: Option<SocketAddr>) {
        let mut nodes = self.0.lock().expect("nobody panics");
        if nodes.len() <= place {
            nodes.resize(place + 1, None);
        }
        nodes[place] = address;
    }

    /// The address of the node at `place`, if it runs.
    pub(crate) fn at(&self, place: usize) -> Option<SocketAddr> {
        self.0.lock().expect("nobody panics").get(place).copied().flatten()
    }

    /// Some node that runs: another one for each of as many numbers in a row as there are nodes.
    pub(crate) fn pick(&self, number: usize) -> Option<(usize, SocketAddr)> {
        let nodes = self.0.lock().expect("nobody panics");
        let place = number.checked_rem(nodes.len())?;
        nodes[place].map(|address| (place, address))
    }
}
