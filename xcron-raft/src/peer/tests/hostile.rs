//! What arrives and is not of this protocol, or damaged.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::net::Stream;
use crate::peer::hello::ClientHello;
use crate::peer::request::{Request, Response, Status};

/// Sends `bytes` and reads to the end of the connection what comes back.
async fn exchange(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream: Box<dyn Stream> = server.net.host(A).connect(B).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ended_anyhow = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_hello_are_garbage() {
    for garbage in [&b"\x05\0\0\0hello"[..], b"\0\0\0\0", b"\x0a\0\0\0xcronpr\n\xff\xff"] {
        let (_net, server) = world();
        assert_eq!(exchange(&server, garbage).await, b"", "nobody is told anything");
        server.was_harmed_only_in(|counts| counts.garbage).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_truncated_frame_is_garbage() {
    let (_net, server) = world();
    assert_eq!(exchange(&server, b"\x05\0\0\0hel").await, b"");
    server.was_harmed_only_in(|counts| counts.garbage).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_of_http_and_a_length_of_4_gib_are_too_long() {
    let longest = [&u32::MAX.to_le_bytes()[..], &[0; 100]].concat();
    for bytes in [&b"GET / HTTP/1.1\r\nhost: b\r\n\r\n"[..], &longest] {
        let (_net, server) = world();
        assert_eq!(exchange(&server, bytes).await, b"");
        server.was_harmed_only_in(|counts| counts.too_long).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_may_not_send_more_than_a_hello_has() {
    let (_net, server) = world();
    let bytes = [&4_097_u32.to_le_bytes()[..], &[0; 4_097]].concat();
    exchange(&server, &bytes).await;
    server.was_harmed_only_in(|counts| counts.too_long).await;
}

#[tokio::test(start_paused = true)]
async fn a_member_may_not_send_more_than_a_frame_has() {
    let (_net, server) = world();
    let mut stream = server.proven().await.into_inner();
    let length = u32::try_from(FRAME_BYTES_MAX + 1).unwrap();
    stream.write_all(&length.to_le_bytes()).await.unwrap();
    server.was_harmed_only_in(|counts| counts.too_long).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_ends_at_the_deadline() {
    let (net, server) = world();
    let mut silent = net.host(A).connect(B).await.unwrap();
    let began = Instant::now();
    assert_eq!(silent.read(&mut [0; 10]).await.unwrap(), 0);
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    server.was_harmed_only_in(|counts| counts.timed_out).await;
}

#[tokio::test(start_paused = true)]
async fn a_hello_that_drips_ends_at_the_same_deadline() {
    let (net, server) = world();
    let mut drip = net.host(A).connect(B).await.unwrap();
    let began = Instant::now();
    drip.write_all(&4_000_u32.to_le_bytes()).await.unwrap();
    while drip.write_all(b"x").await.is_ok() {
        sleep(Duration::from_millis(100)).await;
    }
    assert!(began.elapsed() <= Duration::from_millis(3_200));
    server.was_harmed_only_in(|counts| counts.timed_out).await;
}

fn request() -> Request {
    let body = Bytes::from_static(b"body");
    Request { id: 1, kind: ECHO, target: Some(SERVER), wait_ms: 1_000, body }
}

#[tokio::test(start_paused = true)]
async fn a_flipped_bit_is_a_bad_checksum() {
    for bit in [0, 35, 8 * 9 + 1, 8 * 20, 8 * 43] {
        let (_net, server) = world();
        let mut frames = server.proven().await;
        let mut frame = BytesMut::from(request().encode());
        frame[bit / 8] ^= 1 << (bit % 8);
        send(&mut frames, frame).await;
        server.was_harmed_only_in(|counts| counts.bad_checksum).await;
        assert!(frames::next(&mut frames, server.party.tally()).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_shorter_than_any_request_is_garbage() {
    let (_net, server) = world();
    let mut frames = server.proven().await;
    send(&mut frames, Bytes::from_static(b"short")).await;
    server.was_harmed_only_in(|counts| counts.garbage).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_instead_of_a_hello_or_a_proof_reaches_nobody() {
    let (_net, server) = world();
    let mut frames = server.raw().await;
    send(&mut frames, request().encode()).await;
    server.was_harmed_only_in(|counts| counts.garbage).await;

    let (_net, server) = world();
    let mut frames = server.raw().await;
    let (versions, nonce, lane) = (1..=1, [1; 32], Lane::Raft);
    let hello = ClientHello { versions, from: CLIENT, wanted: None, nonce, lane };
    send(&mut frames, hello.encode()).await;
    send(&mut frames, request().encode()).await;
    send(&mut frames, request().encode()).await;
    server.was_harmed_only_in(|counts| counts.wrong_secret).await;
}

/// A server that is welcoming and then says `frame`.
async fn liar(net: &MemoryNet, frame: Bytes) {
    let listener = net.listen(B);
    tokio::spawn(async move {
        let party = member(SERVER);
        let (stream, _) = listener.accept().await.unwrap();
        let mut frames = frames::of(stream);
        let guest = handshake::as_server(&mut frames, &party).await.unwrap();
        guest.judge(&mut frames, &party, true).await.unwrap();
        frames::allow_requests(&mut frames);
        frames::next(&mut frames, party.tally()).await.unwrap();
        send(&mut frames, frame).await;
        std::future::pending::<()>().await;
    });
}

#[tokio::test(start_paused = true)]
async fn a_client_drops_a_server_whose_answers_are_damaged() {
    let response = Response { id: 1, status: Status::Ok, body: Bytes::from_static(b"body") };
    let mut damaged = BytesMut::from(response.encode());
    damaged[14] ^= 1;
    for (frame, expected) in [(damaged.freeze(), (1, 0)), (Bytes::from_static(b"?"), (0, 1))] {
        let net = MemoryNet::new();
        liar(&net, frame).await;
        let party = member(CLIENT);
        let peers = client(&net, party.clone());
        assert_eq!(sent(ask(&peers, ECHO, "x").await), CallErrorKind::Unreachable);
        let counts = party.counters();
        assert_eq!((counts.bad_checksum, counts.garbage), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_no_call_is_ignored() {
    let net = MemoryNet::new();
    let stray = Response { id: 99, status: Status::Ok, body: Bytes::new() };
    liar(&net, stray.encode()).await;
    let peers = client(&net, member(CLIENT));
    assert_eq!(sent(ask(&peers, ECHO, "x").await), CallErrorKind::Timeout);
}
