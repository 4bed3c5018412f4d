//! Requests and their answers: matched, in order, each lane for itself, in time.

use futures::future::join_all;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_or_refused() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    assert_eq!(ask(&peers, ECHO, "hello").await.unwrap(), "hello");
    let refused = ask(&peers, REFUSE, "not now").await;
    assert!(refused.as_ref().unwrap_err().message.contains("not now"));
    assert_eq!(sent(refused), CallErrorKind::Refused);
    let seen = [(CLIENT, ECHO, "hello".into()), (CLIENT, REFUSE, "not now".into())];
    assert_eq!(server.service.seen(), seen);
    let counts = server.counts();
    assert_eq!((counts.connections, counts.connections_open, counts.requests), (1, 1, 2));
    assert!(counts.bytes_in > 0 && counts.bytes_out > 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_answers_find_their_calls_in_any_order() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let texts: Vec<String> = (1..=1_000).rev().map(|ms| ms.to_string()).collect();
    let calls = texts.iter().map(|text| ask_on(&peers, Lane::Raft, LATE, text, 9_000));
    let answers = join_all(calls).await;
    for (text, answer) in texts.iter().zip(answers) {
        assert_eq!(answer.unwrap(), text.as_bytes());
    }
    let seen: Vec<_> = server.service.seen().into_iter().map(|(_, _, body)| body).collect();
    assert_eq!(seen, texts, "they arrive in the order of the calls");
    assert_eq!(server.counts().connections, 1);
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_may_be_in_flight_take_turns() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let texts: Vec<String> = (0..3_000).map(|number| format!("{}", 100 + number % 7)).collect();
    let calls = texts.iter().map(|text| ask_on(&peers, Lane::Raft, LATE, text, 9_000));
    let began = Instant::now();
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert!(began.elapsed() >= Duration::from_millis(300), "1,024 at a time");
    assert_eq!(server.service.seen().len(), 3_000);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_come_through_and_too_large_ones_are_refused_at_once() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let body = |bytes: usize| Bytes::from(vec![5; bytes]);
    let call = |body| peers.call(B, Some(SERVER), Lane::Bulk, ECHO, body, within(60_000));
    let longest = body(FRAME_BYTES_MAX - crate::peer::request::REQUEST_HEAD_BYTES);
    for _ in 0..2 {
        let answers = join_all((0..2).map(|_| call(longest.clone()))).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap() == longest));
    }
    let too_long = body(longest.len() + 1);
    assert_eq!(unsent(call(too_long).await), CallErrorKind::TooLong);
    assert_eq!(server.counts().requests, 4);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_lane_does_not_delay_the_other() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let blocked: Vec<_> = (0..1_100)
        .map(|_| {
            let peers = peers.clone();
            tokio::spawn(async move { ask_on(&peers, Lane::Bulk, HELD, "", 60_000).await })
        })
        .collect();
    wait_until(|| server.service.seen().len() >= 1_024).await;
    let began = Instant::now();
    assert_eq!(ask(&peers, ECHO, "beat").await.unwrap(), "beat");
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(server.counts().connections, 2);
    for call in blocked {
        call.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline_and_so_does_the_work_on_it() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let began = Instant::now();
    assert_eq!(sent(ask(&peers, HELD, "").await), CallErrorKind::Timeout);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    wait_until(|| server.counts().timed_out == 1).await;
    server.serves().await;
    assert_eq!(ask(&peers, ECHO, "on").await.unwrap(), "on", "on the same connection");
}

#[tokio::test(start_paused = true)]
async fn long_work_is_not_taken_for_silence() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let answer = ask_on(&peers, Lane::Raft, LATE, "120000", 200_000).await;
    assert_eq!(answer.unwrap(), "120000");
    assert_eq!(server.counts().connections, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_before_it_is_sent_is_never_sent() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    {
        let mut dropped = std::pin::pin!(ask(&peers, ECHO, "dropped"));
        assert!(futures::poll!(dropped.as_mut()).is_pending());
    }
    assert_eq!(ask(&peers, ECHO, "kept").await.unwrap(), "kept");
    assert_eq!(server.service.seen(), [(CLIENT, ECHO, "kept".into())]);
}
