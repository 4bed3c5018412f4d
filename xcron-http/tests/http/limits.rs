//! Limits on connections and requests, and an orderly stop.

use crate::server::{Reply, TestServer, quick, read_to_end, sound};
use crate::stores::{Broken, Slow};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use xcron_core::{Effect, MemoryStore, StoreErrorKind};
use xcron_http::ServerSettings;

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_room_is_made_again() {
    let settings = ServerSettings { connections_max: 2, ..quick() };
    let server = TestServer::with(Arc::new(MemoryStore::new()), settings).await;
    let (first, second) = (server.connect().await, server.connect().await);
    let text = read_to_end(&mut server.connect().await).await;
    let reply = Reply::read(&text);
    assert_eq!((reply.status, reply.code()), (429, 1429));
    assert_eq!(*reply.data(), json!({"effect": "none"}));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    drop((first, second));
    while server.get("/healthz").await.status == 429 {}
    server.assert_serves("an overload").await;
}

#[tokio::test]
async fn a_request_too_many_is_told_so_and_health_is_answered() {
    let settings = ServerSettings { requests_in_flight_max: 0, ..quick() };
    let server = TestServer::with(Arc::new(MemoryStore::new()), settings).await;
    let reply = server.create(&sound()).await;
    assert_eq!((reply.status, reply.code()), (429, 1429));
    assert_eq!(*reply.data(), json!({"effect": "none"}));
    let reply = server.get("/xcron/queryTask?task_id=a").await;
    assert_eq!((reply.code(), reply.data()), (1429, &json!({})));
    server.assert_serves("an overload").await;
}

#[tokio::test]
async fn an_idle_connection_is_used_again_and_closed_in_the_end() {
    let server = TestServer::start().await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let text = read_to_end(&mut stream).await;
    assert_eq!(text.matches("HTTP/1.1 200").count(), 3);
}

#[tokio::test]
async fn a_stop_closes_idle_connections_at_once_and_silent_ones_at_the_end() {
    let server = TestServer::with(
        Arc::new(MemoryStore::new()),
        ServerSettings { silence_max: Duration::from_secs(60), ..quick() },
    )
    .await;
    let addr = server.addr;
    let mut half = server.connect().await;
    half.write_all(b"GET /healthz HT").await.unwrap();
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop().await;
    assert!(read_to_end(&mut idle).await.contains("200"));
    assert_eq!(read_to_end(&mut half).await, "");
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let broken = Broken::new(StoreErrorKind::Unavailable, Effect::Unknown);
    let server = TestServer::with(Arc::new(broken), quick()).await;
    let mut ids = std::collections::BTreeSet::new();
    for path in ["/", "/openapi.json", "/healthz", "/readyz", "/nowhere", "/xcron/createTask"] {
        let reply = server.get(path).await;
        assert!(ids.insert(reply.header("x-request-id").unwrap().to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_client_that_has_said_all_it_wants_to_say_gets_its_answer() {
    let server = TestServer::with(Arc::new(Slow(MemoryStore::new())), quick()).await;
    let mut stream = server.connect().await;
    let request = b"GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(Reply::read(&read_to_end(&mut stream).await).code(), 0);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let settings = ServerSettings { request_max: Duration::from_millis(50), ..quick() };
    let server = TestServer::with(Arc::new(Slow(MemoryStore::new())), settings).await;
    let reply = server.create(&sound()).await;
    assert_eq!((reply.status, reply.code()), (503, 1503));
    assert_eq!(*reply.data(), json!({"effect": "unknown"}));
}
