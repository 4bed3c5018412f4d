//! Several nodes in one process, over a network in memory: forming, forwarding, failing over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use xcron_core::testing::sample::{create, due_at, id, put, sending};
use xcron_core::{Consistency, Effect, Holder, Store};

use crate::disk::Disk;
use crate::disk::memory::MemoryDisk;
use crate::net::memory::MemoryNet;
use crate::state::{FORMAT_MAX, FORMAT_SHORT_PUTS};
use crate::{Error, ErrorKind, Peering, RaftSettings, RaftStore, Secret};

const PATIENCE: Duration = Duration::from_secs(30);

/// Nodes by address, each with a disk that outlives it.
struct World {
    net: MemoryNet,
    disks: BTreeMap<String, MemoryDisk>,
    nodes: BTreeMap<String, RaftStore>,
}

impl World {
    fn new() -> Self {
        Self { net: MemoryNet::new(), disks: BTreeMap::new(), nodes: BTreeMap::new() }
    }

    async fn start(&mut self, address: &str, change: impl FnOnce(&mut RaftSettings)) {
        self.try_start(address, change).await.unwrap();
    }

    async fn try_start(
        &mut self,
        address: &str,
        change: impl FnOnce(&mut RaftSettings),
    ) -> Result<(), Error> {
        let disk = self.disks.entry(address.to_owned()).or_default().clone();
        let mut settings = RaftSettings { advertise: address.to_owned(), ..super::settings() };
        change(&mut settings);
        let listener = Arc::new(self.net.listen(address));
        let secret = Some(Secret::new("a secret that all of them know").unwrap());
        let peering = Peering::through(Arc::new(self.net.host(address)), listener).secret(secret);
        let store = RaftStore::open_on(Arc::new(disk), settings, peering).await?;
        self.nodes.insert(address.to_owned(), store);
        Ok(())
    }

    async fn found(addresses: &[&str]) -> Self {
        let mut world = Self::new();
        for address in addresses {
            world.start(address, |settings| settings.peer_hosts = owned(addresses)).await;
        }
        world.await_ready().await;
        // Once all have heard of each other: a member that never said what it reads holds it up.
        for address in addresses {
            let is_newest = |status: &crate::ClusterStatus| status.format == FORMAT_MAX;
            world.await_status(address, "the newest format", is_newest).await;
        }
        world
    }

    async fn join(&mut self, address: &str, member: &str) {
        self.start(address, |settings| settings.join = owned(&[member])).await;
    }

    fn node(&self, address: &str) -> &RaftStore {
        &self.nodes[address]
    }

    /// Ends a node without letting it say goodbye.
    async fn stop(&mut self, address: &str) {
        self.nodes.remove(address).unwrap().shutdown().await;
    }

    async fn await_ready(&self) {
        for (address, node) in &self.nodes {
            let begun = Instant::now();
            while let Err(error) = node.ready().await {
                assert!(begun.elapsed() < PATIENCE, "{address}: {error}: {:?}", node.status());
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    fn leader(&self) -> Option<String> {
        let leads = |(address, node): (&String, &RaftStore)| {
            node.agenda().tenure.is_some().then(|| address.clone())
        };
        self.nodes.iter().find_map(leads)
    }

    async fn await_leader(&self) -> String {
        let begun = Instant::now();
        loop {
            if let Some(leader) = self.leader() {
                return leader;
            }
            assert!(begun.elapsed() < PATIENCE, "no leader");
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn await_status(&self, at: &str, what: &str, is: impl Fn(&crate::ClusterStatus) -> bool) {
        let begun = Instant::now();
        while !is(&self.node(at).status()) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {:?}", self.node(at).status());
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A test that fails must not wait for what it has frozen.
impl Drop for World {
    fn drop(&mut self) {
        self.disks.values().for_each(MemoryDisk::thaw);
    }
}

fn owned(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|&address| address.to_owned()).collect()
}

async fn sees(node: &RaftStore, name: &str) -> bool {
    node.get(&id(name), Consistency::Linearizable).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_founders_form_a_cluster_and_every_node_answers_every_request() {
    let world = World::found(&["c:1", "a:1", "b:1"]).await;
    for (writer, name) in [("a:1", "one"), ("b:1", "two"), ("c:1", "three")] {
        super::create_one(world.node(writer), name).await.unwrap();
        for reader in ["a:1", "b:1", "c:1"] {
            assert!(sees(world.node(reader), name).await, "{name} of {writer} at {reader}");
        }
    }
    let status = world.node("a:1").status();
    assert_eq!(status.nodes.len(), 3);
    assert!(status.nodes.iter().all(|node| node.is_voter), "{status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_leads_when_the_leader_ends_and_nothing_acknowledged_is_lost() {
    let mut world = World::found(&["a:1", "b:1", "c:1"]).await;
    for n in 0..5 {
        let leader = world.await_leader().await;
        super::create_one(world.node(&leader), &format!("t{n}")).await.unwrap();
        world.stop(&leader).await;
        let next = world.await_leader().await;
        assert_ne!(next, leader);
        for m in 0..=n {
            assert!(sees(world.node(&next), &format!("t{m}")).await);
        }
        world.start(&leader, |_| {}).await;
        world.await_ready().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_grows_and_shrinks_and_numbers_are_not_given_again() {
    let mut world = World::new();
    world.start("a:1", |_| {}).await;
    super::create_one(world.node("a:1"), "first").await.unwrap();
    world.node("a:1").snapshot().await.unwrap();
    for address in ["b:1", "c:1"] {
        world.join(address, "a:1").await;
        world.await_ready().await;
    }
    let voters = |status: &crate::ClusterStatus| status.nodes.iter().filter(|n| n.is_voter).count();
    world.await_status("a:1", "three voters", |status| voters(status) == 3).await;
    assert!(sees(world.node("c:1"), "first").await);
    world.node("c:1").remove_node(2).await.unwrap();
    let error = world.node("b:1").fatal().await;
    assert!(error.to_string().contains("was removed"), "{error}");
    let error = world.node("a:1").remove_node(2).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchNode);
    world.stop("b:1").await;
    world.disks.remove("b:1");
    world.join("b:1", "c:1").await;
    world.await_ready().await;
    world.await_status("c:1", "three voters", |status| voters(status) == 3).await;
    assert_eq!(world.node("b:1").status().node_id, 4);
    // The leader is let go like any other.
    let leader = world.await_leader().await;
    let id = world.node(&leader).status().node_id;
    world.node("b:1").remove_node(id).await.unwrap();
    assert!(world.node(&leader).fatal().await.to_string().contains("was removed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_nothing_is_acknowledged_and_stale_reads_go_on() {
    let mut world = World::found(&["a:1", "b:1", "c:1"]).await;
    super::create_one(world.node("a:1"), "before").await.unwrap();
    // A fresh read there has it applied there; what the others report may be older than it.
    assert!(sees(world.node("c:1"), "before").await);
    world.stop("a:1").await;
    world.stop("b:1").await;
    let left = world.node("c:1");
    assert!(left.ready().await.is_err());
    let error = left.commit(vec![create("after", due_at(1))]).await.unwrap_err();
    assert_eq!(error.kind(), xcron_core::StoreErrorKind::Unavailable);
    let known = error.effect() == Effect::None;
    assert!(left.get(&id("before"), Consistency::Linearizable).await.is_err());
    assert!(left.get(&id("before"), Consistency::Stale).await.unwrap().is_some());
    world.start("a:1", |_| {}).await;
    world.await_ready().await;
    assert!(!known || !sees(world.node("a:1"), "after").await);
    assert!(sees(world.node("a:1"), "before").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_founder_that_lost_its_disk_is_told_what_to_do() {
    let mut world = World::found(&["a:1", "b:1", "c:1"]).await;
    world.stop("b:1").await;
    world.disks.remove("b:1");
    let hosts = owned(&["a:1", "b:1", "c:1"]);
    world.start("b:1", |settings| settings.peer_hosts = hosts).await;
    let error = world.node("b:1").fatal().await;
    assert_eq!(error.kind(), ErrorKind::Foreign);
    assert!(error.to_string().contains("removeNode {\"node_id\": 2}"), "{error}");
    world.stop("b:1").await;
    world.join("b:1", "a:1").await;
    let error = world.node("b:1").fatal().await;
    assert!(error.to_string().contains("removeNode"), "{error}");
    world.stop("b:1").await;
    world.node("c:1").remove_node(2).await.unwrap();
    world.join("b:1", "a:1").await;
    world.await_ready().await;
    assert_eq!(world.node("b:1").status().node_id, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_was_put_back_to_an_older_state_is_refused() {
    let mut world = World::found(&["a:1", "b:1", "c:1"]).await;
    let leader = world.await_leader().await;
    let follower = if leader == "a:1" { "b:1" } else { "a:1" };
    world.stop(follower).await;
    let older = world.disks[follower].fork();
    world.start(follower, |_| {}).await;
    world.await_ready().await;
    for n in 0..10 {
        super::create_one(world.node(&leader), &format!("t{n}")).await.unwrap();
    }
    let lag = |s: &crate::ClusterStatus| s.nodes.iter().all(|n| n.lag == Some(0));
    world.await_status(&leader, "all applied", lag).await;
    sleep(Duration::from_millis(600)).await;
    world.stop(follower).await;
    world.disks.insert(follower.to_owned(), older);
    world.start(follower, |_| {}).await;
    let error = world.node(follower).fatal().await;
    assert!(error.to_string().contains("put back to an older state"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_ended_before_its_own_sync_is_let_in_again() {
    let mut world = World::found(&["a:1", "b:1", "c:1"]).await;
    let leader = world.await_leader().await;
    world.disks[&leader].freeze();
    // The disks of the two others are a majority.
    super::create_one(world.node(&leader), "task").await.unwrap();
    sleep(Duration::from_millis(600)).await;
    world.disks[&leader].kill();
    world.stop(&leader).await;
    world.start(&leader, |_| {}).await;
    world.await_ready().await;
    assert!(sees(world.node(&leader), "task").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_goes_on_when_nobody_waits_any_more_for_its_handing_over() {
    let mut world = World::found(&["a:1", "b:1", "c:1"]).await;
    let begun = Instant::now();
    let (leader, asks, takes) = loop {
        let leader = world.await_leader().await;
        let mut others = ["a:1", "b:1", "c:1"].into_iter().filter(|a| *a != leader);
        let (asks, takes) = (others.next().unwrap(), others.next().unwrap());
        let lag = |s: &crate::ClusterStatus| s.nodes.iter().all(|n| n.lag == Some(0));
        world.await_status(&leader, "all applied", lag).await;
        // It cannot note its vote, so it does not take over.
        world.disks[takes].freeze();
        let taker = world.node(takes).status().node_id;
        let asked = world.node(asks).transfer_leader(Some(taker));
        let Ok(answered) = tokio::time::timeout(Duration::from_millis(300), asked).await else {
            break (leader, asks, takes);
        };
        // On a busy machine another had been elected meanwhile.
        world.disks[takes].thaw();
        assert!(begun.elapsed() < PATIENCE, "it was answered: {answered:?}");
    };
    world.net.cut(asks, &leader);
    world.net.heal(asks, &leader);
    world.disks[takes].kill();
    world.stop(takes).await;
    // Whoever leads by now, that node is able to.
    let now = world.await_leader().await;
    if now != leader {
        let back = world.node(&leader).status().node_id;
        world.node(&now).transfer_leader(Some(back)).await.unwrap();
    }
    assert_eq!(world.await_leader().await, leader);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_ended_before_its_first_entry_is_let_in_again() {
    let mut world = World::found(&["a:1", "b:1", "c:1"]).await;
    world.join("d:1", "a:1").await;
    world.await_ready().await;
    for address in ["a:1", "b:1", "c:1", "d:1"] {
        world.stop(address).await;
    }
    // All that it has come to is a vote, and nobody remembers more.
    let disk = world.disks["d:1"].clone();
    let cluster = crate::cluster::identity::Belonging::load(&disk).unwrap().identity.cluster;
    for entry in disk.list().unwrap() {
        if entry.name.starts_with("log") || entry.name.ends_with(".snap") {
            disk.remove(&entry.name).unwrap();
        }
    }
    let log = crate::store::log_settings(&super::settings(), cluster);
    let log = crate::log::Log::open(Arc::new(disk), log).unwrap();
    let vote = crate::log::Vote { term: 1, node: 1, committed: false };
    log.save_vote(vote, Box::new(|saved| saved.unwrap())).unwrap();
    log.close();
    for address in ["a:1", "b:1", "c:1", "d:1"] {
        world.start(address, |_| {}).await;
    }
    world.await_ready().await;
    super::create_one(world.node("d:1"), "task").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_away_while_all_others_were_replaced_is_let_in_again() {
    let founders = ["a:1", "b:1", "c:1"];
    let mut world = World::found(&founders).await;
    let away = founders[2];
    world.stop(away).await;
    let voters = |status: &crate::ClusterStatus| status.nodes.iter().filter(|n| n.is_voter).count();
    for (address, count) in [("d:1", 4), ("e:1", 5)] {
        world.join(address, "a:1").await;
        world.await_ready().await;
        world.await_status("a:1", "another voter", |status| voters(status) == count).await;
    }
    for address in ["a:1", "b:1"] {
        let id = world.node(address).status().node_id;
        world.node("d:1").remove_node(id).await.unwrap();
        assert!(world.node(address).fatal().await.to_string().contains("was removed"));
        world.stop(address).await;
    }
    // All that it knows are nodes that are no more.
    world.start(away, |settings| settings.peer_hosts = owned(&founders)).await;
    world.await_ready().await;
    super::create_one(world.node(away), "task").await.unwrap();
}

/// Claims a new task through each node in turn and settles it; every node says the same of it.
async fn claim_through_each(world: &World, name: &str) {
    let mut revision = super::create_one(world.node("a:1"), name).await.unwrap();
    for address in ["a:1", "b:1", "c:1"] {
        let mut claimed = sending(9, 1, Holder { node: 9, incarnation: 1 });
        claimed.runs[0].fence = revision.0;
        for state in [claimed, due_at(10)] {
            let changes = vec![put(name, revision, state.clone())];
            revision = world.node(address).commit(changes).await.unwrap()[0].unwrap();
            for node in world.nodes.values() {
                let found = node.get(&id(name), Consistency::Linearizable).await.unwrap().unwrap();
                assert_eq!((found.task.revision, found.task.state), (revision, state.clone()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_version_keeps_the_format_down_until_it_is_replaced() {
    let addresses = ["a:1", "b:1", "c:1"];
    for (earlier, newer) in [(1, 2), (FORMAT_SHORT_PUTS - 1, FORMAT_SHORT_PUTS)] {
        let mut world = World::new();
        for address in addresses {
            world
                .start(address, |settings| {
                    settings.peer_hosts = owned(&addresses);
                    settings.format_max = if address == "b:1" { earlier } else { newer };
                })
                .await;
        }
        world.await_ready().await;
        for n in 0..5 {
            super::create_one(world.node("a:1"), &format!("t{n}")).await.unwrap();
            super::create_one(world.node("b:1"), &format!("u{n}")).await.unwrap();
        }
        sleep(Duration::from_millis(600)).await;
        claim_through_each(&world, "before").await;
        assert_eq!(world.node("a:1").status().format, earlier);
        if earlier == 1 {
            let refused = world.node("a:1").remove_node(3).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Refused);
        }
        world.stop("b:1").await;
        world.start("b:1", |_| {}).await;
        for address in addresses {
            let is_newer = |status: &crate::ClusterStatus| status.format == newer;
            world.await_status(address, "the newer format", is_newer).await;
            assert!(sees(world.node(address), "u4").await);
        }
        world.await_ready().await;
        claim_through_each(&world, "after").await;
        // Back to the earlier version it cannot go any more.
        world.stop("b:1").await;
        // A snapshot of the newer format shows it at once, an entry when it is applied.
        let failed = match world.try_start("b:1", |settings| settings.format_max = earlier).await {
            Ok(()) => world.node("b:1").fatal().await,
            Err(error) => error,
        };
        assert!(failed.to_string().contains(&format!("format {newer}")), "{failed}");
    }
}
