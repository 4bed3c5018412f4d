//! TLS between peers: each side shows a certificate signed by the authority of the cluster.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::counts::Wrong;
use crate::net::Stream;
use crate::{Error, ErrorKind};

/// The certificate of this node and the authority that signs those of all of them.
///
/// A certificate has to name the host under which the other nodes reach this one.
///
/// ```
/// use xcron_raft::{ErrorKind, PeerTls};
///
/// let error = PeerTls::from_pem(b"", b"", b"").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Invalid);
/// ```
#[derive(Clone, Debug)]
pub struct PeerTls {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl PeerTls {
    /// From the chain of this node's certificate, its key, and the certificates of the authority,
    /// each in PEM.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when one of them cannot be read or used.
    pub fn from_pem(chain: &[u8], key: &[u8], authority: &[u8]) -> Result<Self, Error> {
        let chain = certificates("the peer certificate", chain)?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| invalid("the key of the peer certificate", error))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates("the peer authority", authority)? {
            roots.add(certificate).map_err(|error| invalid("the peer authority", error))?;
        }
        let roots = Arc::new(roots);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let unusable = |error: rustls::Error| invalid("the peer certificate", error);

        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
                .build()
                .map_err(|error| invalid("the peer authority", error))?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(unusable)?;
        // Connections are few and live long: each one shows its certificate anew.
        server.send_tls13_tickets = 0;
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(unusable)?;
        client.resumption = Resumption::disabled();
        Ok(Self { server: Arc::new(server), client: Arc::new(client) })
    }

    /// TLS inside `stream`, to whoever is called by the host of `address`.
    pub(super) async fn connect(
        &self,
        stream: Box<dyn Stream>,
        address: &str,
    ) -> io::Result<Box<dyn Stream>> {
        let host = address.rsplit_once(':').map_or(address, |(host, _port)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let connector = TlsConnector::from(Arc::clone(&self.client));
        Ok(Box::new(connector.connect(name, stream).await?))
    }

    /// TLS inside `stream`, with a client that shows its certificate.
    pub(super) async fn accept(&self, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.server));
        Ok(Box::new(acceptor.accept(stream).await?))
    }
}

/// What `error` of a stream that may carry TLS says about the other side.
pub(super) fn wrong(error: &io::Error) -> Wrong {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        None => Wrong::Ended,
        Some(rustls::Error::InvalidMessage(_)) => Wrong::Garbage,
        Some(_) => Wrong::Certificate,
    }
}

fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| invalid(what, error))?;
    if certificates.is_empty() {
        return Err(invalid(what, "there is none in it"));
    }
    Ok(certificates)
}

fn invalid(what: &str, error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, format!("{what} cannot be used: {error}"))
}
