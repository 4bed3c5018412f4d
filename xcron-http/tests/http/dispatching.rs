//! What is put on the wire, and that nothing is when nothing may be.

use crate::deliveries::Deliveries;
use crate::server::PATIENCE;
use crate::sink::{Act, Sink, reply};
use futures::poll;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;
use xcron_core::{Callback, CallbackBody, Dispatcher, Method, Outcome, TaskId};
use xcron_http::DispatchSettings;

fn head_and_body(request: &str) -> (Vec<String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<String> = head.lines().map(str::to_owned).collect();
    lines[1..].sort();
    (lines, body.to_owned())
}

#[tokio::test]
async fn a_request_has_exactly_the_headers_of_the_contract() {
    let sink = Sink::answering("200 OK", "").await;
    let deliveries = Deliveries::new();
    let url = format!("http://{}/charge?x=1", sink.addr);
    let delivery = deliveries.claim("billing:daily", Callback::new(url), PATIENCE).await;
    let (time, fence) = (delivery.scheduled_time().as_secs(), delivery.fence());
    let outcome = deliveries.dispatcher.dispatch(delivery).await;
    assert_eq!(outcome, Outcome::succeeded().with_code(200));
    let (head, body) = head_and_body(&sink.requests()[0]);
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        "POST /charge?x=1 HTTP/1.1".to_owned(),
        "content-length: 2".to_owned(),
        "content-type: application/json".to_owned(),
        format!("host: {}", sink.addr),
        format!("idempotency-key: billing:daily@{time}"),
        format!("user-agent: xcron/{version}"),
        "xcron-attempt: 1".to_owned(),
        format!("xcron-fence: {fence}"),
        format!("xcron-run-id: billing:daily@{time}"),
        format!("xcron-scheduled-time: {time}"),
        "xcron-task-id: billing:daily".to_owned(),
    ];
    assert_eq!((head.as_slice(), body.as_str()), (&expected[..], "{}"));
}

#[tokio::test]
async fn a_callback_chooses_its_method_headers_and_body() {
    let sink = Sink::answering("204 No Content", "").await;
    let deliveries = Deliveries::new();
    let mut callback = Callback::new(sink.url());
    callback.method = Method::Put;
    callback.body = Some(CallbackBody::Text("a = 1".into()));
    callback.headers = BTreeMap::from([
        ("Content-Type".to_owned(), "text/plain".to_owned()),
        ("x-trace".to_owned(), "on".to_owned()),
    ]);
    assert_eq!(deliveries.send("put", callback).await.code, Some(204));
    let (head, body) = head_and_body(&sink.requests()[0]);
    assert_eq!((head[0].as_str(), body.as_str()), ("PUT / HTTP/1.1", "a = 1"));
    for line in ["content-type: text/plain", "x-trace: on", "content-length: 5"] {
        assert!(head.contains(&line.to_owned()), "{head:?}");
    }
    for (method, body, sent) in [
        (Method::Get, None, ""),
        (Method::Delete, None, ""),
        (Method::Patch, None, "{}"),
        (Method::Get, Some(CallbackBody::Json("[1,2]".into())), "[1,2]"),
    ] {
        let mut callback = Callback::new(sink.url());
        (callback.method, callback.body) = (method, body);
        let id = format!("m{}", sink.requests().len());
        assert_eq!(deliveries.send(&id, callback).await.code, Some(204));
        let (head, body) = head_and_body(sink.requests().last().unwrap());
        assert!(head[0].starts_with(method.as_str()), "{head:?}");
        assert_eq!(body, sent);
        let is_typed = head.iter().any(|line| line.starts_with("content-type"));
        assert_eq!(is_typed, !sent.is_empty());
    }
}

#[tokio::test]
async fn nothing_is_sent_when_the_claim_no_longer_stands() {
    let sink = Sink::answering("200 OK", "").await;
    let deliveries = Deliveries::new();
    let delivery = deliveries.claim("gone", Callback::new(sink.url()), PATIENCE).await;
    deliveries.scheduler.delete(&TaskId::parse("gone").unwrap()).await.unwrap();
    let outcome = deliveries.dispatcher.dispatch(delivery).await;
    assert_eq!(outcome, Outcome::not_started());
    // The connection that was made for it serves the next one, and has carried no byte of it.
    deliveries.post("next", &sink.url()).await;
    assert_eq!((sink.connections(), sink.requests().len()), (1, 1));
    assert!(sink.requests()[0].contains("xcron-task-id: next"));
}

#[tokio::test]
async fn nothing_is_sent_when_the_claim_is_lost_after_the_request_was_handed_over() {
    let sink = Sink::answering("200 OK", "").await;
    let deliveries = Deliveries::new();
    deliveries.post("before", &sink.url()).await;
    let delivery = deliveries.claim("asleep", Callback::new(sink.url()), PATIENCE).await;
    let mut dispatch = pin!(deliveries.dispatcher.dispatch(delivery.clone()));
    // The request is handed to its connection, whose task has had no turn to write it yet.
    assert!(poll!(&mut dispatch).is_pending());
    assert_eq!((sink.connections(), delivery.started_at()), (1, None));
    deliveries.scheduler.delete(&TaskId::parse("asleep").unwrap()).await.unwrap();
    assert_eq!(dispatch.await, Outcome::not_started());
    assert_eq!(delivery.started_at(), None);
    sink.closed(1).await;
    assert_eq!(sink.requests().len(), 1);
}

#[tokio::test]
async fn an_attempt_ends_in_time_whatever_the_target_does() {
    let hanging = [
        (Vec::new(), "no answer within 1 s"),
        (b"HTTP/1.1 500 Slow\r\ncontent-len".to_vec(), "no answer within 1 s"),
        (b"HTTP/1.1 500 Slow\r\ncontent-length: 9\r\n\r\nwhy".to_vec(), "answered 500"),
        (b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), "no answer within 1 s"),
    ];
    for (bytes, error) in hanging {
        let sink = Sink::start(Act::SayAndHang(bytes)).await;
        let deliveries = Deliveries::new();
        let callback = Callback::new(sink.url());
        let delivery = deliveries.claim("slow", callback, Duration::from_secs(1)).await;
        let dispatch = deliveries.dispatcher.dispatch(delivery.clone());
        let outcome = timeout(Duration::from_secs(5), dispatch).await.unwrap();
        assert!(outcome.error.unwrap().starts_with(error), "{error}");
        assert!(delivery.started_at().is_some());
        sink.closed(1).await; // what was given up is not used again
    }
}

#[tokio::test]
async fn done_is_done_although_the_rest_of_the_answer_never_comes() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwhy".to_vec();
    let sink = Sink::start(Act::SayAndHang(bytes)).await;
    let deliveries = Deliveries::new();
    let outcome = deliveries.post("done", &sink.url()).await;
    assert_eq!(outcome, Outcome::succeeded().with_code(200).with_answer(b"why"));
    sink.closed(1).await;
}

#[tokio::test]
async fn a_dropped_attempt_drops_its_connection() {
    let sink = Sink::start(Act::SayAndHang(Vec::new())).await;
    let deliveries = Deliveries::new();
    let delivery = deliveries.claim("dropped", Callback::new(sink.url()), PATIENCE).await;
    let dispatch = deliveries.dispatcher.dispatch(delivery);
    let dropped = timeout(Duration::from_millis(200), dispatch).await;
    assert!(dropped.is_err());
    sink.closed(1).await;
    assert_eq!(sink.requests().len(), 1);
}

#[tokio::test]
async fn a_target_that_is_not_there_fails_and_was_not_started() {
    let gone = Sink::answering("200 OK", "").await;
    let url = gone.url();
    drop(gone);
    tokio::task::yield_now().await;
    let deliveries = Deliveries::new();
    for url in [url.as_str(), "http://name.invalid/", "https://127.0.0.1:1/"] {
        let id = url.replace('/', "-");
        let delivery = deliveries.claim(&id, Callback::new(url), PATIENCE).await;
        let outcome = deliveries.dispatcher.dispatch(delivery.clone()).await;
        assert!(outcome.error.is_some(), "{url}");
        assert_eq!(delivery.started_at(), None, "{url}");
    }
}

#[tokio::test]
async fn a_target_that_speaks_no_tls_fails_before_anything_is_sent() {
    let sink = Sink::start(Act::SayAndClose(reply("200 OK", "", ""))).await;
    let settings =
        DispatchSettings { connect_max: Duration::from_millis(300), ..DispatchSettings::default() };
    let deliveries = Deliveries::with(settings);
    let url = format!("https://{}/", sink.addr);
    let delivery = deliveries.claim("tls", Callback::new(url), PATIENCE).await;
    let outcome = deliveries.dispatcher.dispatch(delivery.clone()).await;
    assert!(outcome.error.is_some());
    assert_eq!((delivery.started_at(), sink.requests().len()), (None, 0));
}
