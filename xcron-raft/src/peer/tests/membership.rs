//! Clusters, nodes, versions and strangers: who may say what to whom.

use super::*;
use crate::peer::request::Request;

#[tokio::test(start_paused = true)]
async fn another_cluster_at_an_address_is_named() {
    let (net, server) = world();
    let foreign = Identity { cluster: 8, node: 1 };
    let peers = client(&net, member(foreign));
    let wanted = Identity { cluster: 8, node: 2 };
    let outcome = peers.call(B, Some(wanted), Lane::Raft, ECHO, Bytes::new(), within(1_000)).await;
    let message = outcome.as_ref().unwrap_err().message.clone();
    assert!(message.contains(&SERVER.to_string()), "{message}");
    assert_eq!(unsent(outcome), CallErrorKind::Foreign);
    server.was_harmed_only_in(|counts| counts.wrong_cluster).await;
}

#[tokio::test(start_paused = true)]
async fn a_member_of_another_cluster_is_turned_away_and_still_learns_who_answers() {
    let (net, server) = world();
    let peers = client(&net, member(Identity { cluster: 8, node: 1 }));
    assert_eq!(peers.identify(B, within(1_000)).await.unwrap(), SERVER);
    server.was_harmed_only_in(|counts| counts.wrong_cluster).await;
    let outcome = peers.call(B, None, Lane::Raft, ASK, Bytes::new(), within(1_000)).await;
    assert_eq!(unsent(outcome), CallErrorKind::Foreign);
}

#[tokio::test(start_paused = true)]
async fn another_node_at_an_address_is_named() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    let wanted = Identity { node: 3, ..SERVER };
    let outcome = peers.call(B, Some(wanted), Lane::Raft, ECHO, Bytes::new(), within(1_000)).await;
    assert!(outcome.as_ref().unwrap_err().message.contains("node 2 of cluster"));
    assert_eq!(unsent(outcome), CallErrorKind::Foreign);
    server.was_harmed_only_in(|counts| counts.wrong_node).await;
}

#[tokio::test(start_paused = true)]
async fn versions_meet_where_they_overlap() {
    for (versions, meets) in [(1..=1, true), (1..=9, true), (2..=9, false), (0..=0, false)] {
        let (net, server) = world();
        let party = member(CLIENT).with_versions(versions.clone());
        let outcome = ask(&client(&net, party), ECHO, "x").await;
        if meets {
            assert_eq!(outcome.unwrap(), "x", "{versions:?}");
        } else {
            assert!(outcome.as_ref().unwrap_err().message.contains("versions 1 to 1"));
            assert_eq!(unsent(outcome), CallErrorKind::Version);
            server.was_harmed_only_in(|counts| counts.wrong_version).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_may_only_ask() {
    let (net, server) = world();
    let peers = client(&net, member(Identity::default()));
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Refused);
    server.was_harmed_only_in(|counts| counts.not_admitted).await;
    assert_eq!(ask(&peers, ASK, "let me in").await.unwrap(), "let me in");
    assert_eq!(server.service.seen()[1], (Identity::default(), ASK, "let me in".into()));
    assert_eq!(server.counts().connections, 2, "a refusal costs nobody the connection");
}

#[tokio::test(start_paused = true)]
async fn whoever_answers_may_be_asked_who_it_is() {
    let net = MemoryNet::new();
    let party = member(Identity::default());
    let server = Server::start(&net, party.clone());
    let peers = client(&net, member(Identity::default()));
    assert_eq!(peers.identify(B, within(1_000)).await.unwrap(), Identity::default());
    let call = || peers.call(B, None, Lane::Bulk, ASK, Bytes::new(), within(1_000));
    assert!(call().await.is_ok());
    party.set_identity(SERVER);
    assert_eq!(peers.identify(B, within(1_000)).await.unwrap(), SERVER);
    assert!(call().await.is_ok(), "on the same connection");
    assert_eq!(server.counts().connections, 3);
    let nobody = peers.identify("c:3", within(1_000)).await;
    assert_eq!(nobody.unwrap_err().kind, CallErrorKind::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn identify_ends_at_its_deadline() {
    let net = MemoryNet::new();
    let _listener = net.listen(B);
    let peers = client(&net, member(CLIENT));
    let began = Instant::now();
    let outcome = peers.identify(B, within(500)).await;
    assert_eq!(outcome.unwrap_err().kind, CallErrorKind::Timeout);
    assert_eq!(began.elapsed(), Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_becomes_a_member_is_one_from_its_next_call_on() {
    let (net, _server) = world();
    let party = member(Identity::default());
    let peers = client(&net, party.clone());
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Refused);
    party.set_identity(CLIENT);
    assert_eq!(ask(&peers, ECHO, "x").await.unwrap(), "x");
}

#[tokio::test(start_paused = true)]
async fn a_request_for_whom_this_node_was_ends_the_connection() {
    let (net, server) = world();
    let peers = client(&net, member(CLIENT));
    assert!(ask(&peers, ECHO, "x").await.is_ok());
    server.party.set_identity(Identity { node: 5, ..SERVER });
    assert_eq!(sent(ask(&peers, ECHO, "x").await), CallErrorKind::Unreachable);
    assert_eq!(server.counts().wrong_node, 1);
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Foreign);
    assert_eq!(server.service.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_within_a_connection_names_whom_it_is_for() {
    type Count = fn(&PeerCounts) -> u64;
    let cases: [(Identity, Count); 2] = [
        (Identity { cluster: 8, node: 2 }, |counts| counts.wrong_cluster),
        (Identity { cluster: 7, node: 3 }, |counts| counts.wrong_node),
    ];
    for (target, count) in cases {
        let (_net, server) = world();
        let mut frames = server.proven().await;
        let target = Some(target);
        let request = Request { id: 1, kind: ECHO, target, wait_ms: 1_000, body: Bytes::new() };
        send(&mut frames, request.encode()).await;
        server.was_harmed_only_in(count).await;
    }
}
