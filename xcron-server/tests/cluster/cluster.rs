//! Several nodes that make one cluster, each a process with a directory of its own.

use crate::addresses::Addresses;
use crate::api::Api;
use crate::member::Member;
use crate::ports::free_port;
use crate::process::Home;
use crate::timeline::{Fault, Timeline};
use crate::view::{self, View};
use hyper::StatusCode;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a cluster may take to be whole again once nothing is wrong any more.
pub(crate) const RECOVERY: Duration = Duration::from_secs(10);

/// How long it may take to become one, or to let a node in, on a busy machine.
const FORMATION: Duration = Duration::from_secs(30);

/// How long a test may take.
const TEST_MAX: Duration = Duration::from_secs(240);

/// Set to anything, it leaves the directories of a failed test behind.
const KEEP: &str = "XCRON_TEST_KEEP";

/// Members by their places; a place is never reused.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) members: Vec<Member>,
    pub(crate) timeline: Timeline,
    pub(crate) addresses: Addresses,
    settings: Vec<(&'static str, String)>,
    deadline: Instant,
}

impl Cluster {
    fn empty() -> Self {
        Self {
            members: Vec::new(),
            timeline: Timeline::new(),
            addresses: Addresses::default(),
            settings: Vec::new(),
            deadline: Instant::now() + TEST_MAX,
        }
    }

    /// Founding nodes that know of each other; none runs yet.
    pub(crate) fn prepare(count: usize) -> Self {
        let mut cluster = Self::empty();
        let ports: Vec<u16> = (0..count).map(|_| free_port()).collect();
        let hosts = json!(ports.iter().map(|port| host(*port)).collect::<Vec<_>>());
        for port in ports {
            let home = Home::new().with("XCRON_PEER__PEER_HOSTS", &hosts);
            cluster.members.push(Member::new(home, port));
        }
        cluster
    }

    /// One node that knows of no other; it does not run yet.
    pub(crate) fn single() -> Self {
        let mut cluster = Self::empty();
        cluster.members.push(Member::new(Home::new(), free_port()));
        cluster
    }

    /// A setting of all its nodes, and of those that join later.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        for member in &mut self.members {
            member.home.set(name, value.to_string());
        }
        self.settings.push((name, value.to_string()));
        self
    }

    /// All of it running and ready.
    pub(crate) async fn formed(mut self) -> Self {
        for place in 0..self.members.len() {
            self.start(place).await;
        }
        self.await_whole(FORMATION).await;
        self
    }

    /// Starts the node at `place`.
    pub(crate) async fn start(&mut self, place: usize) {
        self.timeline.note(format!("member {place}: start"));
        let member = &mut self.members[place];
        member.start().await;
        self.addresses.insert(place, member.http().expect("it runs"));
    }

    /// A new node that asks those that run to be let in; its place.
    pub(crate) async fn join(&mut self) -> usize {
        let place = self.add_joiner();
        self.start(place).await;
        place
    }

    /// The same, not started yet.
    pub(crate) fn add_joiner(&mut self) -> usize {
        let running = self.running().into_iter().map(|place| host(self.members[place].peer_port));
        let running = json!(running.collect::<Vec<_>>());
        let mut home = Home::new().with("XCRON_PEER__JOIN", running);
        for (name, value) in &self.settings {
            home.set(name, value);
        }
        self.members.push(Member::new(home, free_port()));
        self.members.len() - 1
    }

    /// Kills the node at `place`: -9.
    pub(crate) async fn kill(&mut self, place: usize) {
        self.addresses.remove(place);
        self.timeline.fault(format!("member {place}: kill -9"));
        self.members[place].kill().await;
    }

    /// Kills all that run at once.
    pub(crate) async fn kill_all(&mut self) {
        let running = self.running();
        self.timeline.fault(format!("members {running:?}: kill -9"));
        for place in &running {
            self.members[*place].begin_kill();
        }
        for place in running {
            self.addresses.remove(place);
            self.members[place].kill().await;
        }
    }

    /// Stops the node at `place` cleanly: its status and how long that took.
    pub(crate) async fn terminate(&mut self, place: usize) -> (ExitStatus, Duration) {
        self.addresses.remove(place);
        self.timeline.note(format!("member {place}: SIGTERM"));
        let (status, time) = self.members[place].terminate().await;
        self.timeline.note(format!("member {place}: ended with {status} after {time:?}"));
        (status, time)
    }

    /// Puts the node at `place` to sleep.
    pub(crate) fn pause(&mut self, place: usize) {
        self.timeline.fault(format!("member {place}: SIGSTOP"));
        self.members[place].server().signal("STOP");
        self.members[place].is_paused = true;
    }

    /// Wakes it up.
    pub(crate) fn resume(&mut self, place: usize) {
        self.timeline.note(format!("member {place}: SIGCONT"));
        self.members[place].server().signal("CONT");
        self.members[place].is_paused = false;
    }

    /// The node at `place` ends by itself: its status and what it said.
    pub(crate) async fn ended(&mut self, place: usize) -> (ExitStatus, String) {
        let ended = self.members[place].ended().await;
        self.addresses.remove(place);
        self.timeline.note(format!("member {place}: ended by itself with {}", ended.0));
        ended
    }

    /// The places of those that run and are awake.
    pub(crate) fn running(&self) -> Vec<usize> {
        let all = self.members.iter().enumerate();
        let awake = all.filter(|(_, member)| member.http().is_some() && !member.is_paused);
        awake.map(|(place, _)| place).collect()
    }

    /// The address of the API of the node at `place`, which runs.
    pub(crate) fn http(&self, place: usize) -> SocketAddr {
        self.members[place].http().unwrap_or_else(|| panic!("member {place} does not run"))
    }

    /// A keep-alive connection to the node at `place`.
    pub(crate) async fn api(&self, place: usize) -> Api {
        Api::connect(self.http(place)).await
    }

    /// What `/readyz` of the node at `place` says.
    pub(crate) async fn readiness(&self, place: usize) -> Option<(StatusCode, String)> {
        view::page(self.http(place), "/readyz").await
    }

    /// What the node at `place` says about the cluster.
    pub(crate) async fn view(&self, place: usize) -> View {
        let what = format!("member {place} describes its cluster");
        self.until(RECOVERY, &what, async || View::of(self.http(place)).await).await
    }

    /// The id of the node at `place`.
    pub(crate) async fn node_id(&self, place: usize) -> u64 {
        self.view(place).await.node_id()
    }

    /// The place of the node that leads.
    pub(crate) async fn leader(&self) -> usize {
        self.until(RECOVERY, "one of them leads", async || self.leader_now().await).await
    }

    /// The same, if one leads just now: of several that believe so, that of the latest term.
    pub(crate) async fn leader_now(&self) -> Option<usize> {
        let mut latest = None;
        for place in self.running() {
            let Some(view) = View::of(self.http(place)).await else { continue };
            if view.leader() == Some(view.node_id()) {
                latest = latest.max(Some((view.term(), place)));
            }
        }
        latest.map(|(_, place)| place)
    }

    /// Waits until every node that runs is ready, follows the same leader and votes.
    pub(crate) async fn await_whole(&self, limit: Duration) {
        let running = self.running();
        self.timeline.note(format!("waiting until {running:?} are whole"));
        let mut seen = String::new();
        self.until(limit, "all that run are ready, vote and follow one leader", async || {
            let mut leaders = Vec::new();
            for place in &running {
                let (status, message) = self.readiness(*place).await?;
                let view = View::of(self.http(*place)).await?;
                let votes = view.voters().contains(&view.node_id());
                leaders.push(view.leader());
                let said: Value = serde_json::from_str(&message).unwrap_or_default();
                let said = &said["message"];
                let lacks = format!("member {place}: {said}, votes {votes}, {leaders:?}");
                if status != StatusCode::OK || !votes || leaders[0].is_none() {
                    // What it was when it changed last is told if the wait is in vain.
                    if lacks != seen {
                        self.timeline.note(lacks.clone());
                        seen = lacks;
                    }
                    return None;
                }
            }
            leaders.windows(2).all(|pair| pair[0] == pair[1]).then_some(())
        })
        .await;
        self.timeline.note("they are whole");
    }

    /// Waits until the node at `place` is ready.
    pub(crate) async fn await_ready(&self, place: usize, limit: Duration) {
        let what = format!("member {place} is ready");
        self.until(limit, &what, async || {
            let (status, _) = self.readiness(place).await?;
            (status == StatusCode::OK).then_some(())
        })
        .await;
    }

    /// Calls some node until one says that it is done; the answer's data.
    pub(crate) async fn done(&self, path: &str, body: Value) -> Value {
        let mut said = Vec::new();
        let mut number = 0;
        let begun = Instant::now();
        loop {
            if let Some(address) = self.addresses.pick(number) {
                match view::call(address, path, body.clone()).await {
                    Some((0, answer)) => return answer,
                    Some((code, answer)) => said.push(format!("{code} {}", answer["message"])),
                    None => said.push("no answer".to_owned()),
                }
            }
            number += 1;
            assert!(begun.elapsed() < 2 * RECOVERY, "{path} {body}: {said:?}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Removes a node from the cluster.
    pub(crate) async fn remove(&self, node_id: u64) {
        self.timeline.note(format!("removing node {node_id}"));
        let what = format!("node {node_id} is no member any more");
        let mut number = 0;
        self.until(2 * RECOVERY, &what, async || {
            // Asked again after an answer that got lost, it is not there any more.
            let address = self.addresses.pick(number)?;
            number += 1;
            let body = json!({ "node_id": node_id });
            let (code, _) = view::call(address, "/xcron/cluster/removeNode", body).await?;
            matches!(code, 0 | 1404).then_some(())
        })
        .await;
        self.timeline.note(format!("node {node_id} is removed"));
    }

    /// Hands leadership to the node at `place` and waits until it leads.
    pub(crate) async fn transfer(&self, place: usize) {
        if self.leader_now().await == Some(place) {
            return;
        }
        let node_id = self.node_id(place).await;
        self.timeline.note(format!("handing leadership to member {place}"));
        self.done("/xcron/cluster/transferLeader", json!({ "node_id": node_id })).await;
        let what = format!("member {place} leads");
        let leads = async || (self.leader_now().await? == place).then_some(());
        self.until(RECOVERY, &what, leads).await;
    }

    /// How many exchanges between peers the node at `place` has rejected, whatever the reason.
    pub(crate) async fn rejections(&self, place: usize) -> u64 {
        let monitor = self.members[place].monitor().expect("it runs");
        let (_, text) = view::page(monitor, "/metrics").await.expect("metrics");
        let lines = text.lines().filter(|line| line.starts_with("xcron_peer_rejected_total"));
        let counts = lines.map(|line| line.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok()));
        let counts: Vec<u64> = counts.map(|count| count.expect("a count")).collect();
        assert!(!counts.is_empty(), "there is no xcron_peer_rejected_total:\n{text}");
        counts.iter().sum()
    }

    /// Probes until something is found.
    pub(crate) async fn until<T>(
        &self,
        limit: Duration,
        what: &str,
        mut probe: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            let waited = begun.elapsed();
            assert!(waited < limit, "not true after {waited:?}: {what}");
            assert!(Instant::now() < self.deadline, "the test takes too long; awaiting: {what}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// What was done to it that may repeat runs.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.timeline.faults()
    }
}

/// A peer's address on this machine.
pub(crate) fn host(peer_port: u16) -> String {
    format!("127.0.0.1:{peer_port}")
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        eprintln!("what was done:\n{}", self.timeline.text());
        for (place, member) in self.members.iter_mut().enumerate() {
            eprintln!("member {place} ({:?}) said last:", member.http());
            eprintln!("{}\n", member.last_words());
            if std::env::var_os(KEEP).is_some() {
                member.home.keep();
                eprintln!("its directory is {}\n", member.home.path().display());
            }
        }
    }
}
