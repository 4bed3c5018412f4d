//! Peers that are away, come back, or fall silent.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;

use super::*;
use crate::net::Stream;

/// A network that counts how often somebody tries to connect.
#[derive(Debug)]
struct Counting {
    net: crate::net::memory::MemoryHost,
    tries: AtomicUsize,
}

#[async_trait]
impl Net for Counting {
    async fn connect(&self, address: &str) -> io::Result<Box<dyn Stream>> {
        self.tries.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.net.connect(address).await
    }
}

fn counting(net: &MemoryNet) -> (Arc<Counting>, Peers) {
    let counting = Arc::new(Counting { net: net.host(A), tries: AtomicUsize::new(0) });
    let peers = Peers::new(Arc::clone(&counting) as Arc<dyn Net>, member(CLIENT));
    (counting, peers)
}

#[tokio::test(start_paused = true)]
async fn calls_to_nobody_are_not_sent_and_share_few_attempts() {
    let (counting, peers) = counting(&MemoryNet::new());
    let calls = (0..100).map(|_| ask(&peers, ECHO, "x"));
    for outcome in join_all(calls).await {
        assert_eq!(unsent(outcome), CallErrorKind::Unreachable);
    }
    assert_eq!(counting.tries.load(Ordering::Relaxed), 1, "one attempt for all of them");
    for _ in 0..1_000 {
        assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Unreachable);
        sleep(Duration::from_millis(10)).await;
    }
    // 50, 100, 200, 400, 800 ms and then one a second, over ten seconds.
    let tries = counting.tries.load(Ordering::Relaxed);
    assert!((10..=16).contains(&tries), "{tries} attempts");
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_share_one_connection() {
    let (net, server) = world();
    let (counting, peers) = counting(&net);
    let calls = (0..100).map(|_| ask(&peers, ECHO, "x"));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(counting.tries.load(Ordering::Relaxed), 1);
    assert_eq!(server.counts().connections, 1);
}

/// How long it takes until a call succeeds.
async fn time_to_reach(peers: &Peers) -> Duration {
    let began = Instant::now();
    while ask_on(peers, Lane::Raft, ECHO, "x", 100).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "it is never reached");
        sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_comes_back_is_reached_within_the_longest_backoff() {
    for away_ms in [10, 100, 1_000, 10_000, 100_000] {
        let (net, server) = world();
        let peers = client(&net, member(CLIENT));
        assert!(ask(&peers, ECHO, "x").await.is_ok());
        server.stop().await;
        let gone = Instant::now();
        while gone.elapsed() < Duration::from_millis(away_ms) {
            assert!(ask(&peers, ECHO, "x").await.is_err());
            sleep(Duration::from_millis(10)).await;
        }
        let _back = Server::start(&net, member(SERVER));
        let took = time_to_reach(&peers).await;
        assert!(took <= Duration::from_millis(1_010), "{took:?} after {away_ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_dies_leaves_the_sent_call_open_and_the_next_one_works() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let held = tokio::spawn({
        let peers = peers.clone();
        async move { ask(&peers, HELD, "").await }
    });
    wait_until(|| server.service.seen().len() == 1).await;
    net.cut(A, B);
    assert_eq!(sent(held.await.unwrap()), CallErrorKind::Unreachable);
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Unreachable);
    net.heal(A, B);
    assert!(time_to_reach(&peers).await <= Duration::from_millis(1_010));
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_sign_of_life_is_given_up() {
    let (net, _server) = world();
    let peers = client(&net, member(CLIENT));
    assert!(ask(&peers, ECHO, "x").await.is_ok());
    net.silence(A, B);
    let silent = Instant::now();
    while silent.elapsed() < Duration::from_secs(10) {
        assert!(ask_on(&peers, Lane::Raft, ECHO, "x", 100).await.is_err());
        sleep(Duration::from_millis(10)).await;
    }
    net.heal(A, B);
    // An attempt that began in the silence, and the pause after it.
    let took = time_to_reach(&peers).await;
    assert!(took <= Duration::from_millis(2_600), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn only_a_long_frame_is_waited_for_longer() {
    let (net, _server) = world();
    for (lane, bytes, seconds) in
        [(Lane::Raft, 1, 2), (Lane::Bulk, 1, 2), (Lane::Bulk, 100_000, 10)]
    {
        let peers = client(&net, member(CLIENT));
        assert!(ask_on(&peers, lane, ECHO, "x", 1_000).await.is_ok());
        net.silence(A, B);
        let silent = Instant::now();
        let outcome = ask_on(&peers, lane, ECHO, &"x".repeat(bytes), 60_000).await;
        assert_eq!(sent(outcome), CallErrorKind::Unreachable);
        assert_eq!(silent.elapsed(), Duration::from_secs(seconds), "{bytes} bytes");
        net.heal(A, B);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_not_trusted_after_one_beside_it_broke() {
    let (net, _server) = world();
    let peers = client(&net, member(CLIENT));
    for lane in [Lane::Raft, Lane::Bulk] {
        assert!(ask_on(&peers, lane, ECHO, "x", 1_000).await.is_ok());
    }
    // The peer loses its power and is back at once: what is sent on the old connections vanishes.
    net.silence(A, B);
    net.heal(A, B);
    let outcome = ask_on(&peers, Lane::Raft, ECHO, "beat", 60_000).await;
    assert_eq!(sent(outcome), CallErrorKind::Unreachable);
    let began = Instant::now();
    assert_eq!(ask_on(&peers, Lane::Bulk, ECHO, "create", 60_000).await.unwrap(), "create");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_connections_and_says_nothing_is_given_up() {
    let net = MemoryNet::new();
    let _listener = net.listen(B);
    let peers = client(&net, member(CLIENT));
    let began = Instant::now();
    let outcome = ask_on(&peers, Lane::Raft, ECHO, "x", 60_000).await;
    assert_eq!(unsent(outcome), CallErrorKind::Unreachable);
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_by_its_client_first() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    assert!(ask(&peers, ECHO, "x").await.is_ok());
    sleep(Duration::from_secs(44)).await;
    assert_eq!(server.counts().connections_open, 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(server.counts().connections_open, 0);
    assert!(ask(&peers, ECHO, "x").await.is_ok(), "without a pause");
}

#[tokio::test(start_paused = true)]
async fn connections_end_with_their_peers_or_when_forgotten() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let held = tokio::spawn({
        let peers = peers.clone();
        async move { ask(&peers, HELD, "").await }
    });
    wait_until(|| server.service.seen().len() == 1).await;
    peers.forget(B);
    assert_eq!(sent(held.await.unwrap()), CallErrorKind::Unreachable);
    wait_until(|| server.counts().connections_open == 0).await;
    assert!(ask(&peers, ECHO, "x").await.is_ok());
    assert_eq!(server.counts().connections_open, 1);
    drop(peers);
    wait_until(|| server.counts().connections_open == 0).await;
}
