//! What a store needs to talk to other nodes, besides its settings.

use std::sync::Arc;

use xcron_core::{Clock, SystemClock};

use crate::net::{Listener, Net, NoNet};
use crate::peer::{PeerTls, Secret};

/// How a store reaches other nodes and they it, and by which clock it judges theirs.
///
/// ```
/// use xcron_raft::Peering;
/// let alone = Peering::alone();
/// assert!(format!("{alone:?}").starts_with("Peering"));
/// ```
#[derive(Debug, Clone)]
pub struct Peering {
    pub(crate) net: Arc<dyn Net>,
    pub(crate) listener: Option<Arc<dyn Listener>>,
    pub(crate) secret: Option<Secret>,
    pub(crate) tls: Option<PeerTls>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Peering {
    /// No network: a cluster of one that nobody can join.
    #[must_use]
    pub fn alone() -> Self {
        Self {
            net: Arc::new(NoNet),
            listener: None,
            secret: None,
            tls: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Reaches others through `net` and is reached through `listener`.
    #[must_use]
    pub fn through(net: Arc<dyn Net>, listener: Arc<dyn Listener>) -> Self {
        Self { net, listener: Some(listener), ..Self::alone() }
    }

    /// Proves `secret` to the others, and has it proved by them.
    #[must_use]
    pub fn secret(mut self, secret: Option<Secret>) -> Self {
        self.secret = secret;
        self
    }

    /// Speaks TLS with the others, each side showing its certificate.
    #[must_use]
    pub fn tls(mut self, tls: Option<PeerTls>) -> Self {
        self.tls = tls;
        self
    }

    /// Reads time from `clock` instead of the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}
