//! The cluster's own ports, which no callback may reach.

use crate::node::Addresses;
use crate::storage::Storage;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::sleep;
use xcron_http::HttpDispatcher;

/// How often it is asked which nodes there are, and what their names mean.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Keeps a dispatcher away from the peer and monitor ports of all members.
#[derive(Debug)]
pub(crate) struct OwnPorts {
    dispatcher: Arc<HttpDispatcher>,
    here: Addresses,
    /// What the addresses of members meant when they could last be looked up.
    known: BTreeMap<String, Vec<SocketAddr>>,
}

impl OwnPorts {
    /// Keeps `dispatcher` away from the ports of this node, `here`, at once.
    pub(crate) fn new(dispatcher: Arc<HttpDispatcher>, here: Addresses) -> Self {
        let guarding = Self { dispatcher, here, known: BTreeMap::new() };
        guarding.guard();
        guarding
    }

    /// Follows the members of the cluster for as long as it is polled.
    pub(crate) async fn follow(mut self, storage: Storage) {
        loop {
            let members = storage.member_addresses();
            self.known.retain(|member, _| members.contains(member));
            for member in members {
                let found = lookup_host(member.as_str()).await.map(Iterator::collect);
                if let Ok(found) = found {
                    self.known.insert(member, found);
                }
            }
            self.guard();
            sleep(LOOK_EVERY).await;
        }
    }

    /// Where another node has its monitor port is not known here: it is taken to be the one that
    /// this node has.
    fn guard(&self) {
        let monitor_port = self.here.monitor.port();
        let peers = self.known.values().flatten();
        let members = peers.flat_map(|peer| [*peer, SocketAddr::new(peer.ip(), monitor_port)]);
        let own = [self.here.monitor, self.here.peer];
        self.dispatcher.never_dial(&own.into_iter().chain(members).collect::<Vec<_>>());
    }
}
