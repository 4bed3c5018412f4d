//! The attempts of a run one by one, from what a target answers to what `listRuns` shows.

use crate::server::{TestServer, quick};
use crate::sink::{Act, Sink, reply};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use xcron_core::testing::sample::{attempted, create, due_at, id, succeeded};
use xcron_core::{Change, Clock, MemoryStore, RunEnd, RunRecord, Store, SystemClock};

async fn runs(server: &TestServer, query: &str) -> (Vec<Value>, Option<String>, usize) {
    let reply = server.get(&format!("/xcron/listRuns?{query}")).await;
    assert_eq!(reply.code(), 0, "{query}: {reply:?}");
    let cursor = reply.data()["next_cursor"].as_str().map(str::to_owned);
    (reply.data()["runs"].as_array().unwrap().clone(), cursor, reply.text.len())
}

/// The run of the task `flaky` once it has ended.
async fn ended(server: &TestServer) -> Value {
    for _ in 0..1_000 {
        let (mut found, _, _) = runs(server, "task_id=flaky&attempts=true").await;
        if found[0]["ended_at"].is_i64() {
            return found.remove(0);
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the run did not end");
}

#[tokio::test]
async fn each_attempt_is_listed_with_what_became_of_it() {
    // The last kept byte would be half of a character.
    let long = format!("\0x{}", "ä".repeat(1_023));
    let answers = vec![
        reply("500 Oops", "", &format!("!{}", "ä".repeat(1_024))),
        // Says nothing until the attempt has taken as long as it may.
        Vec::new(),
        reply("200 OK", "", &long),
    ];
    let sink = Sink::start(Act::SayInTurn(answers)).await;
    let server = TestServer::with(Arc::new(MemoryStore::new()), quick()).await;
    let scheduler = server.scheduler.clone();
    let engine = tokio::spawn(async move { scheduler.run(std::future::pending()).await });
    let now = SystemClock::new().now().as_secs();
    let task = json!({"task_id": "flaky", "type": 2, "format": now.to_string(),
        "timeout_seconds": 1, "retry": {"max_attempts": 9, "max_backoff_seconds": 1},
        "callback": {"url": sink.url()}});
    assert_eq!(server.create(&task).await.code(), 0);
    let run = ended(&server).await;
    assert_eq!((&run["status"], &run["attempt"]), (&json!("succeeded"), &json!(3)));
    let attempts = run["attempts"].as_array().unwrap();
    let brief = |name: &str| attempts.iter().map(|made| made[name].clone()).collect::<Vec<_>>();
    assert_eq!(brief("attempt"), [1, 2, 3]);
    assert_eq!(brief("node"), [1, 1, 1]);
    assert_eq!(brief("status"), ["failed", "failed", "succeeded"]);
    assert_eq!(brief("http_status"), [json!(500), Value::Null, json!(200)]);
    let error = attempts[0]["error"].as_str().unwrap();
    assert!(error.starts_with("answered 500 Internal Server Error: !ää"), "{error}");
    assert_eq!(brief("error")[1..], [json!("no answer within 1 s"), Value::Null]);
    let odd = format!("!{}", "ä".repeat(511));
    let last = format!("\0x{}", "ä".repeat(511));
    assert_eq!((odd.len(), last.len()), (1_023, 1_024), "2 KiB are cut between characters");
    assert_eq!(brief("response"), [json!(odd), Value::Null, json!(last)]);
    assert!(attempts[1]["latency_ms"].as_u64().unwrap() >= 900, "{run}");
    for made in attempts {
        let second = |name: &str| made[name].as_i64().unwrap();
        assert!(second("started_at") >= now && second("ended_at") >= second("started_at"));
    }

    let shown = server.get("/xcron/queryTask?task_id=flaky&attempts=true").await;
    assert_eq!(shown.data()["last_runs"][0]["attempts"], run["attempts"]);
    for query in ["queryTask?task_id=flaky", "listRuns", "listRuns?attempts=false"] {
        let shown = server.get(&format!("/xcron/{query}")).await;
        assert!(!shown.text.contains("\"attempts\""), "only where they are asked for: {query}");
    }
    let document = server.get("/openapi.json").await.body;
    let described = document["components"]["schemas"]["Attempt"]["properties"].as_object();
    let described: BTreeSet<&String> = described.unwrap().keys().collect();
    assert_eq!(described, attempts[0].as_object().unwrap().keys().collect());
    engine.abort();
}

#[tokio::test]
async fn an_open_run_lists_the_attempts_that_have_ended() {
    let store = Arc::new(MemoryStore::new());
    let mut state = xcron_core::testing::sample::sending(9, 2, store.holder());
    state.runs[0].earlier = vec![attempted(1, "busy")];
    store.commit(vec![create("t", state)]).await.unwrap()[0].unwrap();
    let server = TestServer::with(store, quick()).await;
    let shown = server.get("/xcron/queryTask?task_id=t&attempts=true").await;
    let run = &shown.data()["open_runs"][0];
    assert_eq!((&run["status"], &run["attempt"]), (&json!("running"), &json!(2)));
    let made = json!([{"attempt": 1, "node": 1, "started_at": 1, "ended_at": 1, "latency_ms": 0,
        "status": "failed", "http_status": 503, "error": null, "response": "busy"}]);
    assert_eq!(run["attempts"], made);
    assert_eq!(runs(&server, "attempts=true").await.0[0]["attempts"], made);
}

#[tokio::test]
async fn a_page_of_runs_ends_early_when_it_gets_long() {
    const TASKS: usize = 30;
    const EACH: usize = 4;
    let store = Arc::new(MemoryStore::new());
    // Each byte becomes six.
    let answer = "\u{1}".repeat(1_024);
    for number in 0..TASKS {
        let name = format!("t{number:02}");
        let created = store.commit(vec![create(&name, due_at(1))]).await.unwrap()[0].unwrap();
        let earlier: Vec<_> = (1..=3).map(|attempt| attempted(attempt, &answer)).collect();
        let failed = |second| RunRecord {
            end: RunEnd::Failed,
            attempts: 4,
            earlier: earlier.clone(),
            ..succeeded(second)
        };
        let ended = (1..=EACH as i64).map(failed).collect();
        let (id, state) = (id(&name), due_at(9));
        let put = Change::Put { id, expected: created, definition: None, state, ended };
        store.commit(vec![put]).await.unwrap()[0].unwrap();
    }
    let server = TestServer::with(store, quick()).await;
    let (all, cursor, _) = runs(&server, "status=failed&limit=1000").await;
    assert_eq!((all.len(), cursor), (TASKS * EACH, None));
    let (mut paged, mut pages) = (Vec::new(), 0);
    let mut query = "status=failed&limit=1000&attempts=true".to_owned();
    loop {
        let (page, cursor, bytes) = runs(&server, &query).await;
        assert!(bytes < 1_200_000 && !page.is_empty(), "{bytes} bytes");
        paged.extend(page.into_iter().map(|run| run["run_id"].clone()));
        pages += 1;
        let Some(cursor) = cursor else { break };
        query = format!("status=failed&limit=1000&attempts=true&cursor={cursor}");
    }
    assert!(pages > 1);
    assert_eq!(paged, all.iter().map(|run| run["run_id"].clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn attempts_are_asked_for_by_true_or_false() {
    let server = TestServer::start().await;
    for path in ["listRuns?attempts=yes", "queryTask?task_id=t&attempts=1"] {
        let refused = server.get(&format!("/xcron/{path}")).await;
        assert_eq!((refused.status, refused.code()), (400, 1000), "{path}");
        assert!(refused.message().contains("attempts"), "{refused:?}");
        assert!(refused.message().contains("expected true or false"), "{refused:?}");
    }
}
