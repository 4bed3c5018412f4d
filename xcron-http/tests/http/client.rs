//! The client against the server: every call, and every field of what it answers.

use crate::access::{self, TOKENS};
use crate::clusters::Scripted;
use crate::server::{PATIENCE, TestServer, quick};
use crate::sink::{Act, Sink, reply};
use bytes::Bytes;
use serde_json::json;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use xcron_core::{MemoryStore, Misfire};
use xcron_http::client::{
    AuditQuery, Body, Callback, CallbackChange, CallbackDefaults, Client, ClientError, ItemResult,
    Kind, NewTask, PreviewQuery, Retry, RunQuery, Setting, Task, TaskCallback, TaskChange,
    TaskQuery,
};
use xcron_http::{Access, DispatchSettings, HttpDispatcher, ServerSettings};

const FAR: i64 = 4_102_444_800;

fn client(server: &TestServer) -> Client {
    Client::new(&format!("http://{}", server.addr)).unwrap()
}

fn far(id: &str) -> NewTask {
    NewTask::one_shot(FAR, Callback::new("http://127.0.0.1:9/")).with_id(id)
}

fn full() -> NewTask {
    let json = json!({
        "task_id": "billing:daily",
        "type": 1,
        "format": "30 2 * * MON-FRI",
        "callback": {
            "url": "http://127.0.0.1:9000/charge?x=1",
            "body": {"list": [1, null, "x"]},
            "method": "PUT",
            "headers": {"x-trace": "on"},
        },
        "name": "Daily billing",
        "labels": {"team": "billing", "env": "prod"},
        "timezone": "Europe/Paris",
        "start_time": 1_800_000_000,
        "end_time": 4_000_000_000_i64,
        "max_runs": 1_000,
        "misfire": "fire_all",
        "misfire_window_seconds": 7_200,
        "overlap": "queue",
        "delivery": "at_most_once",
        "retry": {"max_attempts": 5, "min_backoff_seconds": 2, "max_backoff_seconds": 30,
            "max_age_seconds": 600},
        "timeout_seconds": 30,
        "jitter_seconds": 60,
        "dst_gap": "skip",
        "dst_fold": "both",
        "paused": true,
    });
    serde_json::from_value(json).unwrap()
}

/// The code with which a call was refused.
fn code<T: std::fmt::Debug>(refused: Result<T, ClientError>) -> u16 {
    refused.unwrap_err().code().unwrap()
}

#[tokio::test]
async fn a_task_is_defined_by_what_the_server_shows_of_it() {
    let server = TestServer::start().await;
    let client = client(&server);
    let mut task = full();
    task.callback.body =
        Body::json("{\"amount\": 1.10, \"n\": 123456789012345678901}").unwrap().into();
    assert_eq!(client.create_task(&task).await.unwrap(), "billing:daily");
    let shown = client.task("billing:daily").await.unwrap();
    assert_eq!(shown.definition(), task);
    // Nothing that the server shows is lost on its way through the client.
    let raw = server.get("/xcron/queryTask?task_id=billing:daily&attempts=true").await;
    assert_eq!(&serde_json::to_value(&shown).unwrap(), raw.data());
    assert_eq!(client.create_task(&task).await.unwrap(), "billing:daily", "again changes nothing");
    task.options.name = Setting::Open;
    assert_eq!(code(client.create_task(&task).await), 1409);
    server.stop().await;
}

#[tokio::test]
async fn a_task_is_changed_paused_run_and_deleted() {
    let server = TestServer::start().await;
    let client = client(&server);
    client.create_task(&full()).await.unwrap();
    let id = "billing:daily";
    let mut change = TaskChange::of(id);
    change.version = Some(1);
    change.options.misfire = Misfire::Skip.into();
    change.options.end_time = Setting::Default;
    change.options.retry = Retry { max_attempts: 9.into(), ..Retry::default() }.into();
    let url = Some("http://127.0.0.1:9/moved".to_owned());
    change.callback = Some(CallbackChange { url, ..CallbackChange::default() });
    assert_eq!(client.update_task(&change).await.unwrap(), 2);
    assert_eq!(code(client.update_task(&change).await), 1409, "it has another version now");
    let shown = client.task(id).await.unwrap();
    assert_eq!((shown.options.misfire, shown.options.retry.max_attempts), (Misfire::Skip, 9));
    assert_eq!(shown.callback.url, "http://127.0.0.1:9/moved");
    assert_eq!(shown.options.end_time, None);
    assert_eq!(full().callback.method, shown.callback.method.into(), "what is not named stays");
    client.pause_task(id, Some("by hand")).await.unwrap();
    assert_eq!(client.task(id).await.unwrap().note.as_deref(), Some("by hand"));
    client.resume_task(id).await.unwrap();
    assert_eq!(client.task(id).await.unwrap().state, "active");
    assert_eq!(client.trigger_task(id).await.unwrap(), "billing:daily@manual-1");
    client.delete_task(id).await.unwrap();
    for missing in [
        code(client.delete_task(id).await),
        code(client.task(id).await),
        code(client.pause_task(id, None).await),
        code(client.resume_task(id).await),
        code(client.trigger_task(id).await),
        code(client.retry_run("billing:daily@1").await),
        code(client.retry_failed(id).await),
    ] {
        assert_eq!(missing, 1404);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_task_of_which_the_least_is_said_has_the_defaults() {
    let server = TestServer::start().await;
    let client = client(&server);
    let least = NewTask::periodic("@daily", Callback::new("http://127.0.0.1:9/"));
    client.create_task(&least.with_id("least")).await.unwrap();
    let (task, defaults) = (client.task("least").await.unwrap(), client.defaults().await.unwrap());
    assert_eq!((&task.options, task.paused), (&defaults.options, defaults.paused));
    let TaskCallback { body, method, headers, .. } = task.callback;
    assert_eq!(defaults.callback, CallbackDefaults { body, method, headers });
    let raw = server.get("/xcron/defaults").await;
    assert_eq!(&serde_json::to_value(&defaults).unwrap(), raw.data());
    server.stop().await;
}

#[tokio::test]
async fn many_tasks_are_created_listed_page_by_page_and_deleted() {
    let server = TestServer::start().await;
    let client = client(&server);
    let mut tasks: Vec<NewTask> = (0..5).map(|number| far(&format!("t{number}"))).collect();
    let labels = BTreeMap::from([("team".to_owned(), "a b:c".to_owned())]);
    tasks[1].options.labels = labels.clone().into();
    tasks[3].options.labels = labels.clone().into();
    tasks.push(NewTask::periodic("61 * * * *", Callback::new("http://127.0.0.1:9/")));
    let results = client.create_tasks(&tasks).await.unwrap();
    assert_eq!(results[4], ItemResult::Done { task_id: "t4".to_owned() });
    assert!(matches!(&results[5], ItemResult::Refused { code: 1001, .. }), "{results:?}");
    let query = TaskQuery { limit: Some(2), ..TaskQuery::default() };
    let (mut pages, mut seen) = (client.task_pages(query), Vec::new());
    while let Some(page) = pages.next_page().await.unwrap() {
        seen.push(page.iter().map(|task| task.task_id.clone()).collect::<Vec<_>>().concat());
    }
    assert_eq!(seen, ["t0t1", "t2t3", "t4"]);
    let raw = server.get("/xcron/listTasks").await;
    let all = client.list_tasks(&TaskQuery::default()).await.unwrap();
    assert_eq!(&serde_json::to_value(&all).unwrap(), raw.data());
    let ids = |tasks: Vec<Task>| tasks.into_iter().map(|task| task.task_id).collect::<Vec<_>>();
    for (query, expected) in [
        (TaskQuery { labels: labels.clone(), ..TaskQuery::default() }, &["t1", "t3"][..]),
        (TaskQuery { text: Some("T4".to_owned()), ..TaskQuery::default() }, &["t4"]),
        (TaskQuery { kind: Some(Kind::Periodic), ..TaskQuery::default() }, &[]),
        (TaskQuery { state: Some("paused".to_owned()), ..TaskQuery::default() }, &[]),
        (TaskQuery { due_before: Some(FAR), ..TaskQuery::default() }, &[]),
        (TaskQuery { cursor: Some("t3".to_owned()), ..TaskQuery::default() }, &["t4"]),
    ] {
        assert_eq!(ids(client.list_tasks(&query).await.unwrap().tasks), expected, "{query:?}");
    }
    assert_eq!(client.delete_labelled(&labels).await.unwrap(), (2, false));
    let deleted = client.delete_tasks(&["t0".to_owned(), "t1".to_owned()]).await.unwrap();
    assert!(matches!(
        &deleted[..],
        [ItemResult::Done { .. }, ItemResult::Refused { code: 1404, .. }]
    ));
    assert_eq!(code(client.delete_labelled(&BTreeMap::new()).await), 1000);
    server.stop().await;
}

#[tokio::test]
async fn runs_are_listed_retried_and_accounted_for() {
    let server = TestServer::start().await;
    let client = client(&server);
    let scheduler = server.scheduler.clone();
    let running = tokio::spawn(async move { scheduler.run(pending::<()>()).await });
    let sink = Sink::answering("500 Internal Server Error", "").await;
    let mut task = NewTask::one_shot(FAR, Callback::new(sink.url())).with_id("a");
    task.options.retry = Retry { max_attempts: 1.into(), ..Retry::default() }.into();
    client.create_task(&task).await.unwrap();
    let run_id = client.trigger_task("a").await.unwrap();
    let failed = RunQuery {
        task_id: Some("a".to_owned()),
        status: Some("failed".to_owned()),
        attempts: true,
        ..RunQuery::default()
    };
    let ended = async {
        while client.list_runs(&failed).await.unwrap().runs.is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, ended).await.unwrap();
    let runs = client.list_runs(&failed).await.unwrap();
    assert_eq!(
        (runs.runs[0].run_id.as_str(), runs.runs[0].http_status),
        (run_id.as_str(), Some(500))
    );
    assert_eq!(runs.runs[0].attempts.as_ref().unwrap()[0].status, "failed");
    let raw = server.get("/xcron/listRuns?task_id=a&status=failed&attempts=true").await;
    assert_eq!(&serde_json::to_value(&runs).unwrap(), raw.data());
    let mut pages = client.run_pages(RunQuery { limit: Some(1), ..RunQuery::default() });
    assert_eq!(pages.next_page().await.unwrap().unwrap().len(), 1);
    assert_eq!(pages.next_page().await.unwrap(), None);
    let in_vain = RunQuery { to: Some(0), from: Some(0), ..RunQuery::default() };
    assert!(client.list_runs(&in_vain).await.unwrap().runs.is_empty());
    let audit = client.audit(&AuditQuery { detail: true, ..AuditQuery::default() }).await.unwrap();
    assert_eq!((audit.total.difference, audit.details.as_ref().unwrap().len()), (0, 1));
    let raw = server.get("/xcron/audit?detail=true").await;
    assert_eq!(&serde_json::to_value(&audit).unwrap(), raw.data());
    assert_eq!(client.retry_run(&run_id).await.unwrap(), [run_id]);
    running.abort();
    server.stop().await;
}

#[tokio::test]
async fn a_schedule_is_previewed() {
    let server = TestServer::start().await;
    let client = client(&server);
    let mut query = PreviewQuery::periodic("30 2 * * *");
    query.timezone = Some("Europe/Paris".to_owned());
    query.from = Some(1_774_695_600);
    query.count = Some(2);
    let preview = client.preview_schedule(&query).await.unwrap();
    assert_eq!(preview.times[0].local, "2026-03-29T03:00:00+02:00");
    let path = "/xcron/previewSchedule?type=1&format=30+2+*+*+*&timezone=Europe/Paris\
                &from=1774695600&count=2";
    assert_eq!(&serde_json::to_value(&preview).unwrap(), server.get(path).await.data());
    query.format = "30 25 * * *".to_owned();
    assert_eq!(code(client.preview_schedule(&query).await), 1001);
    server.stop().await;
}

#[tokio::test]
async fn a_cluster_is_shown_changed_and_backed_up() {
    let cluster = Arc::new(Scripted::sound());
    let dispatcher = Arc::new(HttpDispatcher::new(DispatchSettings::default()).unwrap());
    let (store, shared) = (Arc::new(MemoryStore::new()), Arc::clone(&cluster));
    let settings = ServerSettings::default();
    let server = TestServer::clustered(store, dispatcher, settings, Some(shared)).await;
    let client = client(&server);
    let status = client.cluster().await.unwrap();
    let raw = server.get("/xcron/cluster").await;
    assert_eq!(&serde_json::to_value(&status).unwrap(), raw.data());
    client.remove_node(2).await.unwrap();
    let leader = client.transfer_leader(Some(2)).await.unwrap();
    assert_eq!(leader, 2);
    client.transfer_leader(None).await.unwrap();

    let sender = cluster.backing_up();
    let sending = tokio::spawn(async move {
        for chunk in ["abc", "de"] {
            sender.send(Ok(Bytes::from_static(chunk.as_bytes()))).await.unwrap();
        }
    });
    let (mut backup, mut file) = (client.backup().await.unwrap(), Vec::new());
    assert_eq!(backup.name(), Some("xcron_1.backup"));
    while let Some(chunk) = backup.chunk().await.unwrap() {
        file.extend_from_slice(&chunk);
    }
    assert_eq!(file, b"abcde");
    drop(backup);
    sending.await.unwrap();

    let sender = cluster.backing_up();
    let sending = tokio::spawn(async move {
        sender.send(Ok(Bytes::from_static(b"abc"))).await.unwrap();
        sender.send(Err("the disk is gone".to_owned())).await.unwrap();
    });
    let mut backup = client.backup().await.unwrap();
    let broken = async {
        loop {
            match backup.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("what broke off is not whole"),
                Err(error) => return error,
            }
        }
    };
    assert!(matches!(broken.await, ClientError::Unanswered { .. }));
    sending.await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_shown_with_every_call_and_never_printed() {
    let cluster = Arc::new(Scripted::sound());
    let server = access::server(access::three(Access::by_token()), cluster, quick()).await;
    let [_, wrong, read, write, _] = TOKENS;
    assert_eq!(code(client(&server).task("a").await), 1401);
    let with = |token: &str| client(&server).with_token(token).unwrap();
    assert_eq!(code(with(wrong).create_task(&far("a")).await), 1401);
    assert_eq!(code(with(read).create_task(&far("a")).await), 1403);
    assert_eq!(with(write).create_task(&far("a")).await.unwrap(), "a");
    assert_eq!(code(with(write).backup().await.map(drop)), 1403);
    assert!(!format!("{:?}", with(write)).contains(write));
    for bad in ["", "a b", "a\nb", "ä"] {
        let refused = client(&server).with_token(bad).unwrap_err();
        assert!(matches!(&refused, ClientError::Settings(why) if why.contains("token")), "{bad:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn one_connection_is_kept_and_made_anew_when_it_was_closed() {
    let envelope = json!({"uuid": "u", "code": 0, "data": {"tasks": [], "next_cursor": null}});
    let bytes = reply("200 OK", "", &envelope.to_string());
    let keeping = Sink::start(Act::Say(bytes.clone())).await;
    let client = Client::new(&keeping.url()).unwrap();
    for _ in 0..3 {
        client.list_tasks(&TaskQuery::default()).await.unwrap();
    }
    assert_eq!(keeping.connections(), 1);
    let closing = Sink::start(Act::SayAndClose(bytes)).await;
    let client = Client::new(&closing.url()).unwrap();
    for _ in 0..3 {
        client.list_tasks(&TaskQuery::default()).await.unwrap();
    }
    assert_eq!(closing.connections(), 3);
    assert!(closing.requests()[0].starts_with("GET /xcron/listTasks HTTP/1.1\r\n"));
}

#[tokio::test]
async fn reads_may_be_out_of_date_only_if_that_is_asked_for() {
    let server = TestServer::start().await;
    let stale = client(&server).with_stale_reads();
    stale.create_task(&far("a")).await.unwrap();
    assert_eq!(stale.task("a").await.unwrap().state, "active");
    assert_eq!(stale.task_with_attempts("a").await.unwrap().last_runs, Some(Vec::new()));
    assert_eq!(stale.list_tasks(&TaskQuery::default()).await.unwrap().tasks.len(), 1);
    assert_eq!(stale.audit(&AuditQuery::default()).await.unwrap().tasks, 1);
    server.stop().await;
    let envelope = json!({"uuid": "u", "code": 0, "data": {"runs": [], "next_cursor": null}});
    let sink = Sink::start(Act::Say(reply("200 OK", "", &envelope.to_string()))).await;
    let fresh = Client::new(&sink.url()).unwrap();
    fresh.list_runs(&RunQuery::default()).await.unwrap();
    fresh.with_stale_reads().list_runs(&RunQuery::default()).await.unwrap();
    let asked = sink.requests();
    assert!(asked[0].starts_with("GET /xcron/listRuns HTTP/1.1\r\n"), "{asked:?}");
    assert!(asked[1].starts_with("GET /xcron/listRuns?consistency=stale HTTP/1.1\r\n"));
}
