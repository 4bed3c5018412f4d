//! What is written down of calls that concern the cluster, and what nothing ever tells.

use crate::access::{Held, TOKENS, ask, server, three};
use crate::clusters::Scripted;
use crate::server::quick;
use serde_json::Value;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tracing::subscriber::DefaultGuard;
use xcron_core::Effect;
use xcron_http::{Access, ClusterErrorKind, ServerSettings};

/// Everything that is logged by this thread, at any level.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logs {
    fn keep() -> (Self, DefaultGuard) {
        let logs = Self::default();
        let writer = logs.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        (logs, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
    }

    /// The lines of the audit log since the last time.
    fn audit(&self) -> Vec<Value> {
        let lines: Vec<Value> =
            self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.into_iter().filter(|line| line["target"] == "xcron::audit").collect()
    }
}

#[tokio::test]
async fn every_call_that_concerns_the_cluster_is_written_down_once_however_it_ends() {
    let (logs, _guard) = Logs::keep();
    let server = server(three(Access::by_token()), Arc::new(Scripted::sound()), quick()).await;
    let (remove, transfer, backup) = (
        "POST /xcron/cluster/removeNode",
        "POST /xcron/cluster/transferLeader",
        "GET /xcron/cluster/backup",
    );
    let [none, wrong, read, write, admin] = TOKENS;
    for (line, body, token, who, on, code) in [
        (remove, r#"{"node_id": 3}"#, admin, "admin", "node 3", 0),
        (remove, r#"{"node_id": 3}"#, write, "write", "the cluster", 1403),
        (remove, r#"{"node_id": 3}"#, wrong, "anonymous", "the cluster", 1401),
        (remove, r#"{"node_id": 3}"#, none, "anonymous", "the cluster", 1401),
        (remove, r#"{"node_id": "x"}"#, admin, "admin", "the cluster", 1000),
        (transfer, "{}", admin, "admin", "the cluster", 0),
        (transfer, r#"{"node_id": 2}"#, admin, "admin", "node 2", 0),
        (backup, "", admin, "admin", "the cluster", 0),
        (backup, "", read, "read", "the cluster", 1403),
        ("GET /xcron/cluster/removeNode", "", admin, "admin", "the cluster", 1405),
    ] {
        let reply = ask(&server, line, body, token).await;
        let written = logs.audit();
        assert_eq!(written.len(), 1, "{line} with {token:?}: {written:?}");
        let event = &written[0];
        assert_eq!(event["level"], "INFO");
        assert_eq!((event["who"].as_str(), event["on"].as_str()), (Some(who), Some(on)), "{line}");
        assert_eq!(event["what"].as_str(), line.split(' ').nth(1));
        assert_eq!(event["code"], code, "{line} with {token:?}");
        assert_eq!(event["request_id"].as_str(), reply.header("x-request-id"));
    }
    for line in ["GET /xcron/cluster", "GET /xcron/cluster/nowhere", "GET /healthz"] {
        ask(&server, line, "", admin).await;
        assert_eq!(logs.audit(), Vec::<Value>::new(), "{line}");
    }
}

#[tokio::test]
async fn an_act_that_failed_is_written_down_with_its_code() {
    let (logs, _guard) = Logs::keep();
    let failing = Scripted::failing(ClusterErrorKind::NoSuchNode, Effect::None);
    let server = server(Access::open(), Arc::new(failing), quick()).await;
    ask(&server, "POST /xcron/cluster/removeNode", r#"{"node_id": 9}"#, "").await;
    let written = logs.audit();
    assert_eq!(written.len(), 1);
    assert_eq!((&written[0]["who"], &written[0]["on"]), (&"anonymous".into(), &"node 9".into()));
    assert_eq!(written[0]["code"], 1404);
}

#[tokio::test]
async fn an_act_that_nobody_saw_the_end_of_is_written_down_without_a_code() {
    let (logs, _guard) = Logs::keep();
    let held = Held::new();
    let settings = ServerSettings { drain: Duration::ZERO, ..quick() };
    let server = server(Access::open(), held.clone(), settings).await;
    let mut stream = server.connect().await;
    let head = "POST /xcron/cluster/removeNode HTTP/1.1\r\nhost: a\r\ncontent-length: 14";
    stream.write_all(format!("{head}\r\n\r\n{{\"node_id\": 3}}").as_bytes()).await.unwrap();
    held.entered.acquire().await.unwrap().forget();
    server.stop().await;
    let written = logs.audit();
    assert_eq!(written.len(), 1);
    assert_eq!((&written[0]["on"], &written[0]["code"]), (&"node 3".into(), &Value::Null));
}

#[tokio::test]
async fn no_token_is_in_a_log_a_metric_or_an_answer() {
    let (logs, _guard) = Logs::keep();
    let access = three(Access::by_token());
    let mut told = format!("{access:?}");
    let server = server(access, Arc::new(Scripted::sound()), quick()).await;
    for token in TOKENS {
        for line in [
            "GET /xcron/cluster",
            "GET /xcron/nowhere",
            "GET /healthz",
            "POST /xcron/createTask",
            "POST /xcron/cluster/removeNode",
            "GET /xcron/cluster/backup",
            "BREW /xcron/cluster",
        ] {
            let reply = ask(&server, line, "{}", token).await;
            told.push_str(&reply.head);
            told.push_str(&reply.text);
        }
        let head = format!("GET /xcron/cluster HTTP/1.1\r\nauthorization: Basic {token}");
        told.push_str(&server.request(&head, "").await.text);
    }
    told.push_str(&server.metrics.encode());
    told.push_str(&logs.text());
    assert!(told.contains("xcron::audit"), "there are logs");
    for token in TOKENS.iter().filter(|token| !token.is_empty()) {
        assert!(!told.contains(token), "{token} is in {told}");
    }
}
