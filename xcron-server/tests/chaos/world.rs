//! The cluster under test: three nodes, each with a network, a disk and a clock that can be hurt.

use crate::clocks::{Clock, Clocks};
use crate::health::Health;
use crate::leftovers::{Folder, NET_PREFIX, forget_clock};
use crate::member::Member;
use crate::net::Net;
use crate::nodes::Nodes;
use crate::ports::free_port;
use crate::process::Home;
use crate::recorder::{Recorder, now_us};
use crate::tools::find_library;
use crate::tracer::can_trace;
use crate::view::{View, page};
use crate::volume::Volume;
use hyper::StatusCode;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use xcron_checker::SenderLost;

/// How many nodes there are.
pub(crate) const NODES: usize = 3;

const HTTP_PORT: u16 = 8_000;
const MONITOR_PORT: u16 = 9_910;
const PEER_PORT: u16 = 8_899;

/// The variable that holds the peers' secret.
const SECRET: &str = "CLUSTER_SECRET";

/// Segments of the log so short that they are changed all the time.
const SEGMENT_BYTES: u64 = 1_048_576;

/// How long it may take to become a cluster on a busy machine.
const FORMATION: Duration = Duration::from_secs(60);

/// A node and what of it can be hurt.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) member: Member,
    pub(crate) volume: Option<Volume>,
    pub(crate) clock: Option<Clock>,
}

/// All nodes and what is around them. The processes end before what they stand on goes.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    pub(crate) places: Nodes,
    pub(crate) net: Option<Net>,
    pub(crate) clocks: Clocks,
    pub(crate) health: Health,
    pub(crate) recorder: Recorder,
    /// What this machine cannot do, and why.
    pub(crate) lacks: Vec<(&'static str, String)>,
    _folder: Folder,
}

impl World {
    /// Nodes with everything that this machine can give them; none runs yet.
    pub(crate) fn prepare(recorder: &Recorder) -> Self {
        let mut lacks = Vec::new();
        let folder = Folder::make();
        let net = Net::lay_as(NET_PREFIX, u8::try_from(NODES).expect("few"));
        let net = net.map_err(|why| lacks.push(("network", why))).ok();
        if let Err(why) = can_trace() {
            lacks.push(("trace", why));
        }
        if let Err(why) = Volume::can_lose_power() {
            lacks.push(("power", why));
        }
        let library = find_library("faketime", "libfaketimeMT.so.1");
        if library.is_none() {
            lacks.push(("clock", "there is no libfaketimeMT.so.1".to_owned()));
        }
        let clocks = Clocks::new(NODES);
        let mut nodes = Vec::new();
        let ports: Vec<u16> = (0..NODES).map(|_| free_port()).collect();
        for place in 0..NODES {
            let mut member = Member::new(home(net.as_ref(), place, &ports), ports[place]);
            if let Some(net) = &net {
                let runner = net.runner(place);
                member.home.run_by(&runner.iter().map(String::as_str).collect::<Vec<_>>());
                let http = SocketAddr::from((net.client_address(place), HTTP_PORT));
                (member.peer_port, member.seen_at) = (PEER_PORT, Some(http));
                member.home.set("XCRON_PEER_PORT", PEER_PORT);
            }
            let volume = Volume::make(folder.path(), place);
            let volume = volume.map_err(|why| lacks.push(("disk", why))).ok();
            if let Some(volume) = &volume {
                member.home.set("XCRON_RAFT_DIR", volume.path().display());
            }
            let clock = library.as_ref().map(|library| {
                let clock = Clock::new(folder.path(), place, &clocks);
                member.home.set("LD_PRELOAD", library.display());
                member.home.set("FAKETIME_TIMESTAMP_FILE", clock.file().display());
                member.home.set("FAKETIME_NO_CACHE", 1);
                member.home.set("FAKETIME_DONT_FAKE_MONOTONIC", 1);
                member.home.set("NO_FAKE_STAT", 1);
                clock
            });
            nodes.push(Node { member, volume, clock });
        }
        let (places, health) = (Nodes::default(), Health::new(NODES));
        let recorder = recorder.clone();
        Self { nodes, places, net, clocks, health, recorder, lacks, _folder: folder }
    }

    /// Whether the machine can do something that faults need.
    pub(crate) fn can(&self, what: &str) -> bool {
        !self.lacks.iter().any(|(lack, _)| *lack == what)
    }

    /// Where targets listen, and where the nodes call from, if that tells them apart.
    pub(crate) fn outside(&self) -> (Ipv4Addr, Vec<IpAddr>) {
        let Some(net) = &self.net else { return (Ipv4Addr::LOCALHOST, Vec::new()) };
        let from = |place| IpAddr::V4(net.client_address(place));
        (net.outside(), (0..NODES).map(from).collect())
    }

    /// Starts all nodes and waits until they are one cluster.
    pub(crate) async fn form(&mut self) {
        for place in 0..NODES {
            self.start(place).await;
        }
        assert!(self.is_whole_within(FORMATION).await, "no cluster after {FORMATION:?}");
    }

    /// Starts the node at `place`, which listens when this returns.
    pub(crate) async fn start(&mut self, place: usize) {
        let member = &mut self.nodes[place].member;
        member.start().await;
        self.places.set(place, member.http());
    }

    /// Kills it: -9.
    pub(crate) async fn kill(&mut self, place: usize) {
        self.sender_lost(place);
        self.places.set(place, None);
        let member = &mut self.nodes[place].member;
        let pid = member.server().pid();
        member.kill().await;
        forget_clock(pid);
    }

    /// It ends by itself within a time: its exit code, and what it said last.
    pub(crate) async fn ends_within(
        &mut self,
        place: usize,
        limit: Duration,
    ) -> Option<(Option<i32>, String)> {
        let begun = Instant::now();
        let pid = self.pid(place);
        while !is_zombie(pid) {
            if begun.elapsed() > limit {
                return None;
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.places.set(place, None);
        let (status, said) = self.nodes[place].member.ended().await;
        forget_clock(pid);
        Some((status.code(), said))
    }

    pub(crate) fn pid(&self, place: usize) -> u32 {
        self.nodes[place].member.server().pid()
    }

    /// Notes that what a node was sending may have to be sent again.
    pub(crate) fn sender_lost(&self, place: usize) {
        self.recorder.push(SenderLost { node: place as u64 + 1, at_us: now_us() });
    }

    /// The place of the node that leads, if one does just now.
    pub(crate) async fn leader_now(&self) -> Option<usize> {
        let mut latest = None;
        for place in 0..NODES {
            let Some(view) = self.view(place).await else { continue };
            if view.leader() == Some(view.node_id()) {
                latest = latest.max(Some((view.term(), place)));
            }
        }
        latest.map(|(_, place)| place)
    }

    /// What the node at `place` says about the cluster, if it says anything.
    pub(crate) async fn view(&self, place: usize) -> Option<View> {
        View::of(self.places.at(place)?).await
    }

    /// Waits until one leads; the first if none does in time.
    pub(crate) async fn leader(&self) -> usize {
        let begun = Instant::now();
        while begun.elapsed() < FORMATION {
            if let Some(place) = self.leader_now().await {
                return place;
            }
            sleep(Duration::from_millis(50)).await;
        }
        0
    }

    /// Whether a node is ready.
    pub(crate) async fn is_ready(&self, place: usize) -> bool {
        let Some(address) = self.places.at(place) else { return false };
        page(address, "/readyz").await.is_some_and(|(status, _)| status == StatusCode::OK)
    }

    /// Waits until all are ready, vote and follow the same leader; whether that came in time.
    pub(crate) async fn is_whole_within(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if self.is_whole().await {
                return true;
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    async fn is_whole(&self) -> bool {
        let mut leaders = Vec::new();
        for place in 0..NODES {
            let Some(view) = self.view(place).await else { return false };
            let votes = view.voters().len() == NODES;
            let (Some(leader), true, true) = (view.leader(), votes, self.is_ready(place).await)
            else {
                return false;
            };
            leaders.push(leader);
        }
        leaders.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Ends all processes before their networks and disks go.
    pub(crate) async fn stop(&mut self) {
        for place in 0..NODES {
            if self.places.at(place).is_some() {
                self.places.set(place, None);
                let member = &mut self.nodes[place].member;
                let pid = member.server().pid();
                member.kill().await;
                forget_clock(pid);
            }
        }
    }
}

/// A directory and settings of a node that is not run yet.
fn home(net: Option<&Net>, place: usize, ports: &[u16]) -> Home {
    let host = |place| match net {
        Some(net) => format!("{}:{PEER_PORT}", net.peer_address(place)),
        None => format!("127.0.0.1:{}", ports[place]),
    };
    let mut home = Home::new()
        .with("XCRON_PEER__PEER_HOSTS", json!((0..NODES).map(host).collect::<Vec<_>>()))
        .with("XCRON_RAFT__SEGMENT_BYTES", SEGMENT_BYTES)
        .with("XCRON_RAFT__SNAPSHOT_LOG_BYTES", 4 * SEGMENT_BYTES)
        .with("XCRON_DRAIN_SECONDS", 5)
        .with("XCRON_LOG", "info");
    if net.is_some() {
        home = home
            .with("XCRON_HOST", "0.0.0.0")
            .with("XCRON_AUTH__ALLOW_ANONYMOUS", true)
            .with("XCRON_HTTP_PORT", HTTP_PORT)
            .with("XCRON_MONITOR_PORT", MONITOR_PORT)
            .with("XCRON_PEER__SECRET_ENV", SECRET)
            .with("XCRON_PEER__ADVERTISE", host(place))
            .with(SECRET, "a secret that all members know");
    }
    home
}

/// The state of a process: a letter as in `/proc`.
pub(crate) fn process_state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether a process has ended and waits for its parent to notice.
fn is_zombie(pid: u32) -> bool {
    process_state(pid).is_none_or(|state| matches!(state, 'Z' | 'X'))
}

impl Drop for World {
    fn drop(&mut self) {
        for (place, node) in self.nodes.iter_mut().enumerate() {
            if std::thread::panicking() {
                eprintln!("node {} said last:\n{}\n", place + 1, node.member.last_words());
            }
            if self.places.at(place).is_some() {
                node.member.begin_kill();
            }
        }
        // Killed processes let go of their disks a moment later.
        std::thread::sleep(Duration::from_millis(200));
    }
}
