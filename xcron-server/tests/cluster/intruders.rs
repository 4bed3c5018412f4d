//! Strangers on the port for peers: dropped, counted, and nothing comes of them.

use crate::api::one_shot;
use crate::cluster::Cluster;
use crate::hearing::{assert_settled, hear};
use crate::load::{Load, Plan};
use crate::target::{Target, now_secs};
use crate::timeline::Timeline;
use crate::turn;
use crate::view::query;
use hyper::StatusCode;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How long a stranger is put up with at most.
const PUT_UP_WITH: Duration = Duration::from_secs(15);

/// The variable that holds the peers' secret; the server is told its name.
const SECRET: &str = "CLUSTER_SECRET";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_on_the_peer_port_are_dropped_and_counted() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let cluster = Cluster::prepare(3).with("XCRON_PEER__SECRET_ENV", SECRET);
    let mut cluster = cluster.with(SECRET, "a secret that all members know").formed().await;
    let plan = Plan { per_second: 50, ..Plan::default() };
    let load = Load::begin(&cluster.addresses, &target, plan).await;
    let leader = cluster.leader().await;
    let before = cluster.view(leader).await;
    // Both roles are tried: who leads, and who follows.
    for place in [leader, (leader + 1) % 3] {
        let port = cluster.members[place].peer_port;
        let rejected = cluster.rejections(place).await;
        let intrusions = intrusions();
        let count = intrusions.len() as u64;
        intrude(&cluster.timeline, port, intrusions).await;
        let counted = async || (cluster.rejections(place).await >= rejected + count).then_some(());
        cluster.until(PUT_UP_WITH, "each of those who say something is counted", counted).await;
        let rejected = cluster.rejections(place).await;
        silent_crowd(port).await;
        let counted = async || (cluster.rejections(place).await > rejected).then_some(());
        cluster.until(PUT_UP_WITH, "those who say nothing are counted", counted).await;
    }
    wrong_secret(&mut cluster, leader).await;
    let after = cluster.view(leader).await;
    assert_eq!((after.leader(), after.term()), (before.leader(), before.term()), "no state change");
    assert_eq!(after.voters(), before.voters(), "no state change");
    let task = one_shot("afterwards", now_secs() + 3_600, &target.prompt());
    cluster.done("/xcron/createTask", task).await;
    for place in 0..3 {
        let found = query(cluster.http(place), "afterwards", "linearizable").await;
        assert_eq!(found.expect("an answer").0, 0, "member {place} serves");
    }
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &[]).await;
    heard.assert_clean("strangers on the peer port", &ledger);
    assert_settled(&cluster, &ledger).await;
}

/// What strangers send.
fn intrusions() -> Vec<(&'static str, Vec<u8>)> {
    // Bytes without an order, the same in every run (a linear congruential sequence).
    let mut state = 12_345_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let garbage = (0..65_536).map(|_| byte()).collect();
    let request = b"POST /raft/append HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}".to_vec();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec();
    vec![
        ("garbage", garbage),
        ("zeroes", vec![0; 4_096]),
        ("an HTTP request", request),
        ("an HTTP/2 preface", preface),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20)),
        ("a length of 4 GiB", [&[0xff; 4][..], &[1; 60]].concat()),
        ("a length of 4 GiB after a letter", [&[1, 0xff, 0xff, 0xff, 0xff][..], &[1; 59]].concat()),
    ]
}

/// Says all of that at once and waits until every connection is closed.
async fn intrude(timeline: &Timeline, port: u16, intrusions: Vec<(&'static str, Vec<u8>)>) {
    let mut strangers = JoinSet::new();
    for (what, bytes) in intrusions {
        let timeline = timeline.clone();
        strangers.spawn(async move {
            let begun = Instant::now();
            let mut stream = connect(port).await;
            // It may be closed while this is still being sent, which is as good.
            if stream.write_all(&bytes).await.is_ok() {
                await_closed(&mut stream, what).await;
            }
            timeline.note(format!("port {port}: {what}, dropped after {:?}", begun.elapsed()));
        });
    }
    strangers.join_all().await;
}

/// Many connections that say nothing: each is closed, and peers get through meanwhile.
async fn silent_crowd(port: u16) {
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(connect(port).await);
    }
    sleep(Duration::from_millis(500)).await;
    for mut stream in crowd {
        await_closed(&mut stream, "silence").await;
    }
}

async fn connect(port: u16) -> TcpStream {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect(address).await.expect("the port is open")
}

async fn await_closed(stream: &mut TcpStream, what: &str) {
    let reading = async {
        let mut buffer = [0; 1_024];
        while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
    };
    let closed = timeout(PUT_UP_WITH, reading).await;
    closed.unwrap_or_else(|_| panic!("{what}: the connection stays open"));
}

/// A node that wants to join and does not know the secret.
async fn wrong_secret(cluster: &mut Cluster, leader: usize) {
    let mut rejected = 0;
    for place in 0..3 {
        rejected += cluster.rejections(place).await;
    }
    let stranger = cluster.add_joiner();
    cluster.members[stranger].home.set(SECRET, "another secret, of nobody here");
    cluster.start(stranger).await;
    cluster.addresses.remove(stranger);
    let counted = async || {
        let mut now = 0;
        for place in 0..3 {
            now += cluster.rejections(place).await;
        }
        (now > rejected).then_some(())
    };
    cluster.until(PUT_UP_WITH, "the wrong secret is counted", counted).await;
    sleep(Duration::from_secs(1)).await;
    if !cluster.members[stranger].has_ended() {
        let (status, why) = cluster.readiness(stranger).await.expect("it answers");
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{why}");
        cluster.members[stranger].kill().await;
    }
    let view = cluster.view(leader).await;
    assert_eq!(view.nodes().len(), 3, "it was let in: {view:?}");
}
