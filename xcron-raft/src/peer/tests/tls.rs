//! TLS: both sides show a certificate of the authority of the cluster.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use tokio_rustls::TlsConnector;

use super::*;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for `host`, trusting those of `trusted`.
    fn sign(&self, host: &str, trusted: &Self) -> PeerTls {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let chain = params.signed_by(&key, &self.0).unwrap().pem();
        let (key, authority) = (key.serialize_pem(), trusted.0.pem());
        PeerTls::from_pem(chain.as_bytes(), key.as_bytes(), authority.as_bytes()).unwrap()
    }
}

fn party(identity: Identity, tls: PeerTls) -> Party {
    named(Party::new(Some(secret()), Some(tls)), identity)
}

/// A server with a certificate for `host`, at `localhost`.
fn serving(authority: &Authority, host: &str) -> (MemoryNet, Server) {
    let net = MemoryNet::new();
    let server = Server::start(&net, party(SERVER, authority.sign(host, authority)));
    (net, server)
}

async fn serves(authority: &Authority, server: &Server) {
    let peers = client(&server.net, party(CLIENT, authority.sign("a", authority)));
    assert_eq!(ask(&peers, ECHO, "x").await.unwrap(), "x");
}

#[tokio::test(start_paused = true)]
async fn two_nodes_of_one_authority_talk() {
    let authority = Authority::new();
    let (_net, server) = serving(&authority, "localhost");
    serves(&authority, &server).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_of_another_authority_is_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (net, server) = serving(&theirs, "localhost");
    let own = party(CLIENT, ours.sign("a", &ours));
    let outcome = ask(&client(&net, own.clone()), ECHO, "x").await;
    assert_eq!(unsent(outcome), CallErrorKind::Certificate);
    assert_eq!(own.counters().wrong_certificate, 1);
    assert_eq!(server.service.seen(), []);
    // The server sees no more than a client that went away.
    serves(&theirs, &server).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_of_another_authority_is_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (net, server) = serving(&ours, "localhost");
    let peers = client(&net, party(CLIENT, theirs.sign("a", &ours)));
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Certificate);
    wait_until(|| server.counts().wrong_certificate == 1).await;
    assert_eq!(server.service.seen(), []);
    serves(&ours, &server).await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    let (net, _server) = serving(&authority, "elsewhere");
    let peers = client(&net, party(CLIENT, authority.sign("a", &authority)));
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Certificate);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_certificate_is_refused_though_it_knows_the_secret() {
    let authority = Authority::new();
    let (net, server) = serving(&authority, "localhost");
    let mut roots = rustls::RootCertStore::empty();
    let pem = authority.0.pem();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = net.host(A).connect(B).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let mut frames = frames::of(Box::new(stream));
    let hello = (CLIENT, None, Lane::Raft);
    assert!(handshake::as_client(&mut frames, &member(CLIENT), B, hello).await.is_err());
    wait_until(|| server.counts().wrong_certificate == 1).await;
    assert_eq!(server.service.seen(), []);
    serves(&authority, &server).await;
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_asked_for_inside_tls_as_well() {
    let authority = Authority::new();
    let (net, server) = serving(&authority, "localhost");
    let other = Secret::new("guessed").unwrap();
    let tls = authority.sign("a", &authority);
    let peers = client(&net, named(Party::new(Some(other), Some(tls)), CLIENT));
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Secret);
    wait_until(|| server.counts().wrong_secret == 1).await;
    serves(&authority, &server).await;
}

#[tokio::test(start_paused = true)]
async fn with_and_without_tls_do_not_meet() {
    let authority = Authority::new();
    let (net, server) = serving(&authority, "localhost");
    let peers = client(&net, member(CLIENT));
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Unreachable);
    wait_until(|| server.counts().garbage == 1).await;
    serves(&authority, &server).await;

    let (net, server) = world();
    let peers = client(&net, party(CLIENT, authority.sign("a", &authority)));
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Unreachable);
    server.was_harmed_only_in(|counts| counts.too_long).await;
}
