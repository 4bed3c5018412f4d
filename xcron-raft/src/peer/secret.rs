//! The secret that the nodes of a cluster share, and proofs of knowing it.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{Error, ErrorKind};

/// Length of a proof, in bytes.
pub(super) const PROOF_BYTES: usize = 32;

/// The secret that the nodes of a cluster share. It never leaves the process; nodes prove to each
/// other that they know it.
///
/// Whoever answers or asks at a peer port gets to see one proof and can try secrets on it at
/// leisure, so it has to be long and random, not a word.
///
/// ```
/// use xcron_raft::Secret;
///
/// let secret = Secret::new("9f0c7b…of some 32 random bytes")?;
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert!(Secret::new("").is_err());
/// # Ok::<(), xcron_raft::Error>(())
/// ```
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// The secret that consists of `bytes`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when there are none: that would be no secret at all.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        if bytes.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "the peer secret is empty"));
        }
        Ok(Self(bytes.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a proof shows. A proof of one claim never passes for one of another, so none can be sent
/// back to whoever made it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Claim {
    Server,
    Client,
    Verdict,
}

impl Claim {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Server => b"xcron peer server",
            Self::Client => b"xcron peer client",
            Self::Verdict => b"xcron peer verdict",
        }
    }
}

/// Makes and checks proofs.
#[derive(Clone)]
pub(super) struct Prover(Hmac<Sha256>);

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prover(..)")
    }
}

impl Prover {
    /// Proofs by `secret`; without one the key is empty, and everybody knows it.
    pub(super) fn new(secret: Option<&Secret>) -> Self {
        let key = secret.map_or(&[][..], |secret| &secret.0);
        Self(Hmac::new_from_slice(key).expect("a key of HMAC may have any length"))
    }

    /// The proof of `claim` about `parts`.
    pub(super) fn prove(&self, claim: Claim, parts: &[&[u8]]) -> [u8; PROOF_BYTES] {
        self.over(claim, parts).finalize().into_bytes().into()
    }

    /// Whether `proof` proves it, in a time that tells nothing about how nearly.
    pub(super) fn is_proved(&self, claim: Claim, parts: &[&[u8]], proof: &[u8]) -> bool {
        self.over(claim, parts).verify_slice(proof).is_ok()
    }

    fn over(&self, claim: Claim, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in [claim.label()].iter().chain(parts) {
            // With its length, so that no byte can move from one part to the next.
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, Prover, Secret};

    #[test]
    fn a_proof_holds_for_its_secret_claim_and_parts_alone() {
        let secret = |text: &str| Secret::new(text).unwrap();
        let prover = Prover::new(Some(&secret("abc")));
        let proof = prover.prove(Claim::Server, &[b"ab", b"c"]);
        assert!(prover.is_proved(Claim::Server, &[b"ab", b"c"], &proof));
        assert!(!prover.is_proved(Claim::Client, &[b"ab", b"c"], &proof));
        assert!(!prover.is_proved(Claim::Server, &[b"a", b"bc"], &proof));
        assert!(!prover.is_proved(Claim::Server, &[b"ab", b"c"], &proof[..31]));
        assert!(!prover.is_proved(Claim::Server, &[b"ab", b"c"], &[]));
        for other in [Prover::new(Some(&secret("abd"))), Prover::new(None)] {
            assert!(!other.is_proved(Claim::Server, &[b"ab", b"c"], &proof));
        }
    }

    #[test]
    fn an_empty_secret_is_refused_and_none_is_printed() {
        assert!(Secret::new([]).is_err());
        let secret = Secret::new("hunter2").unwrap();
        let printed = format!("{secret:?} {:?}", Prover::new(Some(&secret)));
        assert_eq!(printed, "Secret(..) Prover(..)");
    }
}
