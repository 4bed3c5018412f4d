//! Health, the monitor port, and what `/readyz` says of a store that is not.

use crate::server::{PATIENCE, Reply, TestServer, quick, sound};
use crate::stores::Broken;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use xcron_core::{Effect, StoreErrorKind};
use xcron_http::{Metrics, NodeRole, Port, Server, StoreSample, StoreStats, monitor_router};

#[tokio::test]
async fn a_node_is_ready_when_its_store_is() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/readyz").await.code(), 0);
    let broken = Broken::new(StoreErrorKind::Unavailable, Effect::Unknown);
    let server = TestServer::with(Arc::new(broken), quick()).await;
    let reply = server.get("/readyz").await;
    assert_eq!((reply.status, reply.code(), reply.message()), (503, 1503, "no quorum"));
    assert_eq!(reply.header("retry-after"), Some("1"));
    server.assert_serves("not being ready").await;
}

#[tokio::test]
async fn the_monitor_port_shows_metrics_and_changes_nothing() {
    let server = TestServer::start().await;
    assert_eq!(server.create(&sound()).await.code(), 0);
    server.get("/no/such/path").await;
    let router = monitor_router(&server.scheduler, quick(), &server.metrics);
    let port = Port::take("127.0.0.1:0".parse().unwrap()).unwrap();
    let monitor = Server::listen(port, router, quick()).unwrap();
    let addr = monitor.local_addr();
    let serving = tokio::spawn(monitor.run(std::future::pending()));
    let sampling = server.metrics.sample_host("/".into());
    // One sample is taken at once; the next would be five seconds away.
    let _sampled = timeout(Duration::from_millis(500), sampling).await;
    let get = async |path: &str| {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Reply::read(&timeout(PATIENCE, crate::server::read_to_end(&mut stream)).await.unwrap())
    };
    assert_eq!(get("/healthz").await.code(), 0);
    assert_eq!(get("/readyz").await.code(), 0);
    assert_eq!(get("/xcron/queryTask?task_id=a").await.code(), 1404);
    let metrics = get("/metrics").await;
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(metrics.header("x-request-id").is_some());
    let lines = [
        "xcron_tasks{state=\"active\"} 1",
        "xcron_in_flight 0",
        "xcron_dispatch_queue_age_seconds 0.0",
        "xcron_fired_total{result=\"succeeded\"} 0",
        "xcron_skipped_total{reason=\"misfire\"} 0",
        "xcron_retries_total 0",
        "xcron_lateness_seconds_count 0",
        "xcron_commit_seconds_count 1",
        "xcron_http_requests_total{path=\"/xcron/createTask\",code=\"200\"} 1",
        "xcron_http_requests_total{path=\"none\",code=\"404\"} 2",
        "xcron_http_request_seconds_count",
        "xcron_host_cpu_ratio",
        "xcron_host_memory_bytes{kind=\"total\"}",
        "xcron_host_disk_bytes{kind=\"free\"}",
        "xcron_host_load1",
        "xcron_host_network_bytes_total{direction=\"received\"}",
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
    ];
    for line in lines {
        let is_there = metrics.text.lines().any(|known| known.starts_with(line));
        assert!(is_there, "{line} in {}", metrics.text);
    }
    serving.abort();
}

/// A store that says the same whenever it is asked.
#[derive(Debug)]
struct Said(StoreSample);

impl StoreStats for Said {
    fn sample(&self) -> StoreSample {
        self.0.clone()
    }
}

fn gauges(sample: StoreSample) -> String {
    let metrics = Metrics::new();
    metrics.watch_store(Arc::new(Said(sample)));
    metrics.encode()
}

#[test]
fn a_cluster_is_shown_in_metrics() {
    let text = gauges(StoreSample {
        is_leader: Some(true),
        term: Some(7),
        log_lag: Some(3),
        log_bytes: Some(8_192),
        leader_changes: Some(2),
        snapshot_age: Some(Duration::from_millis(1_500)),
        dead_letter_runs: Some(4),
        nodes: vec![NodeRole::Follower, NodeRole::Leader, NodeRole::Follower],
        clock_offsets_ms: vec![(2, -250), (3, 1_000)],
        peer_rejections: vec![("secret", 5), ("cluster_id", 0)],
    });
    for line in [
        "xcron_raft_is_leader 1",
        "xcron_raft_term 7",
        "xcron_raft_log_lag 3",
        "xcron_raft_log_bytes_total 8192",
        "xcron_leader_changes_total 2",
        "xcron_snapshot_age_seconds 1.5",
        "xcron_dead_letter_runs 4",
        "xcron_cluster_nodes{role=\"leader\"} 1",
        "xcron_cluster_nodes{role=\"follower\"} 2",
        "xcron_cluster_nodes{role=\"learner\"} 0",
        "xcron_cluster_nodes{role=\"candidate\"} 0",
        "xcron_clock_skew_seconds{peer=\"2\"} -0.25",
        "xcron_clock_skew_seconds{peer=\"3\"} 1.0",
        "xcron_peer_rejected_total{reason=\"secret\"} 5",
        "xcron_peer_rejected_total{reason=\"cluster_id\"} 0",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
}

#[test]
fn a_store_shows_no_metric_of_what_it_does_not_have() {
    let text = gauges(StoreSample::default());
    let of_a_store = ["xcron_raft_", "xcron_cluster_", "xcron_peer_", "xcron_clock_", "leader"];
    for part in of_a_store {
        assert!(!text.contains(part), "{part} in {text}");
    }
}
