//! Secrets: who does not know it, or only repeats what was said, gets nowhere.

use super::*;
use crate::peer::hello::ClientHello;
use crate::peer::secret::{Claim, PROOF_BYTES};

/// Whether `party` and the server of [`world`] take each other for strangers.
async fn do_not_share_a_secret(server: &Server, party: Party) {
    let peers = client(&server.net, named(party.clone(), CLIENT));
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Secret);
    assert_eq!(party.counters().wrong_secret, 1, "the client counts it");
    let identified = peers.identify(B, within(1_000)).await;
    assert_eq!(identified.unwrap_err().kind, CallErrorKind::Secret);
}

#[tokio::test(start_paused = true)]
async fn another_secret_or_none_is_the_wrong_one() {
    for other in [Some(Secret::new("guessed").unwrap()), None] {
        let (_net, server) = world();
        do_not_share_a_secret(&server, Party::new(other, None)).await;
        wait_until(|| server.counts().wrong_secret == 2).await;
        assert_eq!(server.service.seen(), []);
        server.serves().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_does_not_fit_a_server_without_one() {
    let net = MemoryNet::new();
    let server = Server::start(&net, named(Party::new(None, None), SERVER));
    do_not_share_a_secret(&server, member(CLIENT)).await;
    assert_eq!(server.service.seen(), []);
    let peers = client(&net, named(Party::new(None, None), CLIENT));
    assert_eq!(ask(&peers, ECHO, "open").await.unwrap(), "open");
}

/// What a member says to begin with.
fn hello() -> Vec<u8> {
    let (versions, lane) = (1..=1, Lane::Raft);
    ClientHello { versions, from: CLIENT, wanted: None, nonce: [3; 32], lane }.encode()
}

/// Says hello and returns what the server answers, its proof first.
async fn greet(frames: &mut Frames, server: &Server) -> Bytes {
    send(frames, hello()).await;
    frames::next(frames, server.party.tally()).await.unwrap().freeze()
}

#[tokio::test(start_paused = true)]
async fn a_recorded_handshake_is_of_no_use_again() {
    let (_net, server) = world();
    let mut recorded = server.raw().await;
    let answer = greet(&mut recorded, &server).await;
    let parts: [&[u8]; 2] = [&hello(), &answer[PROOF_BYTES..]];
    let proof = member(CLIENT).prover.prove(Claim::Client, &parts);
    send(&mut recorded, proof.to_vec()).await;
    frames::next(&mut recorded, server.party.tally()).await.expect("a verdict");

    let mut replayed = server.raw().await;
    send(&mut replayed, hello()).await;
    send(&mut replayed, proof.to_vec()).await;
    server.was_harmed_only_in(|counts| counts.wrong_secret).await;
}

#[tokio::test(start_paused = true)]
async fn the_proof_of_the_server_sent_back_proves_nothing() {
    let (_net, server) = world();
    let mut frames = server.raw().await;
    let answer = greet(&mut frames, &server).await;
    send(&mut frames, answer.slice(..PROOF_BYTES)).await;
    server.was_harmed_only_in(|counts| counts.wrong_secret).await;
}

#[tokio::test(start_paused = true)]
async fn half_a_proof_proves_nothing() {
    let (_net, server) = world();
    let mut frames = server.raw().await;
    let answer = greet(&mut frames, &server).await;
    let parts: [&[u8]; 2] = [&hello(), &answer[PROOF_BYTES..]];
    let proof = member(CLIENT).prover.prove(Claim::Client, &parts);
    send(&mut frames, proof[..PROOF_BYTES / 2].to_vec()).await;
    server.was_harmed_only_in(|counts| counts.wrong_secret).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_repeats_what_it_hears_is_not_believed() {
    let net = MemoryNet::new();
    let listener = net.listen(B);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut from, mut to) = tokio::io::split(stream);
        tokio::io::copy(&mut from, &mut to).await
    });
    let party = member(CLIENT);
    let peers = client(&net, party.clone());
    assert_eq!(unsent(ask(&peers, ECHO, "x").await), CallErrorKind::Secret);
    assert_eq!(party.counters().wrong_secret, 1);
}

#[tokio::test(start_paused = true)]
async fn randomness_is_an_argument() {
    let fixed = member(SERVER).with_randomness(Arc::new(|| [9; 32]));
    let net = MemoryNet::new();
    let server = Server::start(&net, fixed);
    let answers = [greet(&mut server.raw().await, &server).await, {
        greet(&mut server.raw().await, &server).await
    }];
    assert_eq!(answers[0], answers[1]);
}
