//! Connections: used again while they are fresh, replaced when they are stale, closed when idle.

use crate::deliveries::Deliveries;
use crate::sink::{Act, Sink, reply};
use futures::future::join_all;
use std::time::Duration;
use tokio::time::sleep;
use xcron_core::{Callback, Verdict};
use xcron_http::DispatchSettings;

#[tokio::test]
async fn a_connection_is_used_again() {
    for (status, body) in [("200 OK", "fine"), ("500 Oops", "not fine")] {
        let sink = Sink::start(Act::Say(reply(status, "", body))).await;
        let deliveries = Deliveries::new();
        for number in 0..5 {
            deliveries.post(&format!("t{number}"), &sink.url()).await;
        }
        assert_eq!((sink.connections(), sink.requests().len()), (1, 5), "{status}");
    }
}

#[tokio::test]
async fn destinations_do_not_share_connections() {
    let (one, other) = (Sink::answering("200 OK", "").await, Sink::answering("200 OK", "").await);
    let deliveries = Deliveries::new();
    for (number, sink) in [&one, &other, &one, &other].into_iter().enumerate() {
        deliveries.post(&format!("t{number}"), &sink.url()).await;
    }
    assert_eq!((one.connections(), other.connections()), (1, 1));
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced_within_the_attempt() {
    let sink = Sink::start(Act::SayAndClose(reply("200 OK", "", ""))).await;
    let deliveries = Deliveries::new();
    for number in 0..20 {
        let outcome = deliveries.post(&format!("t{number}"), &sink.url()).await;
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
        sleep(Duration::from_millis(5)).await; // the close arrives
    }
    assert_eq!((sink.connections(), sink.requests().len()), (20, 20));
}

#[tokio::test]
async fn an_answer_that_closes_is_not_waited_for_on_its_connection() {
    let closing = reply("200 OK", "connection: close\r\n", "");
    let sink = Sink::start(Act::Say(closing)).await;
    let deliveries = Deliveries::new();
    for number in 0..3 {
        let outcome = deliveries.post(&format!("t{number}"), &sink.url()).await;
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    }
    assert_eq!((sink.connections(), sink.requests().len()), (3, 3));
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let sink = Sink::answering("200 OK", "").await;
    let settings =
        DispatchSettings { idle_max: Duration::from_millis(100), ..DispatchSettings::default() };
    let deliveries = Deliveries::with(settings);
    deliveries.post("first", &sink.url()).await;
    sink.closed(1).await;
    deliveries.post("second", &sink.url()).await;
    assert_eq!(sink.connections(), 2);
}

#[tokio::test]
async fn a_dispatcher_takes_its_connections_with_it() {
    let sink = Sink::answering("200 OK", "").await;
    let deliveries = Deliveries::new();
    deliveries.post("only", &sink.url()).await;
    drop(deliveries);
    sink.closed(1).await;
}

#[tokio::test]
async fn no_more_than_the_limit_is_kept_idle() {
    let sink = Sink::answering("200 OK", "").await;
    for settings in [
        DispatchSettings { idle_per_destination_max: 0, ..DispatchSettings::default() },
        DispatchSettings { idle_connections_max: 0, ..DispatchSettings::default() },
    ] {
        let before = sink.connections();
        let deliveries = Deliveries::with(settings.clone());
        for number in 0..3 {
            deliveries.post(&format!("t{number}"), &sink.url()).await;
        }
        assert_eq!(sink.connections() - before, 3, "{settings:?}");
    }
}

#[tokio::test]
async fn a_burst_opens_few_connections_at_a_time_and_shares_those_that_answer() {
    let sink = Sink::answering("200 OK", "").await;
    let settings = DispatchSettings {
        new_connections_max: 2,
        new_connection_for: Duration::from_secs(3_600),
        ..DispatchSettings::default()
    };
    let deliveries = Deliveries::with(settings);
    let ids: Vec<String> = (0..50).map(|number| format!("t{number}")).collect();
    let all = ids.iter().map(|id| deliveries.send(id, Callback::new(sink.url())));
    for outcome in join_all(all).await {
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    }
    assert_eq!(sink.requests().len(), 50);
    deliveries.post("after", &sink.url()).await;
}

#[tokio::test]
async fn a_target_that_is_slow_to_answer_is_dialled_no_faster_than_it_may_be() {
    let sink = Sink::start(Act::SayAndHang(Vec::new())).await;
    let mut settings = DispatchSettings {
        new_connections_max: 2,
        new_connection_for: Duration::from_secs(3_600),
        ..DispatchSettings::default()
    };
    let deliveries = Deliveries::with(settings.clone());
    let all = ["a", "b", "c", "d"].map(|id| deliveries.send(id, Callback::new(sink.url())));
    tokio::select! {
        biased;
        ended = join_all(all) => panic!("nobody answers: {ended:?}"),
        () = async {
            sink.requested(2).await;
            sleep(Duration::from_millis(100)).await;
        } => {}
    }
    assert_eq!((sink.connections(), sink.requests().len()), (2, 2));
    // And when a connection is new for a moment only, nobody waits for long.
    settings.new_connection_for = Duration::from_millis(1);
    let deliveries = Deliveries::with(settings);
    let all = ["e", "f", "g", "h"].map(|id| deliveries.send(id, Callback::new(sink.url())));
    tokio::select! {
        biased;
        ended = join_all(all) => panic!("nobody answers: {ended:?}"),
        () = sink.requested(6) => {}
    }
}
