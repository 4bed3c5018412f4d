//! Orderly stops: SIGTERM and SIGINT let callbacks in flight end.

use crate::api::one_shot;
use crate::process::{Home, Server};
use crate::target::{Target, now_secs};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// A server with one callback in flight to `url`.
async fn with_callback_in_flight(home: &Home, target: &Target, url: &str) -> Server {
    let server = home.start().await;
    server.api().await.create(one_shot("charge", now_secs() + 1, url)).await;
    target.await_calls("the callback", |calls| !calls.is_empty()).await;
    server
}

#[tokio::test]
async fn a_stop_lets_callbacks_in_flight_end_and_keeps_their_result() {
    for signal in ["TERM", "INT"] {
        let (home, target) = (Home::new(), Target::start().await);
        let mut server = with_callback_in_flight(&home, &target, &target.slow(700)).await;
        let api = server.http;
        server.signal(signal);
        let (status, said) = server.ended().await;
        assert_eq!(status.code(), Some(0), "{signal}: {said}");
        assert_eq!(target.answered(), 1, "{signal}: it did not wait for the answer");
        assert!(TcpStream::connect(api).await.is_err(), "{signal}: somebody still listens");
        let server = home.start().await;
        let task = server.api().await.query("charge").await;
        assert_eq!(task["success_count"], json!(1), "{signal}: {task}");
        server.stop().await;
        assert_eq!(target.calls().len(), 1, "{signal}: it was called again");
    }
}

#[tokio::test]
async fn a_stop_waits_no_longer_than_it_was_told_and_the_run_is_repeated_later() {
    let (home, target) = (Home::new().with("XCRON_DRAIN_SECONDS", 1), Target::start().await);
    let mut server = with_callback_in_flight(&home, &target, &target.holding()).await;
    let begun = Instant::now();
    server.signal("TERM");
    let (status, said) = server.ended().await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(begun.elapsed() >= Duration::from_millis(900), "it did not wait");
    assert!(begun.elapsed() < Duration::from_secs(10), "it waited {:?}", begun.elapsed());
    target.let_go();
    let server = home.start().await;
    target.await_calls("the repeated run", |calls| calls.len() == 2).await;
    let calls = target.calls();
    assert_eq!(calls[0].run(), calls[1].run());
    let number = |attempt: &str| attempt.parse::<u32>().expect("a number");
    let attempts = [0, 1].map(|n| number(calls[n].header("xcron-attempt")));
    assert!(attempts[0] < attempts[1], "{attempts:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (home, target) = (Home::new().with("XCRON_DRAIN_SECONDS", 3_600), Target::start().await);
    let mut server = with_callback_in_flight(&home, &target, &target.holding()).await;
    server.signal("TERM");
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal("TERM");
    let begun = Instant::now();
    let (status, said) = server.ended().await;
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    target.let_go();
}
