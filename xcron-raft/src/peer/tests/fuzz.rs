//! Random bytes: before the proof, after it, and to a client. Nothing panics and nothing is served.

use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::net::Stream;

/// Bytes as such, or in frames whose lengths are right, some of them with the magic of a hello.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let raw = || prop::collection::vec(any::<u8>(), 0..300);
    let framed = |head: &'static [u8]| {
        raw().prop_map(move |body| {
            let length = u32::try_from(head.len() + body.len()).unwrap();
            [&length.to_le_bytes()[..], head, &body].concat()
        })
    };
    let one = prop_oneof![raw(), framed(b""), framed(b"xcronpr\n")];
    prop::collection::vec(one, 1..4).prop_map(|parts| parts.concat())
}

fn in_runtime(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap().block_on(test);
}

async fn throw(stream: &mut (impl Stream + ?Sized), bytes: &[u8]) {
    // The other side may be gone before all of it is written.
    let _written = stream.write_all(bytes).await;
    let _closed = stream.shutdown().await;
    let _read = stream.read_to_end(&mut Vec::new()).await;
}

proptest! {
    #[test]
    fn random_bytes_of_a_stranger_reach_no_service(bytes in bytes()) {
        in_runtime(async {
            let (net, server) = world();
            throw(&mut net.host(A).connect(B).await.unwrap(), &bytes).await;
            assert_eq!(server.service.seen(), []);
            server.serves().await;
        });
    }

    #[test]
    fn random_bytes_of_a_member_reach_no_service(bytes in bytes()) {
        in_runtime(async {
            let (_net, server) = world();
            throw(&mut server.proven().await.into_inner(), &bytes).await;
            assert_eq!(server.service.seen(), []);
            server.serves().await;
        });
    }

    #[test]
    fn random_bytes_of_a_server_are_no_answer(bytes in bytes()) {
        in_runtime(async {
            let net = MemoryNet::new();
            let listener = net.listen(B);
            tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                throw(&mut stream, &bytes).await;
            });
            let peers = client(&net, member(CLIENT));
            unsent(ask(&peers, ECHO, "x").await);
        });
    }
}
