//! Room: for strangers, for peers, for what is not read.

use futures::future::join_all;

use super::*;
use crate::peer::limits::{CONNECTIONS_MAX, STRANGERS_MAX};
use crate::peer::request::Request;

#[tokio::test(start_paused = true)]
async fn silent_strangers_do_not_lock_out_a_member() {
    let (net, server) = world();
    let host = net.host(A);
    let silent = join_all((0..3 * STRANGERS_MAX).map(|_| host.connect(B))).await;
    server.serves().await;
    let pushed_out = 2 * STRANGERS_MAX as u64;
    assert!([pushed_out, pushed_out + 1].contains(&server.counts().over_limit));
    drop(silent);
    assert_eq!(server.counts().connections, 3 * STRANGERS_MAX as u64 + 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_while_a_member_proves_itself_does_not_push_it_out() {
    let (net, server) = world();
    let host = net.host(A);
    let before = join_all((0..STRANGERS_MAX).map(|_| host.connect(B))).await;
    let mut member_in_spe = server.raw().await;
    let after = join_all((1..STRANGERS_MAX).map(|_| host.connect(B))).await;
    wait_until(|| server.counts().over_limit == STRANGERS_MAX as u64).await;
    let hello = (CLIENT, None, Lane::Raft);
    let met = handshake::as_client(&mut member_in_spe, &member(CLIENT), B, hello).await.unwrap();
    assert_eq!(met.answerer, SERVER);
    drop((before, after));
}

#[tokio::test(start_paused = true)]
async fn strangers_at_the_limit_are_left_alone() {
    let (net, server) = world();
    let host = net.host(A);
    let _silent = join_all((0..STRANGERS_MAX).map(|_| host.connect(B))).await;
    wait_until(|| server.counts().connections == STRANGERS_MAX as u64).await;
    assert_eq!(server.counts().over_limit, 0);
}

#[tokio::test(start_paused = true)]
async fn one_connection_beyond_the_limit_is_refused_until_there_is_room() {
    let (net, server) = world();
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        open.push(server.proven().await);
    }
    let peers = client(&net, member(CLIENT));
    let refused = ask(&peers, ECHO, "x").await;
    assert!(refused.as_ref().unwrap_err().message.contains("too many connections"));
    assert_eq!(unsent(refused), CallErrorKind::Unreachable);
    assert_eq!(server.counts().over_limit, 1);
    assert_eq!(server.service.seen(), []);
    open.pop();
    sleep(Duration::from_secs(1)).await;
    assert!(ask(&peers, ECHO, "x").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_silent_member_is_let_go_after_a_minute() {
    let (_net, server) = world();
    let mut frames = server.proven().await;
    let began = Instant::now();
    assert!(frames::next(&mut frames, server.party.tally()).await.is_err());
    assert_eq!(began.elapsed(), Duration::from_secs(60));
    server.serves().await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_reads_no_answers_is_let_go_and_holds_up_nobody() {
    let (_net, server) = world();
    let mut frames = server.proven().await;
    let body = Bytes::from(vec![1; 1 << 20]);
    let writing = async {
        for id in 1.. {
            let (kind, target) = (ECHO, Some(SERVER));
            let request = Request { id, kind, target, wait_ms: 1_000, body: body.clone() };
            if frames.send(request.encode()).await.is_err() {
                return;
            }
        }
    };
    let began = Instant::now();
    let (((), ()), ()) = tokio::join!(async { tokio::join!(writing, server.serves()) }, async {
        wait_until(|| server.counts().timed_out > 0).await
    });
    assert!(began.elapsed() <= Duration::from_secs(12), "{:?}", began.elapsed());
    let taken = server.service.seen().len();
    assert!(taken <= 70, "{taken} requests of 1 MiB were taken in, 64 MiB are allowed");
}

#[tokio::test(start_paused = true)]
async fn smaller_limits_hold_as_well() {
    let net = MemoryNet::new();
    let limits = PeerLimits { connections_max: 1, strangers_max: 1, ..PeerLimits::default() };
    let server = Server::start(&net, member(SERVER).with_limits(limits));
    let first = server.proven().await;
    let peers = client(&net, member(CLIENT));
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Unreachable);
    drop(first);
    sleep(Duration::from_secs(1)).await;
    assert!(ask(&peers, ECHO, "x").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_peer_is_bounded() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let calls: Vec<_> = (0..6_000)
        .map(|_| {
            let peers = peers.clone();
            tokio::spawn(async move { ask_on(&peers, Lane::Bulk, HELD, "", 5_000).await })
        })
        .collect();
    let outcomes = join_all(calls).await;
    let kinds = outcomes.into_iter().map(|outcome| outcome.unwrap().unwrap_err().kind);
    let busy = kinds.filter(|kind| *kind == CallErrorKind::Busy).count();
    // 4,096 wait; those that were sent before the rest came waited no longer.
    assert!((800..=1_904).contains(&busy), "{busy} were refused");
    assert!(server.service.seen().len() >= 1_024);
    server.serves().await;
}
