//! TLS on a server's port, with a certificate that can be changed while it serves.

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The one protocol that is spoken inside.
const HTTP_1_1: &[u8] = b"http/1.1";

/// The certificate that a server shows; clones show the same one.
///
/// ```
/// use xcron_http::ServerTls;
///
/// let error = ServerTls::from_pem(b"", b"").unwrap_err();
/// assert_eq!(error.to_string(), "the certificate cannot be used: there is none in it");
/// ```
#[derive(Clone)]
pub struct ServerTls(Arc<RwLock<Arc<ServerConfig>>>);

impl ServerTls {
    /// From the chain of a certificate and its key, both in PEM.
    ///
    /// # Errors
    /// When one of them cannot be read, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, InvalidTls> {
        Ok(Self(Arc::new(RwLock::new(config(chain, key)?))))
    }

    /// Shows another certificate from the next connection on.
    ///
    /// # Errors
    /// When the new one cannot be used; then the old one stays.
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> Result<(), InvalidTls> {
        let config = config(chain, key)?;
        // Nobody leaves it half written: what is under the lock is one pointer.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// TLS inside `stream`, once its client has shaken hands.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(config).accept(stream).await
    }
}

impl fmt::Debug for ServerTls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls")
    }
}

/// Why a certificate cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be used: {problem}")]
pub struct InvalidTls {
    what: &'static str,
    problem: String,
}

fn config(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, InvalidTls> {
    let invalid = |what, problem: String| InvalidTls { what, problem };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.map_err(|error| invalid("the certificate", error.to_string()))?;
    if chain.is_empty() {
        return Err(invalid("the certificate", "there is none in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| invalid("the key", error.to_string()))?;
    let unusable = |error: rustls::Error| invalid("the certificate", error.to_string());
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(Arc::new(config))
}
