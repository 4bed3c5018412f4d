//! The calls on tasks: what is stored is what was said, and errors say what became of a write.

use crate::server::{TestServer, quick, sound, sound_but};
use crate::stores::Broken;
use serde_json::{Value, json};
use std::sync::Arc;
use xcron_core::{Effect, StoreErrorKind};

#[tokio::test]
async fn every_field_is_stored_and_shown_with_its_effective_value() {
    let server = TestServer::start().await;
    let task = json!({
        "task_id": "billing:daily",
        "type": 1,
        "format": "30 2 * * MON-FRI",
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
        "retry": {"max_attempts": 5, "max_age_seconds": 600},
        "timeout_seconds": 30,
        "jitter_seconds": 60,
        "dst_gap": "skip",
        "dst_fold": "both",
        "paused": true,
        "callback": {
            "url": "HTTP://127.0.0.1:9000/a/../charge?x=1",
            "method": "PUT",
            "headers": {"X-Trace": "on"},
            "body": {"amount": 12.5, "list": [1, null, "x"]},
        },
    });
    let created = server.create(&task).await;
    assert_eq!(*created.data(), json!({"task_id": "billing:daily"}));
    let shown = server.get("/xcron/queryTask?task_id=billing:daily").await;
    let mut data = shown.data().clone();
    let created_at: u64 = data["create_time"].as_str().unwrap().parse().unwrap();
    assert!(created_at > 1_700_000_000);
    data.as_object_mut().unwrap().remove("create_time");
    let mut expected = task;
    expected["callback"]["url"] = json!("http://127.0.0.1:9000/charge?x=1");
    expected["callback"]["headers"] = json!({"x-trace": "on"});
    expected["retry"] = json!({"max_attempts": 5, "min_backoff_seconds": 1,
        "max_backoff_seconds": 300, "max_age_seconds": 600});
    for (field, value) in [
        ("state", json!("paused")),
        ("run_count", json!(0)),
        ("success_count", json!(0)),
        ("failure_count", json!(0)),
        ("unknown_count", json!(0)),
        ("skip_count", json!(0)),
        ("cancelled_count", json!(0)),
        ("version", json!(1)),
        ("next_time", Value::Null),
        ("last_runs", json!([])),
        ("open_runs", json!([])),
        ("note", Value::Null),
    ] {
        expected[field] = value;
    }
    assert_eq!(data, expected);
}

#[tokio::test]
async fn defaults_are_shown_as_effective_values() {
    let server = TestServer::start().await;
    let created = server.create(&sound()).await;
    let id = created.data()["task_id"].as_str().unwrap();
    assert_eq!(id.len(), 36, "a generated id is a UUID");
    let shown = server.get(&format!("/xcron/queryTask?task_id={id}&consistency=stale")).await;
    let expected = json!({
        "type": 2, "format": "4102444800", "next_time": 4_102_444_800_i64, "state": "active",
        "callback": {"url": "http://127.0.0.1:9/", "body": null, "method": "POST", "headers": {}},
        "timezone": null, "misfire": "fire_once", "misfire_window_seconds": 31_536_000,
        "overlap": "allow", "delivery": "at_least_once", "timeout_seconds": 10,
        "jitter_seconds": 0, "paused": false, "max_runs": null, "labels": {}, "name": null,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(shown.data()[field], *value, "{field}");
    }
}

#[tokio::test]
async fn a_callback_body_comes_back_as_it_was_given() {
    let server = TestServer::start().await;
    let table = [
        (r#""{\"a\": 1}""#, r#""{\"a\": 1}""#),
        (
            r#"{ "b": 1.10, "a": 123456789012345678901234567890 }"#,
            r#"{"b":1.10,"a":123456789012345678901234567890}"#,
        ),
        ("[1, 2]", "[1,2]"),
        ("7", "7"),
        ("true", "true"),
        (r#""""#, r#""""#),
        ("null", "null"),
    ];
    for (number, (given, shown)) in table.iter().enumerate() {
        let text = format!(
            r#"{{"type":2,"format":"4102444800","task_id":"t{number}",
                "callback":{{"url":"http://127.0.0.1:9/","body":{given}}}}}"#
        );
        let reply = server.request("POST /xcron/createTask HTTP/1.1", &text).await;
        assert_eq!(reply.code(), 0, "{reply:?}");
        let reply = server.get(&format!("/xcron/queryTask?task_id=t{number}")).await;
        assert!(reply.text.contains(&format!("\"body\":{shown},")), "{given}: {}", reply.text);
    }
}

#[tokio::test]
async fn null_is_no_value_for_a_field_that_may_be_missing() {
    let server = TestServer::start().await;
    for field in [
        "name",
        "labels",
        "timezone",
        "start_time",
        "max_runs",
        "misfire",
        "retry",
        "timeout_seconds",
        "paused",
        "task_id",
        "callback.headers",
        "callback.method",
    ] {
        assert_eq!(server.create(&sound_but(field, Value::Null)).await.code(), 0, "{field}");
    }
}

#[tokio::test]
async fn creating_again_is_done_once_and_another_definition_conflicts() {
    let server = TestServer::start().await;
    let task = sound_but("task_id", json!("once"));
    for _ in 0..2 {
        let reply = server.create(&task).await;
        assert_eq!((reply.code(), &reply.data()["task_id"]), (0, &json!("once")));
    }
    assert_eq!(server.scheduler.counts().total(), 1);
    let mut other = task;
    other["format"] = json!("4102444801");
    let reply = server.create(&other).await;
    assert_eq!((reply.status, reply.code()), (409, 1409));
}

#[tokio::test]
async fn a_one_shot_may_be_a_minute_late_and_no_more() {
    let server = TestServer::start().await;
    let now = server.scheduler.clock().now().as_secs();
    for (late, code) in [(0, 0), (58, 0), (62, 1002)] {
        let reply = server.create(&sound_but("format", json!((now - late).to_string()))).await;
        assert_eq!(reply.code(), code, "{late} s late: {reply:?}");
    }
}

#[tokio::test]
async fn a_deleted_task_is_gone() {
    let server = TestServer::start().await;
    server.create(&sound_but("task_id", json!("gone"))).await;
    let id = json!({"task_id": "gone"});
    assert_eq!(server.post("/xcron/deleteTask", &id).await.code(), 0);
    assert_eq!(server.post("/xcron/deleteTask", &id).await.code(), 1404);
    assert_eq!(server.get("/xcron/queryTask?task_id=gone").await.code(), 1404);
    for (body, part) in [
        (json!({}), "task_id is missing"),
        (json!({"task_id": 7}), "task_id is a number"),
        (json!({"task_id": "a b"}), "task_id"),
        (json!({"task_id": "a", "x": 1}), "x is unknown"),
        (json!([]), "no object"),
    ] {
        let reply = server.post("/xcron/deleteTask", &body).await;
        assert_eq!(reply.code(), 1000);
        assert!(reply.message().contains(part), "{}", reply.message());
    }
}

#[tokio::test]
async fn a_preview_shows_what_a_clock_change_does() {
    let server = TestServer::start().await;
    let query = "type=1&format=30%202%20*%20*%20*&timezone=Europe/Paris&from=1774695600&count=2";
    let reply = server.get(&format!("/xcron/previewSchedule?{query}")).await;
    let times = json!([
        {"time": 1_774_746_000, "local": "2026-03-29T03:00:00+02:00", "dst": "shifted"},
        {"time": 1_774_830_600, "local": "2026-03-30T02:30:00+02:00"},
    ]);
    assert_eq!(reply.data()["times"], times, "{reply:?}");
    assert!(!reply.data()["description"].as_str().unwrap().is_empty());
    let reply = server.get("/xcron/previewSchedule?type=2&format=4102444800&from=4102444800").await;
    assert_eq!(reply.data()["times"][0]["time"], json!(4_102_444_800_i64), "{reply:?}");
    let reply = server.get("/xcron/previewSchedule?type=1&format=*+*+*+*+*").await;
    assert_eq!(reply.data()["times"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_failed_write_says_what_became_of_it_and_a_failed_read_does_not() {
    let table = [
        (StoreErrorKind::Unavailable, Effect::Unknown, 503, 1503, "unknown"),
        (StoreErrorKind::Unavailable, Effect::None, 503, 1503, "none"),
        (StoreErrorKind::Overloaded, Effect::None, 429, 1429, "none"),
        (StoreErrorKind::Overloaded, Effect::Unknown, 429, 1429, "unknown"),
        (StoreErrorKind::Fatal, Effect::None, 500, 1500, "none"),
        (StoreErrorKind::Fatal, Effect::Unknown, 500, 1500, "unknown"),
    ];
    for (kind, effect, status, code, shown) in table {
        let server = TestServer::with(Arc::new(Broken::new(kind, effect)), quick()).await;
        for reply in [
            server.create(&sound()).await,
            server.post("/xcron/deleteTask", &json!({"task_id": "a"})).await,
        ] {
            assert_eq!((reply.status, reply.code()), (status, code));
            assert_eq!(*reply.data(), json!({"effect": shown}));
            assert_eq!(reply.header("retry-after").is_some(), status != 500);
        }
        let reply = server.get("/xcron/queryTask?task_id=a").await;
        assert_eq!((reply.code(), reply.data()), (code, &json!({})));
    }
}

#[tokio::test]
async fn a_bug_is_answered_and_the_server_goes_on() {
    let server = TestServer::with(Arc::new(Broken::panicking()), quick()).await;
    let reply = server.create(&sound()).await;
    assert_eq!((reply.status, reply.code()), (500, 1500));
    assert_eq!(*reply.data(), json!({"effect": "unknown"}));
    server.assert_serves("a panic").await;
}
