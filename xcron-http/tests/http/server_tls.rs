//! TLS on a server's port: who speaks it is served, whoever does not is ended, and the certificate
//! changes while it serves.

use crate::server::{PATIENCE, Reply, quick, read_to_end};
use axum::Router;
use axum::routing::get;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use xcron_http::{Port, Server, ServerSettings, ServerTls};

const LARGE: usize = 1 << 20;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// A certificate for `localhost`, signed by itself.
fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

fn pem(certificate: &CertifiedKey<KeyPair>) -> (String, String) {
    (certificate.cert.pem(), certificate.signing_key.serialize_pem())
}

/// A server that speaks TLS.
struct Secured {
    addr: SocketAddr,
    tls: ServerTls,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Secured {
    fn start(certificate: &CertifiedKey<KeyPair>, settings: ServerSettings) -> Self {
        let (chain, key) = pem(certificate);
        let tls = ServerTls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let router = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/large", get(|| async { "x".repeat(LARGE) }));
        let port = Port::take("127.0.0.1:0".parse().unwrap()).unwrap();
        let server = Server::listen(port, router, settings).unwrap().with_tls(tls.clone());
        let addr = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server.run(async move {
            let _dropped = stopped.await;
        }));
        Self { addr, tls, stop: Some(stop), served }
    }

    async fn stop(mut self) {
        self.stop.take();
        timeout(PATIENCE, self.served).await.unwrap().unwrap();
    }

    async fn connect(&self) -> TcpStream {
        timeout(PATIENCE, TcpStream::connect(self.addr)).await.unwrap().unwrap()
    }

    /// A connection of a client that trusts `certificate` and nothing else.
    async fn shake(
        &self,
        certificate: &CertifiedKey<KeyPair>,
        version: &'static SupportedProtocolVersion,
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.cert.der().clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        timeout(PATIENCE, connector.connect(name, self.connect().await)).await.unwrap()
    }

    async fn assert_serves(&self, certificate: &CertifiedKey<KeyPair>) {
        let mut stream = self.shake(certificate, &TLS13).await.unwrap();
        assert_eq!(ask(&mut stream, REQUEST).await.text, "hello");
    }
}

/// One answer on a connection that ends after it.
async fn ask(stream: &mut TlsStream<TcpStream>, request: &[u8]) -> Reply {
    stream.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    Reply::read(&String::from_utf8(bytes).unwrap())
}

#[tokio::test]
async fn who_speaks_tls_is_served() {
    let certificate = certificate();
    let server = Secured::start(&certificate, quick());
    for version in [&TLS12, &TLS13] {
        let mut stream = server.shake(&certificate, version).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let request = b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let reply = ask(&mut stream, request).await;
        assert_eq!(reply.status, 200, "the first of two answers on one connection");
        assert!(reply.text.ends_with(&"x".repeat(LARGE)));
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_speaks_something_else_is_ended_and_harms_nobody() {
    let certificate = certificate();
    let server = Secured::start(&certificate, quick());
    for bytes in
        [REQUEST, b"\0\0\0\0\0\0\0\0", b"\x16\x03\x01\xff\xff", b"SSH-2.0-x\r\n", &[0; 9_999]]
    {
        let mut stream = server.connect().await;
        let _cut_off = stream.write_all(bytes).await;
        let said = read_to_end(&mut stream).await;
        assert!(!said.contains("HTTP"), "{said}");
    }
    server.assert_serves(&certificate).await;
}

#[tokio::test]
async fn a_slow_handshake_is_ended() {
    let certificate = certificate();
    let settings = ServerSettings {
        silence_max: Duration::from_secs(60),
        head_max: Duration::from_secs(60),
        handshake_max: Duration::from_millis(100),
        ..quick()
    };
    let server = Secured::start(&certificate, settings);
    for bytes in [&b""[..], b"\x16\x03\x01\x02"] {
        let mut stream = server.connect().await;
        stream.write_all(bytes).await.unwrap();
        assert_eq!(read_to_end(&mut stream).await, "", "{bytes:?}");
    }
    server.assert_serves(&certificate).await;
}

#[tokio::test]
async fn who_says_nothing_after_the_handshake_is_ended() {
    let certificate = certificate();
    let settings = ServerSettings { handshake_max: Duration::from_secs(60), ..quick() };
    let server = Secured::start(&certificate, settings);
    let mut stream = server.shake(&certificate, &TLS13).await.unwrap();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "the connection was held open");
}

#[tokio::test]
async fn a_handshake_too_many_is_closed_and_room_is_made_again() {
    let certificate = certificate();
    let settings =
        ServerSettings { handshakes_max: 1, handshake_max: Duration::from_secs(60), ..quick() };
    let server = Secured::start(&certificate, settings);
    let first = server.connect().await;
    assert_eq!(read_to_end(&mut server.connect().await).await, "");
    assert!(server.shake(&certificate, &TLS13).await.is_err());
    drop(first);
    while server.shake(&certificate, &TLS13).await.is_err() {}
    server.assert_serves(&certificate).await;
}

#[tokio::test]
async fn a_connection_too_many_is_closed() {
    let certificate = certificate();
    let settings = ServerSettings { connections_max: 1, silence_max: PATIENCE, ..quick() };
    let server = Secured::start(&certificate, settings);
    let mut held = server.shake(&certificate, &TLS13).await.unwrap();
    assert_eq!(read_to_end(&mut server.connect().await).await, "");
    assert_eq!(ask(&mut held, REQUEST).await.text, "hello");
}

#[tokio::test]
async fn another_certificate_is_shown_from_the_next_connection_on() {
    let (old, new) = (certificate(), certificate());
    let settings = ServerSettings { silence_max: PATIENCE, ..quick() };
    let server = Secured::start(&old, settings);
    let mut before = server.shake(&old, &TLS13).await.unwrap();
    assert!(server.shake(&new, &TLS13).await.is_err());

    let (chain, key) = pem(&new);
    server.tls.replace(chain.as_bytes(), key.as_bytes()).unwrap();
    assert!(server.shake(&old, &TLS13).await.is_err());
    server.assert_serves(&new).await;
    assert_eq!(ask(&mut before, REQUEST).await.text, "hello", "it goes on as it began");
}

#[tokio::test]
async fn a_bad_certificate_is_refused_and_the_old_one_stays() {
    let (old, other) = (certificate(), certificate());
    let server = Secured::start(&old, quick());
    let (chain, key) = pem(&old);
    let (_, another_key) = pem(&other);
    for (chain, key, expected) in [
        ("", key.as_str(), "the certificate cannot be used: there is none in it"),
        (&key, &key, "the certificate cannot be used: there is none in it"),
        (&chain, "", "the key cannot be used: "),
        (&chain, &chain, "the key cannot be used: "),
        (&chain, &another_key, "the certificate cannot be used: keys may not be consistent"),
    ] {
        let error = server.tls.replace(chain.as_bytes(), key.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    server.assert_serves(&old).await;
    assert_eq!(format!("{:?}", server.tls), "ServerTls");
}

#[tokio::test]
async fn a_handshake_under_way_does_not_hold_up_a_stop() {
    let certificate = certificate();
    let settings = ServerSettings {
        handshake_max: Duration::from_secs(600),
        drain: Duration::from_secs(600),
        ..quick()
    };
    let server = Secured::start(&certificate, settings);
    let mut half = server.connect().await;
    half.write_all(b"\x16\x03\x01").await.unwrap();
    server.assert_serves(&certificate).await;
    server.stop().await;
    assert_eq!(read_to_end(&mut half).await, "");
}
