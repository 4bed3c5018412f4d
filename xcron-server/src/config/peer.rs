//! The other nodes: who they are, how they reach this one, and what they prove to each other.

use super::secret::Secret;
use serde::{Deserialize, Serialize};

/// The other nodes; the default is a cluster of one.
///
/// ```
/// use xcron_server::config::{Layers, load};
///
/// let flags = ["peer.peer_hosts=127.0.0.1:8899,127.0.0.1:8898", "peer.secret_env=SECRET"];
/// let layers = Layers {
///     file: None,
///     variables: vec![("SECRET".into(), "sixteen bytes or more".into())],
///     flags: flags.map(str::to_owned).to_vec(),
/// };
/// let config = load(&layers).expect("all of it is good");
/// assert!(config.peer.has_peers());
/// assert_eq!(config.peer.secret().as_deref(), Some(&b"sixteen bytes or more"[..]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerConfig {
    /// The founding nodes, this one included; the same list on each of them.
    pub peer_hosts: Vec<String>,
    /// Members that let this node in.
    pub join: Vec<String>,
    /// How the others reach this node; `host` and `peer_port` when it is empty.
    pub advertise: String,
    /// The variable that holds the secret which peers prove to each other.
    pub secret_env: String,
    /// The certificate by which this node proves its name, with what it was signed by; a PEM file.
    pub tls_cert: String,
    /// The key of that certificate.
    pub tls_key: String,
    /// The certificates that those of the others must be signed by.
    pub tls_ca: String,
    /// What `secret_env` named, when the configuration was loaded.
    #[serde(skip)]
    pub(super) secret: Option<Secret>,
}

impl PeerConfig {
    /// Whether there are other nodes: a list of this node alone is a cluster of one.
    #[must_use]
    pub fn has_peers(&self) -> bool {
        !self.join.is_empty() || self.peer_hosts.len() > 1
    }

    /// `address` in the one spelling by which two of them are compared.
    #[must_use]
    pub fn canonical(address: &str) -> String {
        let endpoint = address.parse::<super::endpoint::Endpoint>();
        endpoint.map_or_else(|_| address.to_owned(), |endpoint| endpoint.to_string())
    }

    /// The secret that peers prove to each other, as the environment held it when the
    /// configuration was loaded; `None` when `secret_env` is empty.
    #[must_use]
    pub fn secret(&self) -> Option<Vec<u8>> {
        self.secret.as_ref().map(|secret| secret.bytes().to_vec())
    }
}
