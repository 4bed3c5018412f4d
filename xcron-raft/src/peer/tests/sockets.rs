//! The same over real sockets.

use super::*;
use crate::net::{RealListener, RealNet};

fn listen() -> (String, Server) {
    let listener = RealListener::on_loopback().unwrap();
    let address = listener.local_address();
    let server = Server::listen(&MemoryNet::new(), Arc::new(listener), member(SERVER));
    (address, server)
}

#[tokio::test]
async fn a_request_over_tcp_is_answered() {
    let (address, server) = listen();
    let peers = Peers::new(Arc::new(RealNet), member(CLIENT));
    for lane in [Lane::Raft, Lane::Bulk] {
        let body = Bytes::from(vec![7; 1 << 20]);
        let call = peers.call(&address, Some(SERVER), lane, ECHO, body.clone(), within(20_000));
        assert_eq!(call.await.unwrap(), body);
    }
    let localhost = address.replace("127.0.0.1", "localhost");
    assert_eq!(peers.identify(&localhost, within(20_000)).await.unwrap(), SERVER);
    server.stop().await;
    let gone = peers.call(&address, None, Lane::Raft, ECHO, Bytes::new(), within(20_000)).await;
    assert_eq!(unsent(gone), CallErrorKind::Unreachable);
}

#[tokio::test]
async fn a_name_without_an_address_is_unreachable() {
    let peers = Peers::new(Arc::new(RealNet), member(CLIENT));
    let call = peers.call("no-port", None, Lane::Raft, ECHO, Bytes::new(), within(20_000));
    assert_eq!(unsent(call.await), CallErrorKind::Unreachable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_many_threads_get_their_own_answers() {
    let (address, server) = listen();
    let peers = Peers::new(Arc::new(RealNet), member(CLIENT));
    let callers: Vec<_> = (0..200)
        .map(|caller| {
            let (peers, address) = (peers.clone(), address.clone());
            tokio::spawn(async move {
                for number in 0..20 {
                    let lane = if number % 2 == 0 { Lane::Raft } else { Lane::Bulk };
                    let body = Bytes::from(format!("{caller} {number}"));
                    let deadline = within(60_000);
                    let call =
                        peers.call(&address, Some(SERVER), lane, ECHO, body.clone(), deadline);
                    assert_eq!(call.await.unwrap(), body);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(server.counts().requests, 4_000);
    assert_eq!(server.counts().connections, 2);
}

/// No call is lost between two connections, or it would wait until its deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_across_forgotten_connections_end_soon_in_one_way_or_another() {
    let (address, _server) = listen();
    let peers = Peers::new(Arc::new(RealNet), member(CLIENT));
    let callers: Vec<_> = (0..50)
        .map(|caller| {
            let (peers, address) = (peers.clone(), address.clone());
            tokio::spawn(async move {
                for number in 0..40 {
                    if (caller + number) % 20 == 0 {
                        peers.forget(&address);
                    }
                    let (lane, deadline) = (Lane::Raft, within(60_000));
                    let call =
                        peers.call(&address, Some(SERVER), lane, ECHO, Bytes::new(), deadline);
                    if let Err(error) = call.await {
                        assert_eq!(error.kind, CallErrorKind::Unreachable, "{error}");
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}
