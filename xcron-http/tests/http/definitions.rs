//! Bodies of createTask that are refused: which code, and what the message names.

use crate::server::{TestServer, sound, sound_but};
use serde_json::{Value, json};

/// (JSON text of the body, code, what the message must hold).
const TEXTS: &[(&str, u64, &str)] = &[
    ("", 1000, "JSON"),
    ("   ", 1000, "JSON"),
    ("{", 1000, "JSON"),
    ("}", 1000, "JSON"),
    ("nonsense", 1000, "JSON"),
    ("\u{feff}{}", 1000, "JSON"),
    ("{}", 1000, "type is missing"),
    ("{}{}", 1000, "JSON"),
    ("{}x", 1000, "JSON"),
    ("[]", 1000, "body is no object"),
    (r#"[1,"x",{}]"#, 1000, "body is no object"),
    (r#""text""#, 1000, "body is no object"),
    ("null", 1000, "body is no object"),
    ("7", 1000, "body is no object"),
    ("{1:2}", 1000, "JSON"),
    (r#"{"type":1,}"#, 1000, "JSON"),
    (r#"{"type":1 /* one */}"#, 1000, "JSON"),
    (r#"{"type":NaN}"#, 1000, "JSON"),
    (r#"{"type":Infinity}"#, 1000, "JSON"),
    (r#"{"type":1e400}"#, 1000, "type is 1e400"),
    (r#"{"type":1.0}"#, 1000, "type is 1.0"),
    (r#"{"type":01}"#, 1000, "JSON"),
    (r#"{"type":18446744073709551616}"#, 1000, "type is 18446744073709551616"),
    (r#"{"type":1,"type":2}"#, 1000, "type is there twice"),
    (r#"{"type":1,"ty\u0070e":2}"#, 1000, "type is there twice"),
    (r#"{"type":2,"format":"\ud800"}"#, 1000, "format is no readable string"),
    (r#"{"type":2,"format":"a"#, 1000, "JSON"),
];

/// (field of a sound task, its value as JSON, code, what the message must hold).
const FIELDS: &[(&str, &str, u64, &str)] = &[
    ("type", r#""1""#, 1000, "type is a string, expected an integer"),
    ("type", "true", 1000, "type is a truth value"),
    ("type", "null", 1000, "type is missing"),
    ("type", "0", 1020, "type is 0"),
    ("type", "3", 1020, "type is 3"),
    ("type", "-1", 1020, "type is -1"),
    ("type", "99999999999", 1020, "type is 99999999999"),
    ("format", "null", 1000, "format is missing"),
    ("format", "4102444800", 1000, "format is a number, expected a string"),
    ("format", r#""""#, 1001, "format"),
    ("format", r#""soon""#, 1001, "`soon`"),
    ("format", r#""1700000000.5""#, 1001, "unix seconds"),
    ("format", r#""1e9""#, 1001, "unix seconds"),
    ("format", r#""0x65""#, 1001, "unix seconds"),
    ("format", r#"" 4102444800""#, 1001, "unix seconds"),
    ("format", r#""+4102444800""#, 1001, "unix seconds"),
    ("format", r#""４１０２４４４８００""#, 1001, "unix seconds"),
    ("format", r#""4102444800000""#, 1001, "milliseconds"),
    ("format", r#""253402300800""#, 1001, "year 9999"),
    ("format", r#""9223372036854775808""#, 1001, "year 9999"),
    ("format", r#""0""#, 1002, "past"),
    ("format", r#""-1""#, 1002, "past"),
    ("format", r#""1700000000""#, 1002, "past"),
    ("callback", "null", 1000, "callback is missing"),
    ("callback", r#""http://127.0.0.1/""#, 1000, "callback is a string"),
    ("callback", "[]", 1000, "callback is an array"),
    ("callback", "{}", 1000, "callback.url is missing"),
    ("callback.url", "7", 1000, "callback.url is a number"),
    ("callback.url", r#""""#, 1003, "callback.url"),
    ("callback.uri", r#""x""#, 1000, "callback.uri is unknown"),
    ("callback.method", r#""TRACE""#, 1003, "callback.method is TRACE"),
    ("callback.method", r#""post""#, 1003, "callback.method is post"),
    ("callback.method", "1", 1000, "callback.method is a number"),
    ("callback.headers", "[]", 1000, "callback.headers is an array"),
    ("callback.headers", r#"{"a": 1}"#, 1000, "callback.headers is a number"),
    ("callback.headers", r#"{"a": "1", "A": "2"}"#, 1003, "a twice"),
    ("callback.headers", r#"{"Host": "x"}"#, 1003, "host"),
    ("callback.headers", r#"{"content-length": "1"}"#, 1003, "content-length"),
    ("callback.headers", r#"{"Transfer-Encoding": "chunked"}"#, 1003, "transfer-encoding"),
    ("callback.headers", r#"{"connection": "close"}"#, 1003, "connection"),
    ("callback.headers", r#"{"XCRON-Fence": "1"}"#, 1003, "xcron-fence"),
    ("callback.headers", r#"{"webhook-id": "1"}"#, 1003, "webhook-id"),
    ("callback.headers", r#"{"Idempotency-Key": "1"}"#, 1003, "idempotency-key"),
    ("callback.headers", r#"{"a b": "1"}"#, 1003, "callback.headers"),
    ("callback.headers", r#"{"": "1"}"#, 1003, "callback.headers"),
    ("callback.headers", r#"{"a:b": "1"}"#, 1003, "callback.headers"),
    ("callback.headers", r#"{"a": "1\r\nb: 2"}"#, 1003, "callback.headers"),
    ("callback.headers", r#"{"a": "ä"}"#, 1003, "callback.headers"),
    ("task_id", "7", 1000, "task_id is a number"),
    ("task_id", r#""""#, 1000, "task_id"),
    ("task_id", r#""a b""#, 1000, "task_id"),
    ("task_id", r#""a/b""#, 1000, "task_id"),
    ("task_id", r#""ä""#, 1000, "task_id"),
    ("name", "7", 1000, "name is a number"),
    ("name", r#""a\u0000b""#, 1000, "name holds the character U+0000"),
    ("labels", r#""a=b""#, 1000, "labels is a string"),
    ("labels", r#"{"a": 1}"#, 1000, "labels is a number"),
    ("labels", r#"{"": "1"}"#, 1000, "labels"),
    ("timezone", r#""Mars/Olympus""#, 1000, "timezone"),
    ("timezone", r#""../../etc/passwd""#, 1000, "timezone"),
    ("timezone", r#""UTC+25""#, 1000, "timezone"),
    ("timezone", "1", 1000, "timezone is a number"),
    ("start_time", r#""4102444800""#, 1000, "start_time is a string"),
    ("start_time", "-1", 1000, "start_time is -1"),
    ("end_time", "253402300800", 1000, "end_time is 253402300800"),
    ("end_time", "1000", 1001, "never fires"),
    ("start_time", "4102444801", 1001, "never fires"),
    ("max_runs", "0", 1000, "max_runs is 0"),
    ("max_runs", "-1", 1000, "max_runs is -1"),
    ("misfire", r#""sometimes""#, 1000, "misfire is sometimes, expected one of fire_once"),
    ("misfire", "1", 1000, "misfire is a number"),
    ("misfire_window_seconds", "-1", 1000, "misfire_window_seconds is -1"),
    ("misfire_window_seconds", "9223372036854775807", 1000, "misfire_window_seconds"),
    ("overlap", r#""forbid""#, 1000, "overlap is forbid"),
    ("delivery", r#""exactly_once""#, 1000, "delivery is exactly_once"),
    ("retry", "3", 1000, "retry is a number"),
    ("retry", r#"{"max_attempts": 0}"#, 1000, "retry.max_attempts is 0"),
    ("retry", r#"{"max_attempts": 9223372036854775807}"#, 1000, "retry.max_attempts"),
    ("retry", r#"{"attempts": 3}"#, 1000, "retry.attempts is unknown"),
    ("retry", r#"{"min_backoff_seconds": 9, "max_backoff_seconds": 8}"#, 1000, "retry.max"),
    ("timeout_seconds", "0", 1000, "timeout_seconds is 0"),
    ("timeout_seconds", "1801", 1000, "timeout_seconds is 1801"),
    ("timeout_seconds", "1.5", 1000, "timeout_seconds is 1.5"),
    ("jitter_seconds", "86401", 1000, "jitter_seconds is 86401"),
    ("dst_gap", r#""first""#, 1000, "dst_gap is first"),
    ("dst_fold", r#""second""#, 1000, "dst_fold is second"),
    ("paused", r#""yes""#, 1000, "paused is a string"),
    ("paused", "1", 1000, "paused is a number"),
    ("cron", r#""* * * * *""#, 1000, "cron is unknown"),
];

/// The same with values that are long or deep.
fn computed_fields() -> Vec<(&'static str, Value, u64, &'static str)> {
    let labels: Value = (0..17).map(|n| (format!("k{n}"), json!("v"))).collect();
    let headers: Value = (0..33).map(|n| (format!("x-{n}"), json!("v"))).collect();
    vec![
        ("callback.headers", json!({"a": "x".repeat(8_192)}), 1003, "8192"),
        ("callback.headers", headers, 1003, "at most 32"),
        ("callback.body", json!("x".repeat(65_000) + &"\u{1}".repeat(1_000)), 1413, "too large"),
        ("task_id", json!("x".repeat(129)), 1000, "task_id"),
        ("name", json!("x".repeat(257)), 1000, "name"),
        ("labels", labels, 1000, "labels is 17"),
        ("timezone", json!("x".repeat(10_000)), 1000, "timezone"),
    ]
}

/// The same as texts that no JSON library would write.
fn deep_texts() -> Vec<(String, u64, &'static str)> {
    let nested = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
    let with_body = |body: &str| {
        let url = r#""url":"http://127.0.0.1:9/""#;
        format!(r#"{{"type":2,"format":"4102444800","callback":{{{url},"body":{body}}}}}"#)
    };
    vec![
        ("[".repeat(10_000), 1000, "body is no object"),
        (format!(r#"{{"type":{}"#, "[".repeat(60_000)), 1000, "JSON"),
        (format!(r#"{{"type":{}}}"#, nested(30_000)), 1000, "type is an array"),
        (with_body(&nested(65)), 1003, "callback.body is nested deeper"),
        (with_body(&nested(30_000)), 1003, "callback.body is nested deeper"),
        (with_body(r#""\ud800""#), 1000, "callback.body is no readable string"),
        (with_body("tru"), 1000, "JSON"),
    ]
}

/// (crontab, what the message must hold).
const CRONTABS: &[(&str, &str)] = &[
    ("", "format"),
    ("* * * *", "format"),
    ("* * * * * * *", "format"),
    ("60 * * * *", "minute"),
    ("* 24 * * *", "hour"),
    ("*/0 * * * *", "minute"),
    (", * * * *", "minute"),
    ("5-1 * * * *", "minute"),
    ("0 0 30 2 *", "format"),
    ("@reboot", "format"),
    ("٣ * * * *", "format"),
    ("0 0 * * *\n* * * * *", "format"),
];

#[tokio::test]
async fn a_body_that_is_not_acceptable_is_refused_by_name_and_nothing_is_created() {
    let server = TestServer::start().await;
    let mut cases: Vec<(String, u64, &str)> = deep_texts();
    cases.extend(TEXTS.iter().map(|(text, code, part)| ((*text).to_owned(), *code, *part)));
    for (field, value, code, part) in FIELDS {
        let value = serde_json::from_str(value).unwrap();
        cases.push((sound_but(field, value).to_string(), *code, part));
    }
    for (field, value, code, part) in computed_fields() {
        cases.push((sound_but(field, value).to_string(), code, part));
    }
    for (crontab, part) in CRONTABS {
        let mut body = sound_but("type", json!(1));
        body["format"] = json!(crontab);
        cases.push((body.to_string(), 1001, part));
    }
    assert!(cases.len() >= 80);
    for (text, code, part) in cases {
        let shown: String = text.chars().take(120).collect();
        let reply = server.request("POST /xcron/createTask HTTP/1.1", &text).await;
        assert_eq!(reply.code(), code, "{shown}: {reply:?}");
        assert!(reply.message().contains(part), "{shown}: {}", reply.message());
        let status = if code == 1413 { 413 } else { 400 };
        assert_eq!(reply.status, status, "{shown}");
        assert!(reply.message().len() < 600, "{shown}: {}", reply.message());
        assert_eq!(*reply.data(), json!({}), "{shown}");
        server.assert_serves(&shown).await;
    }
    assert_eq!(server.scheduler.counts().total(), 0);
    assert_eq!(server.create(&sound()).await.code(), 0);
}

#[tokio::test]
async fn invalid_utf8_is_refused() {
    let server = TestServer::start().await;
    let mut bytes = b"POST /xcron/createTask HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
        content-length: 4\r\n\r\n"
        .to_vec();
    bytes.extend_from_slice(b"{\"\xff\"");
    let reply = crate::server::Reply::read(&server.exchange(&bytes).await);
    assert_eq!(reply.code(), 1000);
    assert!(reply.message().contains("UTF-8"), "{}", reply.message());
}
