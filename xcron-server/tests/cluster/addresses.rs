//! Where the nodes that run can be called: shared with the loads, which outlive nodes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// The addresses of the API by the node's place in its cluster; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses(Arc<Mutex<BTreeMap<usize, SocketAddr>>>);

impl Addresses {
    /// The node at `place` can be called at `address`.
    pub(crate) fn insert(&self, place: usize, address: SocketAddr) {
        self.0.lock().expect("nobody panics").insert(place, address);
    }

    /// The node at `place` is gone.
    pub(crate) fn remove(&self, place: usize) {
        self.0.lock().expect("nobody panics").remove(&place);
    }

    /// Some node: another one for each of as many numbers in a row as there are nodes.
    pub(crate) fn pick(&self, number: usize) -> Option<SocketAddr> {
        let addresses = self.0.lock().expect("nobody panics");
        let place = number.checked_rem(addresses.len())?;
        addresses.values().nth(place).copied()
    }
}
