//! Callbacks over TLS: sent to who proves to be the target, and to nobody else.
//!
//! The certificate is for `localhost` and 127.0.0.1, signed by itself, and its key is no secret.

use crate::deliveries::Deliveries;
use crate::server::PATIENCE;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use xcron_core::{Callback, Dispatcher, Outcome};
use xcron_http::DispatchSettings;

const CERTIFICATE: &[u8] = include_bytes!("tls/localhost.cert.der");
const KEY: &[u8] = include_bytes!("tls/localhost.key.der");

/// A target that speaks TLS; counts the bytes that come through.
async fn start() -> (SocketAddr, Arc<AtomicUsize>) {
    let key = PrivateKeyDer::try_from(KEY).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let received = Arc::<AtomicUsize>::default();
    let counting = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut bytes = [0; 4_096];
            counting.fetch_add(stream.read(&mut bytes).await.unwrap_or(0), Ordering::SeqCst);
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            let _gone = stream.write_all(answer).await;
            let _gone = stream.shutdown().await;
        }
    });
    (addr, received)
}

fn trusting() -> DispatchSettings {
    let root_certificates = vec![CERTIFICATE.to_vec()];
    DispatchSettings { root_certificates, ..DispatchSettings::default() }
}

#[tokio::test]
async fn a_target_that_proves_its_name_gets_the_callback() {
    let (addr, received) = start().await;
    let deliveries = Deliveries::with(trusting());
    for (id, host) in [("name", "localhost"), ("address", "127.0.0.1")] {
        let url = format!("https://{host}:{}/", addr.port());
        let outcome = deliveries.post(id, &url).await;
        assert_eq!(outcome, Outcome::succeeded().with_code(204), "{host}");
    }
    assert!(received.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn a_target_that_proves_nothing_gets_not_a_byte() {
    let (addr, received) = start().await;
    let deliveries = Deliveries::with(DispatchSettings::default());
    let callback = Callback::new(format!("https://localhost:{}/", addr.port()));
    let delivery = deliveries.claim("untrusted", callback, PATIENCE).await;
    let outcome = deliveries.dispatcher.dispatch(delivery.clone()).await;
    assert!(outcome.error.unwrap().contains("TLS"));
    assert_eq!((delivery.started_at(), received.load(Ordering::SeqCst)), (None, 0));

    let deliveries = Deliveries::with(trusting());
    let another = format!("https://127.0.0.2:{}/", addr.port());
    assert!(deliveries.post("another", &another).await.error.is_some());
    assert_eq!(received.load(Ordering::SeqCst), 0);
}
