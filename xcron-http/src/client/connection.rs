//! A connection to a server: TCP, TLS where the URL asks for it, and HTTP/1.1 over them.

use super::endpoint::Endpoint;
use super::error::ClientError;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;

/// The most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 65_536;

/// A connection; dropping it closes it, whatever is under way.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: AbortHandle,
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// The connection was closed meanwhile; here is the request, of which not a byte has left.
    Unsent(Box<Request<Full<Bytes>>>),
    /// What went wrong.
    Failed(String),
}

impl Connection {
    /// A new one.
    pub(super) async fn dial(endpoint: &Endpoint, tls: &TlsConnector) -> Result<Self, String> {
        let address = (endpoint.host.as_str(), endpoint.port);
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let Some(name) = &endpoint.tls_name else {
            return Self::over(stream).await;
        };
        let stream = tls.connect(name.clone(), stream).await;
        Self::over(stream.map_err(|error| format!("TLS: {error}"))?).await
    }

    async fn over<S>(stream: S) -> Result<Self, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake =
            Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await;
        let (sender, driver) = handshake.map_err(|error| described(&error))?;
        // Whoever waits for an answer is told how it ended.
        let task = tokio::spawn(async move { drop(driver.await) }).abort_handle();
        Ok(Self { sender, task })
    }

    /// Whether it takes another request; waits for the rest of the last answer.
    pub(super) async fn is_ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends `request`; the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        self.sender.try_send_request(request).await.map_err(|mut error| {
            let unsent = error.take_message();
            unsent.map_or_else(
                || NoAnswer::Failed(described(error.error())),
                |request| NoAnswer::Unsent(Box::new(request)),
            )
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An error with what caused it.
pub(super) fn described(error: &hyper::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// TLS that trusts what `pem` holds, or the roots of Mozilla.
pub(super) fn tls(pem: Option<&[u8]>) -> Result<TlsConnector, ClientError> {
    let refuse = |error: &dyn Error| {
        ClientError::Settings(format!("the root certificates cannot be used: {error}"))
    };
    let mut roots = RootCertStore::empty();
    match pem {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| refuse(&error))?;
                roots.add(certificate).map_err(|error| refuse(&error))?;
            }
        }
    }
    if roots.is_empty() {
        let problem = "the root certificates cannot be used: there is none, expected PEM";
        return Err(ClientError::Settings(problem.to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
