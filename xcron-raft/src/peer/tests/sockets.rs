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
