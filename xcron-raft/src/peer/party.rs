//! One side of every conversation: who this node is and by what it proves it.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use super::counts::{PeerCounts, Tally};
use super::identity::Identity;
use super::limits::PeerLimits;
use super::secret::{Prover, Secret};
use super::tls::PeerTls;
use crate::runtime;

/// The versions of the protocol that this build speaks.
const VERSIONS: RangeInclusive<u32> = 1..=1;

/// Where unpredictable bytes come from.
pub(crate) type Randomness = Arc<dyn Fn() -> [u8; 32] + Send + Sync>;

/// This node as its peers meet it; clones are the same node.
#[derive(Clone)]
pub(crate) struct Party {
    pub(super) prover: Prover,
    has_secret: bool,
    pub(super) tls: Option<PeerTls>,
    pub(super) limits: PeerLimits,
    pub(super) versions: RangeInclusive<u32>,
    randomness: Randomness,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    identity: Mutex<Identity>,
    tally: Tally,
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party").field("identity", &self.identity()).finish_non_exhaustive()
    }
}

impl Party {
    /// A node that is no member yet. Without a secret everybody is taken for a peer: for clusters
    /// that nobody else can reach.
    pub(crate) fn new(secret: Option<Secret>, tls: Option<PeerTls>) -> Self {
        Self {
            prover: Prover::new(secret.as_ref()),
            has_secret: secret.is_some(),
            tls,
            limits: PeerLimits::default(),
            versions: VERSIONS,
            randomness: Arc::new(runtime::nonce),
            shared: Arc::default(),
        }
    }

    /// With other limits.
    #[cfg(test)]
    pub(crate) fn with_limits(mut self, limits: PeerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// With randomness from elsewhere.
    #[cfg(test)]
    pub(crate) fn with_randomness(mut self, randomness: Randomness) -> Self {
        self.randomness = randomness;
        self
    }

    /// As a build that speaks other versions.
    #[cfg(test)]
    pub(super) fn with_versions(mut self, versions: RangeInclusive<u32>) -> Self {
        self.versions = versions;
        self
    }

    /// Who this node is.
    pub(crate) fn identity(&self) -> Identity {
        *self.shared.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this node is `identity`: connections made as somebody else are not used again,
    /// and requests for somebody else are refused.
    pub(crate) fn set_identity(&self, identity: Identity) {
        *self.shared.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// What was counted so far.
    pub(crate) fn counters(&self) -> PeerCounts {
        self.tally().counts()
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.shared.tally
    }

    /// Whether the others must prove that they know a secret.
    pub(crate) fn has_secret(&self) -> bool {
        self.has_secret
    }

    /// Bytes that nobody can predict.
    pub(crate) fn random(&self) -> [u8; 32] {
        (self.randomness)()
    }

    pub(super) fn nonce(&self) -> [u8; 32] {
        self.random()
    }
}
