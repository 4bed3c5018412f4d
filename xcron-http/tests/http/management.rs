//! What may be asked of tasks that exist, over real sockets: each call, its fields and its errors.

use crate::server::{TestServer, quick, sound_but};
use serde_json::{Value, json};
use std::sync::Arc;
use xcron_core::testing::{ScriptedDispatcher, SimClock};
use xcron_core::{Clock, MemoryStore, Outcome, Timestamp};

/// A crontab task of this name.
fn cron(name: &str) -> Value {
    let mut task = sound_but("type", json!(1));
    (task["format"], task["task_id"]) = (json!("0 8 * * *"), json!(name));
    task
}

async fn shown(server: &TestServer, id: &str) -> Value {
    let reply = server.get(&format!("/xcron/queryTask?task_id={id}")).await;
    assert_eq!(reply.code(), 0, "{reply:?}");
    reply.data().clone()
}

async fn post(server: &TestServer, call: &str, body: Value) -> (u64, String, Value) {
    let reply = server.post(&format!("/xcron/{call}"), &body).await;
    (reply.code(), reply.message().to_owned(), reply.data().clone())
}

/// Lists by `query` and answers the values of `name` of what is found, and the cursor.
async fn list(server: &TestServer, query: &str, name: &str) -> (Vec<String>, Option<String>) {
    let reply = server.get(&format!("/xcron/{query}")).await;
    assert_eq!(reply.code(), 0, "{query}: {reply:?}");
    let data = reply.data();
    let items = data.get("tasks").or_else(|| data.get("runs")).and_then(Value::as_array);
    let text =
        |item: &Value| item[name].as_str().map_or_else(|| item[name].to_string(), Into::into);
    let cursor = data["next_cursor"].as_str().map(str::to_owned);
    (items.expect("a list").iter().map(text).collect(), cursor)
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let server = TestServer::start().await;
    let mut task = cron("t");
    task["callback"] = json!({"url": "http://127.0.0.1:9/a", "body": "x", "headers": {"a": "b"}});
    (task["labels"], task["misfire"]) = (json!({"k": "v"}), json!("fire_all"));
    task["retry"] = json!({"max_attempts": 7});
    task["timezone"] = json!("Europe/Paris");
    assert_eq!(server.create(&task).await.code(), 0);
    let before = shown(&server, "t").await;
    let table = [
        (json!({"name": "n"}), "name", json!("n")),
        (json!({"labels": {"x": "y"}}), "labels", json!({"x": "y"})),
        (json!({"format": "0 9 * * *"}), "format", json!("0 9 * * *")),
        (json!({"timezone": "Asia/Tokyo"}), "timezone", json!("Asia/Tokyo")),
        (json!({"dst_gap": "skip"}), "dst_gap", json!("skip")),
        (json!({"dst_fold": "both"}), "dst_fold", json!("both")),
        (json!({"start_time": 5}), "start_time", json!(5)),
        (json!({"end_time": 4_102_444_800_u64}), "end_time", json!(4_102_444_800_u64)),
        (json!({"max_runs": 3}), "max_runs", json!(3)),
        (json!({"misfire_window_seconds": 9}), "misfire_window_seconds", json!(9)),
        (json!({"overlap": "queue"}), "overlap", json!("queue")),
        (json!({"delivery": "at_most_once"}), "delivery", json!("at_most_once")),
        (json!({"timeout_seconds": 3}), "timeout_seconds", json!(3)),
        (json!({"jitter_seconds": 4}), "jitter_seconds", json!(4)),
    ];
    let mut expected = before.clone();
    for (version, (change, field, value)) in (2..).zip(table) {
        let mut body = change.clone();
        body["task_id"] = json!("t");
        let (code, message, data) = post(&server, "updateTask", body).await;
        assert_eq!((code, &data), (0, &json!({"task_id": "t", "version": version})), "{message}");
        (expected[field], expected["version"]) = (value, json!(version));
        let now = shown(&server, "t").await;
        // Another schedule has another next time.
        expected["next_time"] = now["next_time"].clone();
        assert_eq!(now, expected, "{change}");
    }
    let nested =
        json!({"task_id": "t", "callback": {"method": "PUT"}, "retry": {"max_age_seconds": 9}});
    assert_eq!(post(&server, "updateTask", nested).await.0, 0);
    let now = shown(&server, "t").await;
    assert_eq!(now["callback"]["method"], "PUT");
    assert_eq!(
        (&now["callback"]["url"], &now["callback"]["body"]),
        (&json!("http://127.0.0.1:9/a"), &json!("x"))
    );
    assert_eq!(
        (&now["retry"]["max_attempts"], &now["retry"]["max_age_seconds"]),
        (&json!(7), &json!(9))
    );
    let window = json!({"task_id": "u", "misfire": "fire_all"});
    assert_eq!(server.create(&cron("u")).await.code(), 0);
    assert_eq!(post(&server, "updateTask", window).await.0, 0);
    assert_eq!(shown(&server, "u").await["misfire_window_seconds"], 3_600, "it follows the policy");
    let one_shot = json!({"task_id": "u", "type": 2, "format": "4102444800"});
    assert_eq!(post(&server, "updateTask", one_shot).await.0, 0);
    assert_eq!(shown(&server, "u").await["next_time"], 4_102_444_800_u64);
}

#[tokio::test]
async fn what_an_update_sets_to_null_goes_back_to_its_default() {
    let server = TestServer::start().await;
    assert_eq!(server.create(&cron("plain")).await.code(), 0);
    let plain = shown(&server, "plain").await;
    let set = json!({
        "name": "n", "labels": {"k": "v"}, "timezone": "Asia/Tokyo", "dst_gap": "skip",
        "dst_fold": "both", "start_time": 5, "end_time": 4_102_444_800_u64, "max_runs": 3,
        "misfire": "fire_all", "misfire_window_seconds": 9, "overlap": "queue",
        "delivery": "at_most_once", "timeout_seconds": 3, "jitter_seconds": 4,
        "retry": {"max_attempts": 7, "max_age_seconds": 9},
    });
    let mut task = cron("t");
    task.as_object_mut().expect("a task").extend(set.as_object().expect("fields").clone());
    assert_eq!(server.create(&task).await.code(), 0);
    for name in set.as_object().expect("fields").keys() {
        assert_ne!(shown(&server, "t").await[name], plain[name], "{name} is set");
        let change = json!({"task_id": "t", name: null});
        let (code, message, _) = post(&server, "updateTask", change).await;
        assert_eq!(code, 0, "{name}: {message}");
        assert_eq!(shown(&server, "t").await[name], plain[name], "{name} is as without it");
    }
    let set = json!({"task_id": "t", "callback": {
        "body": "x", "method": "PUT", "headers": {"a": "b"},
    }, "retry": {"min_backoff_seconds": 5}});
    assert_eq!(post(&server, "updateTask", set).await.0, 0);
    let unset = json!({"task_id": "t", "retry": {"min_backoff_seconds": null}, "callback": {
        "body": null, "method": null, "headers": null, "url": null,
    }});
    assert_eq!(post(&server, "updateTask", unset).await.0, 0);
    let now = shown(&server, "t").await;
    assert_eq!((&now["callback"], &now["retry"]), (&plain["callback"], &plain["retry"]));
    let kept = json!({"task_id": "t", "type": null, "format": null, "callback": null});
    assert_eq!(post(&server, "updateTask", kept).await.0, 0);
    assert_eq!(shown(&server, "t").await["format"], plain["format"], "it has no default");
}

/// What is asked, the code of the answer, and a part of what it says.
const REFUSED: &[(&str, &str, u64, &str)] = &[
    ("updateTask", r#"{}"#, 1000, "task_id is missing, expected the id of a task"),
    ("updateTask", r#"{"task_id": "a b"}"#, 1000, "task_id is \"a b\", expected"),
    ("updateTask", r#"{"task_id": "no"}"#, 1404, "there is no task \"no\""),
    ("updateTask", r#"{"task_id": "t", "x": 1}"#, 1000, "x is unknown, expected one of task_id"),
    ("updateTask", r#"{"task_id": "t", "paused": true}"#, 1000, "paused is unknown"),
    (
        "updateTask",
        r#"{"task_id": "t", "version": 9}"#,
        1409,
        "version is 9, but the task has version 1",
    ),
    ("updateTask", r#"{"task_id": "t", "type": 3}"#, 1000, "format is missing"),
    ("updateTask", r#"{"task_id": "t", "type": 3, "format": "1"}"#, 1020, "type is 3"),
    ("updateTask", r#"{"task_id": "t", "type": 2}"#, 1000, "format is missing"),
    ("updateTask", r#"{"task_id": "t", "format": "x"}"#, 1001, "format"),
    ("updateTask", r#"{"task_id": "t", "type": 2, "format": "5"}"#, 1002, "in the past"),
    ("updateTask", r#"{"task_id": "t", "callback": {"url": "ftp://a/"}}"#, 1003, "url"),
    ("updateTask", r#"{"task_id": "t", "end_time": 5}"#, 1001, "never fires"),
    ("pauseTask", r#"{"task_id": "no"}"#, 1404, "there is no task \"no\""),
    ("pauseTask", r#"{"task_id": "t", "note": 5}"#, 1000, "note is a number, expected a string"),
    (
        "pauseTask",
        r#"{"task_id": "t", "x": 5}"#,
        1000,
        "x is unknown, expected one of task_id, note",
    ),
    ("resumeTask", r#"{"task_id": "no"}"#, 1404, "there is no task \"no\""),
    ("resumeTask", r#"[]"#, 1000, "body is no object"),
    ("triggerTask", r#"{"task_id": "no"}"#, 1404, "there is no task \"no\""),
    ("triggerTask", r#"{"task_id": "t", "x": 1}"#, 1000, "x is unknown"),
    ("retryRun", r#"{}"#, 1000, "run_id is missing, expected it alone"),
    ("retryRun", r#"{"run_id": "t"}"#, 1000, "run_id is t, expected the id of a run"),
    ("retryRun", r#"{"run_id": "t@5"}"#, 1404, "there is no failed run \"t@5\""),
    ("retryRun", r#"{"run_id": "no@5"}"#, 1404, "there is no task \"no\""),
    ("retryRun", r#"{"task_id": "t"}"#, 1000, "run_id is missing, expected it alone"),
    ("retryRun", r#"{"task_id": "t", "status": "open"}"#, 1000, "status is open, expected failed"),
    (
        "retryRun",
        r#"{"task_id": "t", "run_id": "t@5"}"#,
        1000,
        "run_id is missing, expected it alone",
    ),
    ("createTasks", r#"{}"#, 1000, "tasks is missing, expected an array of tasks"),
    ("createTasks", r#"{"tasks": {}}"#, 1000, "tasks is an object, expected an array"),
    ("deleteTasks", r#"{}"#, 1000, "task_ids is missing, expected either"),
    ("deleteTasks", r#"{"labels": {}}"#, 1000, "task_ids is missing, expected either"),
    ("deleteTasks", r#"{"task_ids": [5]}"#, 1000, "task_ids is a number, expected a string"),
    ("deleteTasks", r#"{"task_ids": [], "labels": {"a": "b"}}"#, 1000, "task_ids is missing"),
];

const REFUSED_QUERIES: &[(&str, u64, &str)] = &[
    ("audit?task_id=no", 1404, "there is no task \"no\""),
    ("audit?from=9&to=5", 1000, "to is before from"),
    ("audit?from=x", 1000, "from is x, expected an integer"),
    ("audit?detail=1", 1000, "detail is 1, expected true or false"),
    ("audit?cursor=a%20b", 1000, "cursor is a b, expected a next_cursor"),
    ("audit?x=1", 1000, "x is unknown, expected one of from"),
    ("listTasks?limit=0", 1000, "limit is 0, expected 1 to 1000"),
    ("listTasks?limit=1001", 1000, "limit is 1001, expected 1 to 1000"),
    ("listTasks?limit=x", 1000, "limit is x, expected an integer"),
    ("listTasks?type=3", 1020, "type is 3, expected 1 (periodic) or 2 (one-shot)"),
    ("listTasks?state=gone", 1000, "state is gone, expected active, paused or finished"),
    ("listTasks?label=a", 1000, "label is a, expected key:value"),
    ("listTasks?label=a:b&label=a:c", 1000, "label asks for two values of a"),
    ("listTasks?cursor=a%20b", 1000, "cursor is a b, expected a next_cursor"),
    ("listTasks?due_before=-1", 1000, "due_before is -1, expected 0 to"),
    ("listTasks?q=a&q=b", 1000, "q is there twice"),
    ("listTasks?x=1", 1000, "x is unknown, expected one of type"),
    ("listTasks?consistency=x", 1000, "consistency is x, expected linearizable or stale"),
    ("listRuns?task_id=no", 1404, "there is no task \"no\""),
    ("listRuns?task_id=a%20b", 1000, "task_id is \"a b\""),
    ("listRuns?status=gone", 1000, "status is gone, expected one of succeeded, failed"),
    ("listRuns?cursor=x", 1000, "cursor is x, expected a next_cursor"),
    ("listRuns?cursor=x@y.z", 1000, "cursor is x@y.z, expected a next_cursor"),
    ("listRuns?from=x", 1000, "from is x, expected an integer"),
    ("listRuns?limit=1001", 1000, "limit is 1001, expected 1 to 1000"),
    ("listRuns?x=1", 1000, "x is unknown, expected one of task_id"),
];

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_its_code_and_says_why() {
    let server = TestServer::start().await;
    assert_eq!(server.create(&cron("t")).await.code(), 0);
    for (call, body, code, message) in REFUSED {
        let body: Value = serde_json::from_str(body).expect("JSON");
        let (answered, said, _) = post(&server, call, body.clone()).await;
        assert_eq!(answered, *code, "{call} {body}: {said}");
        assert!(said.contains(message), "{call} {body}: {said}");
    }
    let note = json!({"task_id": "t", "note": "x".repeat(257)});
    let (code, said, _) = post(&server, "pauseTask", note).await;
    assert_eq!((code, &*said), (1000, "note has 257 bytes of text, expected at most 256"));
    for (query, code, message) in REFUSED_QUERIES {
        let reply = server.get(&format!("/xcron/{query}")).await;
        assert_eq!(reply.code(), *code, "{query}: {reply:?}");
        assert!(reply.message().contains(message), "{query}: {}", reply.message());
    }
    for labels in [|_| "label=a:b&".to_owned(), |n: usize| format!("label={n}:b&")] {
        let query = |times| (0..times).fold("/xcron/listTasks?".to_owned(), |q, n| q + &labels(n));
        assert_eq!(server.get(&query(16)).await.code(), 0);
        let reply = server.get(&query(17)).await;
        assert_eq!((reply.code(), reply.message()), (1000, "label is there more than 16 times"));
    }
    let reply = server.get("/xcron/queryTask?task_id=t").await;
    assert_eq!((reply.code(), &reply.data()["version"]), (0, &json!(1)), "left as it was");
}

#[tokio::test]
async fn a_task_is_paused_with_a_note_and_resumed() {
    let server = TestServer::start().await;
    assert_eq!(server.create(&cron("t")).await.code(), 0);
    assert_eq!(post(&server, "pauseTask", json!({"task_id": "t", "note": "why"})).await.0, 0);
    let now = shown(&server, "t").await;
    assert_eq!((&now["state"], &now["note"]), (&json!("paused"), &json!("why")));
    assert_eq!((&now["paused"], &now["next_time"]), (&json!(true), &Value::Null));
    assert_eq!(post(&server, "pauseTask", json!({"task_id": "t"})).await.0, 0, "again");
    assert_eq!(post(&server, "resumeTask", json!({"task_id": "t"})).await.0, 0);
    let now = shown(&server, "t").await;
    assert_eq!((&now["state"], &now["note"]), (&json!("active"), &Value::Null));
}

#[tokio::test]
async fn a_batch_has_a_result_for_each_item_in_order() {
    let server = TestServer::start().await;
    let mut other = cron("a");
    other["name"] = json!("another");
    let tasks = json!([cron("a"), {"type": 9}, cron("b"), 5, other, cron("a")]);
    let (code, _, data) = post(&server, "createTasks", json!({"tasks": tasks})).await;
    assert_eq!(code, 0);
    let results = data["results"].as_array().expect("results").clone();
    let codes: Vec<Value> = results.iter().map(|result| result["code"].clone()).collect();
    let none = Value::Null;
    assert_eq!(codes, [none.clone(), json!(1000), none.clone(), json!(1000), json!(1409), none]);
    assert_eq!(results[0], json!({"task_id": "a"}));
    assert!(results[1]["message"].as_str().is_some_and(|text| text.contains("format is missing")));
    let ids = json!(["a", "no", "a b", "b"]);
    let (code, _, data) = post(&server, "deleteTasks", json!({"task_ids": ids})).await;
    assert_eq!(code, 0);
    let results = data["results"].as_array().expect("results");
    assert_eq!((&results[0], &results[3]), (&json!({"task_id": "a"}), &json!({"task_id": "b"})));
    assert_eq!((&results[1]["code"], &results[2]["code"]), (&json!(1404), &json!(1000)));
    assert_eq!(server.scheduler.counts().total(), 0);
    assert_eq!(post(&server, "createTasks", json!({"tasks": []})).await.2, json!({"results": []}));
}

#[tokio::test]
async fn a_batch_has_a_limit_of_items_and_one_of_bytes() {
    let server = TestServer::start().await;
    let item = json!(5);
    for (items, expected) in [(10_000, 0), (10_001, 1413)] {
        let tasks = vec![item.clone(); items];
        let (code, said, _) = post(&server, "createTasks", json!({"tasks": tasks})).await;
        assert_eq!(code, expected, "{said}");
        let ids = vec![json!("no"); items];
        let (code, said, _) = post(&server, "deleteTasks", json!({"task_ids": ids})).await;
        assert_eq!(code, expected, "{said}");
    }
    // Another call takes fewer bytes than a batch does.
    let note = "x".repeat(quick().body_bytes_max);
    assert_eq!(post(&server, "pauseTask", json!({"task_id": "t", "note": note})).await.0, 1413);
    let mut task = cron("big");
    task["callback"]["body"] = json!(note[..40_000]);
    let tasks = vec![task.clone(), task];
    assert_eq!(post(&server, "createTasks", json!({"tasks": tasks})).await.0, 0);
}

#[tokio::test]
async fn tasks_are_found_by_what_they_have_in_common_page_by_page() {
    let server = TestServer::start().await;
    for n in 0..7 {
        let mut task =
            if n % 2 == 0 { cron(&format!("t{n}")) } else { sound_but("name", json!("Odd One")) };
        (task["task_id"], task["labels"]) =
            (json!(format!("t{n}")), json!({"n": n.to_string(), "all": "x:y"}));
        assert_eq!(server.create(&task).await.code(), 0);
    }
    assert_eq!(post(&server, "pauseTask", json!({"task_id": "t2"})).await.0, 0);
    let all = ["t0", "t1", "t2", "t3", "t4", "t5", "t6"];
    let far = 4_200_000_000_u64;
    let table: [(String, &[&str]); 11] = [
        ("listTasks".into(), &all),
        ("listTasks?consistency=stale".into(), &all),
        ("listTasks?type=1".into(), &["t0", "t2", "t4", "t6"]),
        ("listTasks?type=2&state=active".into(), &["t1", "t3", "t5"]),
        ("listTasks?state=paused".into(), &["t2"]),
        ("listTasks?state=finished".into(), &[]),
        ("listTasks?label=n:3&label=all:x%3Ay".into(), &["t3"]),
        ("listTasks?label=n:3&label=all:x".into(), &[]),
        ("listTasks?q=ODD".into(), &["t1", "t3", "t5"]),
        ("listTasks?q=T4".into(), &["t4"]),
        (format!("listTasks?due_before={far}&type=1"), &["t0", "t4", "t6"]),
    ];
    for (query, expected) in table {
        assert_eq!(list(&server, &query, "task_id").await, (owned(expected), None), "{query}");
    }
    let (first, cursor) = list(&server, "listTasks?type=1&limit=2", "task_id").await;
    assert_eq!(first, ["t0", "t2"]);
    // What comes and goes in between changes nothing for those that stay.
    assert_eq!(post(&server, "deleteTasks", json!({"task_ids": ["t0", "t2"]})).await.0, 0);
    assert_eq!(server.create(&cron("a")).await.code(), 0);
    assert_eq!(server.create(&cron("t5x")).await.code(), 0);
    let cursor = cursor.expect("there are more");
    let rest = list(&server, &format!("listTasks?type=1&cursor={cursor}"), "task_id").await;
    assert_eq!(rest, (owned(&["t4", "t5x", "t6"]), None));
    let (code, _, data) = post(&server, "deleteTasks", json!({"labels": {"all": "x:y"}})).await;
    assert_eq!((code, data), (0, json!({"deleted": 5, "more": false})));
    assert_eq!(list(&server, "listTasks", "task_id").await.0, ["a", "t5x"]);
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A server whose tasks run by a clock that stands still and at scripted targets.
async fn running() -> (TestServer, ScriptedDispatcher) {
    let clock: Arc<dyn Clock> = Arc::new(SimClock::at(Timestamp::from_secs(1_764_000_000)));
    let targets = ScriptedDispatcher::new(clock);
    let store = Arc::new(MemoryStore::new());
    let server = TestServer::dispatching(store, Arc::new(targets.clone()), quick()).await;
    (server, targets)
}

/// Runs what is due until `is_so`.
async fn run_until(server: &TestServer, is_so: impl AsyncFn() -> bool) {
    let stopped = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    server.scheduler.run(stopped).await.expect("it stops when told to");
}

#[tokio::test]
async fn a_run_by_hand_is_made_listed_and_retried_when_it_failed() {
    let (server, targets) = running().await;
    let url = "http://127.0.0.1:9/";
    for name in ["t", "u"] {
        let mut task = cron(name);
        task["callback"]["url"] = json!(url);
        assert_eq!(server.create(&task).await.code(), 0);
    }
    targets.script(url, [Outcome::refused("no").with_code(410)]);
    for (task, number) in [("t", 1), ("t", 2), ("u", 1)] {
        let (code, _, data) = post(&server, "triggerTask", json!({"task_id": task})).await;
        assert_eq!((code, data), (0, json!({"run_id": format!("{task}@manual-{number}")})));
        let (open, _) = list(&server, "listRuns?status=retrying", "run_id").await;
        assert_eq!(open, [format!("{task}@manual-{number}")], "due, and not begun");
        let ended = async || {
            server.scheduler.load().in_flight() == 0
                && list(&server, "listRuns?status=retrying", "run_id").await.0.is_empty()
                && list(&server, "listRuns?status=running", "run_id").await.0.is_empty()
        };
        run_until(&server, ended).await;
    }
    let all = ["t@manual-2", "t@manual-1", "u@manual-1"];
    let mut paged = Vec::new();
    let mut query = "listRuns?limit=1".to_owned();
    loop {
        let (page, cursor) = list(&server, &query, "run_id").await;
        paged.extend(page);
        let Some(cursor) = cursor else { break };
        query = format!("listRuns?limit=1&cursor={cursor}");
    }
    assert_eq!(paged, all);
    assert_eq!(list(&server, "listRuns?task_id=u", "run_id").await.0, ["u@manual-1"]);
    assert_eq!(
        list(&server, "listRuns?status=succeeded", "run_id").await.0,
        ["t@manual-2", "u@manual-1"]
    );
    assert_eq!(list(&server, "listRuns?from=253402300799", "run_id").await.0, [""; 0]);
    assert_eq!(list(&server, "listRuns?to=5", "run_id").await.0, [""; 0]);
    let reply = server.get("/xcron/listRuns?status=failed").await;
    let failed = &reply.data()["runs"][0];
    assert_eq!((&failed["run_id"], &failed["http_status"]), (&json!("t@manual-1"), &json!(410)));
    assert_eq!((&failed["task_id"], &failed["attempt"]), (&json!("t"), &json!(1)));
    let reply = server.get("/xcron/audit?detail=true&limit=1").await;
    let audit = reply.data();
    assert_eq!((&audit["expected"], &audit["outcomes"]["failed"]), (&json!(2), &json!(1)));
    assert_eq!((&audit["difference"], &audit["tasks"]), (&json!(0), &json!(1)));
    let detail = &audit["details"][0];
    assert_eq!((&detail["task_id"], &detail["expected"]), (&json!("t"), &json!(2)));
    assert_eq!(audit["next_cursor"], "t");
    let rest = server.get("/xcron/audit?cursor=t").await;
    assert_eq!((&rest.data()["expected"], &rest.data()["next_cursor"]), (&json!(1), &Value::Null));
    let next = shown(&server, "t").await["next_time"].as_i64().expect("a time");
    let far = server.get(&format!("/xcron/audit?task_id=t&to={}", next + 1)).await;
    assert_eq!((&far.data()["pending"], &far.data()["difference"]), (&json!(1), &json!(0)));
    let again = json!({"task_id": "t", "status": "failed"});
    let (code, _, data) = post(&server, "retryRun", again).await;
    assert_eq!((code, data), (0, json!({"run_ids": ["t@manual-1"]})));
    assert_eq!(list(&server, "listRuns?status=failed", "run_id").await.0, [""; 0], "open again");
    let ended = async || shown(&server, "t").await["success_count"] == 2;
    run_until(&server, ended).await;
    let now = shown(&server, "t").await;
    assert_eq!((&now["run_count"], &now["failure_count"]), (&json!(2), &json!(0)));
    let receipts = targets.receipts();
    assert_eq!(receipts.iter().filter(|receipt| receipt.run_id == "t@manual-1").count(), 2);
}
