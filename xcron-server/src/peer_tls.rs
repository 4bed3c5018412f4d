//! The files that make traffic between nodes TLS, read as they are.

use crate::config::PeerConfig;
use crate::error::ServerError;
use crate::pem;
use std::fmt;

/// The contents of three PEM files.
///
/// ```
/// use xcron_server::config::PeerConfig;
/// use xcron_server::peer_tls::PeerTls;
///
/// let none = PeerTls::read(&PeerConfig::default())?;
/// assert!(none.is_none());
/// # Ok::<(), xcron_server::error::ServerError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PeerTls {
    /// This node's certificate, and what it was signed by.
    pub cert: Vec<u8>,
    /// The key of that certificate.
    pub key: Vec<u8>,
    /// The certificates that those of the others must be signed by.
    pub ca: Vec<u8>,
}

impl PeerTls {
    /// Reads the files that `peer` names; `None` when it names none.
    ///
    /// # Errors
    /// When one of them cannot be read or is no PEM file.
    pub fn read(peer: &PeerConfig) -> Result<Option<Self>, ServerError> {
        if peer.tls_cert.is_empty() && peer.tls_key.is_empty() && peer.tls_ca.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            cert: pem::read("peer.tls_cert", &peer.tls_cert)?,
            key: pem::read("peer.tls_key", &peer.tls_key)?,
            ca: pem::read("peer.tls_ca", &peer.tls_ca)?,
        }))
    }
}

impl fmt::Debug for PeerTls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerTls")
    }
}

#[cfg(test)]
mod tests {
    use super::PeerTls;
    use crate::config::PeerConfig;

    #[test]
    fn three_files_are_read_and_a_bad_one_is_named_with_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let pem = "-----BEGIN CERTIFICATE-----\n";
        for name in ["cert", "key", "ca"] {
            std::fs::write(path(name), format!("{pem}{name}")).unwrap();
        }
        std::fs::write(path("text"), "no certificate").unwrap();
        std::fs::write(path("large"), vec![b'-'; 1_048_577]).unwrap();
        let mut peer = PeerConfig::default();
        (peer.tls_cert, peer.tls_key, peer.tls_ca) = (path("cert"), path("key"), path("ca"));
        let read = PeerTls::read(&peer).unwrap().unwrap();
        assert_eq!(read.key, format!("{pem}key").into_bytes());
        assert_eq!(format!("{read:?}"), "PeerTls");
        for (name, problem) in [
            ("absent", "cannot be read: No such file or directory (os error 2)"),
            (".", "cannot be read: Is a directory (os error 21)"),
            ("text", "is no PEM file, expected one that holds -----BEGIN"),
            ("large", "has more than 1048576 bytes"),
        ] {
            peer.tls_ca = path(name);
            let error = PeerTls::read(&peer).unwrap_err().to_string();
            assert_eq!(error, format!("peer.tls_ca: {}: {problem}", path(name)));
        }
    }
}
