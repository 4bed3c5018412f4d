//! A token as it is kept: hashed, never shown, and compared in the same time wherever it differs.

use sha2::{Digest, Sha256};
use std::fmt;
use subtle::{Choice, ConstantTimeEq};

/// The SHA-256 of a token.
///
/// Tokens are long and random, so nothing slower is needed to keep them from being guessed.
///
/// ```
/// use xcron_http::TokenDigest;
///
/// let digest = TokenDigest::of(b"correct horse battery staple");
/// assert_eq!(digest, TokenDigest::of(b"correct horse battery staple"));
/// assert_eq!(format!("{digest:?}"), "TokenDigest");
/// ```
#[derive(Clone, Copy, Eq)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of `token`.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }
}

impl ConstantTimeEq for TokenDigest {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest")
    }
}
