//! The limits of a dispatcher, in one place.

use super::signing::SigningSecrets;
use std::time::Duration;
use xcron_core::task::attempt::ANSWER_BYTES_MAX;

/// The named limits of an [`HttpDispatcher`](super::HttpDispatcher).
///
/// ```
/// use xcron_http::{DispatchSettings, HttpDispatcher};
///
/// let mut settings = DispatchSettings::default();
/// settings.deny.push("10.0.0.0/8".to_owned());
/// settings.allow.push("10.1.0.0/16".to_owned()); // wins
/// assert!(HttpDispatcher::new(settings).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispatchSettings {
    /// Networks that are not dialled, as `address/bits`.
    pub deny: Vec<String>,
    /// Networks that are dialled although they are denied.
    pub allow: Vec<String>,
    /// The most bytes of a callback's URL.
    pub url_bytes_max: usize,
    /// The most bytes of a callback's body.
    pub body_bytes_max: usize,
    /// The most headers of a callback.
    pub headers_max: usize,
    /// The most bytes of a callback's headers, names and values.
    pub header_bytes_max: usize,
    /// How long a connection may take to stand: names, TCP and TLS.
    pub connect_max: Duration,
    /// The most names looked up at a time: half of them slow ones, a quarter of them such as were
    /// answered at once before, and a quarter of them new.
    pub lookups_max: usize,
    /// The most connections to one destination that are new at a time: fewer than most servers
    /// queue before they accept them.
    pub new_connections_max: usize,
    /// How long a connection that has not answered yet counts as new.
    pub new_connection_for: Duration,
    /// How long a connection is kept while nobody uses it; less than most servers keep theirs.
    pub idle_max: Duration,
    /// The most idle connections to one destination.
    pub idle_per_destination_max: usize,
    /// The most idle connections.
    pub idle_connections_max: usize,
    /// The most bytes of an answer that are read.
    pub answer_bytes_max: usize,
    /// The most bytes of an answer that are kept; of more than
    /// [`ANSWER_BYTES_MAX`](xcron_core::task::attempt::ANSWER_BYTES_MAX) the rest is cut off.
    pub answer_kept_bytes_max: usize,
    /// The longest `retry-after` that is honoured.
    pub retry_after_max: Duration,
    /// The most URLs that are kept taken apart.
    pub targets_max: usize,
    /// What requests are signed with, if they are.
    pub signing: Option<SigningSecrets>,
    /// Certificates (DER) that are trusted beside the public ones.
    pub root_certificates: Vec<Vec<u8>>,
}

impl Default for DispatchSettings {
    fn default() -> Self {
        Self {
            deny: ["169.254.0.0/16", "fe80::/10", "0.0.0.0/8"].map(str::to_owned).to_vec(),
            allow: Vec::new(),
            url_bytes_max: 2_048,
            body_bytes_max: 65_536,
            headers_max: 32,
            header_bytes_max: 8_192,
            connect_max: Duration::from_secs(3),
            lookups_max: 256,
            new_connections_max: 64,
            new_connection_for: Duration::from_millis(100),
            idle_max: Duration::from_millis(3_500),
            idle_per_destination_max: 256,
            idle_connections_max: 1_024,
            answer_bytes_max: 65_536,
            answer_kept_bytes_max: ANSWER_BYTES_MAX,
            retry_after_max: Duration::from_secs(86_400),
            targets_max: 10_000,
            signing: None,
            root_certificates: Vec::new(),
        }
    }
}

/// A setting that cannot be read; the message names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DispatchSettingsError(pub(super) String);
