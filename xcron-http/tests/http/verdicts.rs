//! What an answer means.

use crate::deliveries::Deliveries;
use crate::sink::{Act, Sink, reply};
use std::time::Duration;
use xcron_core::{Callback, Dispatcher, Outcome, Verdict};
use xcron_http::DispatchSettings;

#[tokio::test]
async fn the_status_decides() {
    use Verdict::{Failed, Refused, Succeeded};
    let table = [
        ("200 OK", "", Succeeded, None),
        ("201 Created", "", Succeeded, None),
        ("204 No Content", "", Succeeded, None),
        ("299 Odd", "", Succeeded, None),
        ("300 Choices", "", Failed, None),
        ("301 Moved", "location: http://127.0.0.1:1/\r\n", Failed, None),
        ("302 Found", "location: /other\r\n", Failed, None),
        ("307 Temporary", "location: /other\r\n", Failed, None),
        ("308 Permanent", "location: /other\r\n", Failed, None),
        ("400 Bad", "", Failed, None),
        ("404 Not Found", "", Failed, None),
        ("410 Gone", "", Refused, None),
        ("429 Slow", "", Failed, None),
        ("429 Slow", "retry-after: 17\r\n", Failed, Some(17)),
        ("429 Slow", "retry-after: soon\r\n", Failed, None),
        ("429 Slow", "retry-after: 999999999\r\n", Failed, Some(86_400)),
        ("429 Slow", "retry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n", Failed, Some(86_400)),
        ("503 Busy", "retry-after: 3\r\n", Failed, Some(3)),
        ("503 Busy", "retry-after: Thu, 01 Jan 1970 00:00:00 GMT\r\n", Failed, Some(0)),
        ("500 Oops", "retry-after: 3\r\n", Failed, None),
        ("599 Odd", "", Failed, None),
    ];
    let deliveries = Deliveries::new();
    for (number, (status, headers, verdict, seconds)) in table.into_iter().enumerate() {
        let sink = Sink::answering(status, headers).await;
        let outcome = deliveries.post(&format!("t{number}"), &sink.url()).await;
        assert_eq!(outcome.verdict, verdict, "{status} {headers}");
        assert_eq!(outcome.code, status[..3].parse().ok(), "{status}");
        assert_eq!(outcome.retry_after, seconds.map(Duration::from_secs), "{status} {headers}");
        assert_eq!(outcome.error.is_some(), verdict != Succeeded, "{status}");
        assert_eq!(sink.requests().len(), 1, "{status}: never followed, never repeated");
    }
}

#[tokio::test]
async fn what_a_failed_target_says_is_kept_in_part() {
    let deliveries = Deliveries::new();
    let sink = Sink::start(Act::Say(reply("500 Oops", "", " no\r\nmoney\x07 "))).await;
    let outcome = deliveries.post("short", &sink.url()).await;
    assert_eq!(outcome.error.unwrap(), "answered 500 Internal Server Error: no  money");
    assert_eq!(outcome.answer.as_deref(), Some(" no\r\nmoney\x07 "), "as it came");
    let none = DispatchSettings { answer_kept_bytes_max: 0, ..DispatchSettings::default() };
    let outcome = Deliveries::with(none).post("none", &sink.url()).await;
    assert_eq!(outcome, Outcome::failed("answered 500 Internal Server Error").with_code(500));
    let sink = Sink::start(Act::Say(reply("500 Oops", "", &"ä".repeat(20_000)))).await;
    let outcome = deliveries.post("long", &sink.url()).await;
    assert!(outcome.error.unwrap().len() < 1_100);
}

#[tokio::test]
async fn a_giant_answer_is_cut_off() {
    let part = "x".repeat(65_536);
    for (status, expected) in [("200 OK", Verdict::Succeeded), ("500 Oops", Verdict::Failed)] {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 1073741824\r\n\r\n{part}");
        let sink = Sink::start(Act::Flood(head.into_bytes())).await;
        let outcome = Deliveries::new().post("giant", &sink.url()).await;
        assert_eq!(outcome.verdict, expected);
        sink.closed(1).await;
    }
}

/// The most bytes of an endless answer that leave its target: each of 64 KiB of a body may come in
/// a chunk with a frame of its own, and the buffers of two sockets are filled as well.
const TAKEN_MAX: usize = 2_097_152;

#[tokio::test]
async fn an_answer_without_an_end_costs_no_more_than_one_with() {
    let endless =
        |head: &str, part: &str| [head.as_bytes(), part.repeat(100_000).as_bytes()].concat();
    let chunked = "transfer-encoding: chunked\r\n\r\n";
    let table = [
        (endless(&format!("HTTP/1.1 200 OK\r\n{chunked}"), "1\r\nx\r\n"), Verdict::Succeeded),
        (endless(&format!("HTTP/1.1 500 Oops\r\n{chunked}"), "1\r\nx\r\n"), Verdict::Failed),
        // The end of the connection would be the end of the answer, and does not come.
        (endless("HTTP/1.1 200 OK\r\n\r\n", "x"), Verdict::Succeeded),
        (endless("HTTP/1.1 500 Oops\r\n\r\n", "x"), Verdict::Failed),
        (
            endless(&format!("HTTP/1.1 500 Oops\r\n{chunked}"), "1;ext=ext\r\nx\r\n"),
            Verdict::Failed,
        ),
        (endless(&format!("HTTP/1.1 500 Oops\r\n{chunked}0\r\n"), "x: y\r\n"), Verdict::Failed),
    ];
    for (number, (bytes, expected)) in table.into_iter().enumerate() {
        let sink = Sink::start(Act::Flood(bytes)).await;
        let outcome = Deliveries::new().post("endless", &sink.url()).await;
        assert_eq!(outcome.verdict, expected, "answer {number}: {outcome:?}");
        assert!(outcome.error.is_none_or(|error| error.len() < 1_100), "answer {number}");
        sink.closed(1).await;
        assert!(sink.flooded() < TAKEN_MAX, "answer {number}: {} bytes", sink.flooded());
    }
}

#[tokio::test]
async fn an_answer_that_never_begins_ends_with_the_attempt() {
    let sink = Sink::start(Act::Flood(b"HTTP/1.1 102 Processing\r\n\r\n".repeat(1_000))).await;
    let deliveries = Deliveries::new();
    let callback = Callback::new(sink.url());
    let delivery = deliveries.claim("never", callback, Duration::from_secs(1)).await;
    let outcome = deliveries.dispatcher.dispatch(delivery).await;
    assert_eq!(outcome, Outcome::failed("no answer within 1 s"));
    sink.closed(1).await;
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_failure() {
    let table: [&[u8]; 8] = [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        b"\x16\x03\x01",
    ];
    for (number, bytes) in table.into_iter().enumerate() {
        let sink = Sink::start(Act::SayAndClose(bytes.to_vec())).await;
        let outcome = Deliveries::new().post("odd", &sink.url()).await;
        assert_eq!(outcome.verdict, Verdict::Failed, "answer {number}");
        assert_eq!(sink.requests().len(), 1, "answer {number}");
    }
    let head = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'y'; 100_000]].concat();
    let sink = Sink::start(Act::Flood(head)).await;
    assert_eq!(Deliveries::new().post("head", &sink.url()).await.verdict, Verdict::Failed);
}

#[tokio::test]
async fn a_body_that_is_cut_off_does_not_undo_a_success() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwhy".to_vec();
    let sink = Sink::start(Act::SayAndClose(bytes)).await;
    let outcome = Deliveries::new().post("cut", &sink.url()).await;
    assert_eq!(outcome, Outcome::succeeded().with_code(200).with_answer(b"why"));
}
