//! Backups on their way: whole, broken off, slow, and abandoned.

use crate::clusters::{Chunk, Scripted};
use crate::server::{PATIENCE, Reply, TestServer, quick, read_to_end};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Sender;
use tokio::time::{sleep, timeout};
use xcron_core::MemoryStore;
use xcron_http::{Cluster, DispatchSettings, HttpDispatcher, ServerSettings};

const GET: &[u8] = b"GET /xcron/cluster/backup HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
/// What a chunked body ends with when it is whole.
const LAST: &str = "\r\n0\r\n\r\n";

async fn server(settings: ServerSettings) -> (TestServer, Arc<Scripted>) {
    let cluster = Arc::new(Scripted::sound());
    let dispatcher = HttpDispatcher::new(DispatchSettings::default()).unwrap();
    let (store, dispatcher) = (Arc::new(MemoryStore::new()), Arc::new(dispatcher));
    let shared = Arc::clone(&cluster) as Arc<dyn Cluster>;
    let server = TestServer::clustered(store, dispatcher, settings, Some(shared)).await;
    (server, cluster)
}

async fn send(sender: &Sender<Chunk>, chunk: Result<&'static [u8], &str>) {
    let chunk = chunk.map(Bytes::from_static).map_err(str::to_owned);
    sender.send(chunk).await.unwrap();
}

async fn asking(server: &TestServer) -> TcpStream {
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    stream
}

/// Waits until the server takes no more of a backup.
async fn closed(sender: &Sender<Chunk>) {
    timeout(PATIENCE, sender.closed()).await.unwrap();
}

/// The pieces of a chunked body.
fn pieces(body: &str) -> Vec<String> {
    let (mut rest, mut pieces) = (body, Vec::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        pieces.push(after[..size].to_owned());
        rest = &after[size + 2..];
    }
    pieces
}

#[tokio::test]
async fn a_whole_backup_is_a_named_file() {
    let (server, cluster) = server(quick()).await;
    let sender = cluster.backing_up();
    let mut stream = asking(&server).await;
    for chunk in ["abc", "", "de"] {
        send(&sender, Ok(chunk.as_bytes())).await;
    }
    drop(sender);
    let reply = Reply::read(&read_to_end(&mut stream).await);
    assert_eq!((reply.status, pieces(&reply.text).concat()), (200, "abcde".to_owned()));
    assert!(reply.text.ends_with(LAST), "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    let disposition = "attachment; filename=\"xcron_1.backup\"";
    assert_eq!(reply.header("content-disposition"), Some(disposition));
    assert!(reply.header("x-request-id").is_some());
    assert_eq!(reply.header("content-length"), None);
}

#[tokio::test]
async fn a_backup_that_fails_half_way_never_looks_complete() {
    let (server, cluster) = server(quick()).await;
    let sender = cluster.backing_up();
    let mut stream = asking(&server).await;
    send(&sender, Ok(b"half of it")).await;
    send(&sender, Err("the disk failed")).await;
    let text = read_to_end(&mut stream).await;
    assert!(!text.ends_with(LAST), "{text}");
    assert!(!text.contains("the disk failed"), "{text}");
    closed(&sender).await;
    server.assert_serves("a broken backup").await;
}

#[tokio::test]
async fn a_backup_outlasts_the_deadlines_of_ordinary_answers() {
    let settings = ServerSettings { request_max: Duration::from_millis(50), ..quick() };
    let (server, cluster) = server(settings).await;
    let sender = cluster.backing_up();
    let mut stream = asking(&server).await;
    let reading = tokio::spawn(async move { read_to_end(&mut stream).await });
    let piece: &[u8] = &[b'x'; 65_536];
    for _ in 0..8 {
        send(&sender, Ok(piece)).await;
        sleep(settings.idle_max / 4).await;
    }
    drop(sender);
    let reply = Reply::read(&reading.await.unwrap());
    assert!(reply.text.ends_with(LAST));
    assert_eq!(pieces(&reply.text).concat().len(), 8 * piece.len());
}

#[tokio::test]
async fn a_client_that_stops_reading_is_dropped() {
    let (server, cluster) = server(quick()).await;
    let sender = cluster.backing_up();
    let mut stream = asking(&server).await;
    let endless = tokio::spawn(async move {
        while sender.send(Ok(Bytes::from_static(&[b'x'; 65_536]))).await.is_ok() {}
    });
    stream.read_exact(&mut [0; 100]).await.unwrap();
    timeout(PATIENCE, endless).await.unwrap().unwrap();
    let mut bytes = Vec::new();
    // The rest is what the kernel had taken; the end may be a reset.
    let _cut_off = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    assert!(!bytes.ends_with(LAST.as_bytes()));
    server.assert_serves("a client that stopped reading").await;
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_backup() {
    let (server, cluster) = server(quick()).await;
    let sender = cluster.backing_up();
    let stream = asking(&server).await;
    send(&sender, Ok(b"some of it")).await;
    drop(stream);
    closed(&sender).await;
    server.assert_serves("a client that went away").await;
}

#[tokio::test]
async fn two_backups_are_on_their_way_at_most() {
    let settings = ServerSettings { idle_max: Duration::from_secs(60), ..quick() };
    let (server, cluster) = server(settings).await;
    let mut under_way = Vec::new();
    for _ in 0..2 {
        let sender = cluster.backing_up();
        let stream = asking(&server).await;
        send(&sender, Ok(b"some of it")).await;
        send(&sender, Ok(b"more of it")).await; // the first was taken: it is on its way
        under_way.push((stream, sender));
    }
    let reply = Reply::read(&server.exchange(GET).await);
    assert_eq!((reply.status, reply.code()), (429, 1429));
    assert_eq!(reply.header("retry-after"), Some("1"));
    let (mut stream, sender) = under_way.remove(0);
    drop(sender);
    assert!(read_to_end(&mut stream).await.ends_with(LAST));
    drop(cluster.backing_up());
    assert_eq!(Reply::read(&server.exchange(GET).await).status, 200);
}

#[tokio::test]
async fn a_protocol_without_chunks_is_refused() {
    let (server, cluster) = server(quick()).await;
    let request = b"GET /xcron/cluster/backup HTTP/1.0\r\nhost: a\r\n\r\n";
    let reply = Reply::read(&server.exchange(request).await);
    assert_eq!((reply.status, reply.code()), (400, 1000));
    assert_eq!(reply.message(), "the version of HTTP is HTTP/1.0, expected HTTP/1.1");
    assert_eq!(cluster.asked(), [""; 0]);
}
