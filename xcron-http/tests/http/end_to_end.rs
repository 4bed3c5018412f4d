//! From createTask over HTTP to the callback at its moment.

use crate::server::{TestServer, quick};
use crate::sink::Sink;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use xcron_core::{Clock, MemoryStore, SystemClock};
use xcron_http::{DispatchSettings, HttpDispatcher};

async fn start() -> (TestServer, tokio::task::JoinHandle<()>) {
    let dispatcher = HttpDispatcher::new(DispatchSettings::default()).unwrap();
    let store = Arc::new(MemoryStore::new());
    let server = TestServer::dispatching(store, Arc::new(dispatcher), quick()).await;
    let scheduler = server.scheduler.clone();
    let engine = tokio::spawn(async move {
        scheduler.run(std::future::pending()).await.unwrap();
    });
    (server, engine)
}

async fn until_ended(server: &TestServer, id: &str, runs: u64) -> Value {
    for _ in 0..1_000 {
        let shown = server.get(&format!("/xcron/queryTask?task_id={id}")).await;
        if shown.data()["run_count"].as_u64().unwrap() >= runs {
            return shown.data().clone();
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} did not run {runs} times");
}

#[tokio::test]
async fn a_callback_arrives_at_its_second_and_never_early() {
    let sink = Sink::answering("200 OK", "").await;
    let (server, engine) = start().await;
    let due = SystemClock::new().now().as_secs() + 2;
    let task = json!({"task_id": "pay", "type": 2, "format": due.to_string(),
        "callback": {"url": sink.url(), "body": {"amount": 7}}});
    assert_eq!(server.create(&task).await.code(), 0);
    while sink.requests().is_empty() {
        assert!(SystemClock::new().now().as_secs() < due + 5, "it never came");
        sleep(Duration::from_millis(1)).await;
    }
    assert!(SystemClock::new().now().as_secs() >= due, "it came early");
    assert!(sink.requests()[0].contains(&format!("xcron-run-id: pay@{due}\r\n")));
    assert!(sink.requests()[0].ends_with("\r\n\r\n{\"amount\":7}"));
    let shown = until_ended(&server, "pay", 1).await;
    assert_eq!((&shown["state"], &shown["success_count"]), (&json!("finished"), &json!(1)));
    let run = &shown["last_runs"][0];
    assert_eq!(run["run_id"], json!(format!("pay@{due}")));
    assert_eq!(run["scheduled_time"], json!(due));
    assert_eq!((&run["status"], &run["http_status"]), (&json!("succeeded"), &json!(200)));
    assert_eq!((&run["attempt"], &run["error"]), (&json!(1), &Value::Null));
    assert!(run["started_at"].as_i64().unwrap() >= due);
    assert!(server.metrics.encode().contains("xcron_fired_total{result=\"succeeded\"} 1"));
    engine.abort();
}

#[tokio::test]
async fn a_refusal_ends_the_run_and_shows_why() {
    let sink = Sink::answering("410 Gone", "").await;
    let (server, engine) = start().await;
    let now = SystemClock::new().now().as_secs();
    let task = json!({"task_id": "gone", "type": 2, "format": now.to_string(),
        "callback": {"url": sink.url()}});
    assert_eq!(server.create(&task).await.code(), 0);
    let shown = until_ended(&server, "gone", 1).await;
    assert_eq!(shown["failure_count"], json!(1));
    let run = &shown["last_runs"][0];
    assert_eq!((&run["status"], &run["http_status"]), (&json!("failed"), &json!(410)));
    assert_eq!(run["error"], json!("answered 410 Gone"));
    assert_eq!(sink.requests().len(), 1);
    engine.abort();
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_under_the_same_run() {
    let sink = Sink::answering("500 Oops", "").await;
    let (server, engine) = start().await;
    let now = SystemClock::new().now().as_secs();
    let task = json!({"task_id": "again", "type": 2, "format": now.to_string(),
        "retry": {"max_attempts": 2}, "callback": {"url": sink.url()}});
    assert_eq!(server.create(&task).await.code(), 0);
    let shown = until_ended(&server, "again", 1).await;
    assert_eq!(shown["last_runs"][0]["attempt"], json!(2));
    let requests = sink.requests();
    assert_eq!(requests.len(), 2);
    for (request, attempt) in requests.iter().zip(1..) {
        assert!(request.contains(&format!("idempotency-key: again@{now}\r\n")));
        assert!(request.contains(&format!("xcron-attempt: {attempt}\r\n")));
    }
    engine.abort();
}
