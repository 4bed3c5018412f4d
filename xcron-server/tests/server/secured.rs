//! TLS on the API's port of a real server, and the signal that renews its certificate.

use crate::process::{Home, PATIENCE, Server};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

type Certificate = CertifiedKey<KeyPair>;

fn certificate() -> Certificate {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

fn write(home: &Home, certificate: &Certificate) {
    let write = |name: &str, text: String| std::fs::write(home.path().join(name), text);
    write("cert.pem", certificate.cert.pem()).expect("writing a file");
    write("key.pem", certificate.signing_key.serialize_pem()).expect("writing a file");
}

fn home() -> (Home, Certificate) {
    let home = Home::new().with("XCRON_TLS__CERT", "cert.pem").with("XCRON_TLS__KEY", "key.pem");
    let certificate = certificate();
    write(&home, &certificate);
    (home, certificate)
}

/// What `/healthz` answers to a client that trusts `certificate` alone.
async fn health(server: &Server, certificate: &Certificate) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.cert.der().clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions that there are")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let exchange = async {
        let stream = TcpStream::connect(server.http).await?;
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let request = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(PATIENCE, exchange).await.expect("an answer in time")
}

async fn assert_serves(server: &Server, certificate: &Certificate) {
    let answer = health(server, certificate).await.expect("the certificate is the one it shows");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Waits until the server has said `words`, and is served meanwhile.
async fn until_said(home: &Home, server: &Server, certificate: &Certificate, words: &str) {
    let said = async {
        while !std::fs::read_to_string(home.stderr()).expect("a file").contains(words) {
            assert_serves(server, certificate).await;
        }
    };
    timeout(PATIENCE, said).await.expect("it is said in time");
}

#[tokio::test]
async fn a_hang_up_renews_the_certificate_and_a_bad_one_changes_nothing() {
    let (home, first) = home();
    let server = home.start().await;
    assert_serves(&server, &first).await;
    let mut plain = server.api().await;
    let refused = plain.get("/healthz").await;
    assert!(refused.is_err(), "nothing but TLS is spoken: {refused:?}");

    let second = certificate();
    write(&home, &second);
    assert_serves(&server, &first).await; // nobody has asked yet
    server.signal("HUP");
    let renewed = async { while health(&server, &second).await.is_err() {} };
    timeout(PATIENCE, renewed).await.expect("it is renewed in time");
    assert!(health(&server, &first).await.is_err(), "the old one is not shown any more");

    // The key of another certificate, as when the signal comes between two copies.
    let third = certificate();
    std::fs::write(home.path().join("key.pem"), third.signing_key.serialize_pem()).expect("a file");
    server.signal("HUP");
    until_said(&home, &server, &second, "cannot be used with tls.key").await;
    std::fs::remove_file(home.path().join("cert.pem")).expect("removing a file");
    server.signal("HUP");
    until_said(&home, &server, &second, "tls.cert: cert.pem: cannot be read").await;
    assert_serves(&server, &second).await;

    write(&home, &third);
    server.signal("HUP");
    let renewed = async { while health(&server, &third).await.is_err() {} };
    timeout(PATIENCE, renewed).await.expect("it is renewed in time");
    server.stop().await;
}

#[tokio::test]
async fn a_hang_up_without_tls_is_harmless() {
    let home = Home::new();
    let server = home.start().await;
    server.signal("HUP");
    let said = async {
        let words = "there is no certificate to read again";
        while !std::fs::read_to_string(home.stderr()).expect("a file").contains(words) {
            assert_eq!(server.api().await.page("/healthz").await.0, 200);
        }
    };
    timeout(PATIENCE, said).await.expect("it is said in time");
    server.stop().await;
}
