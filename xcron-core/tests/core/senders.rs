//! Two nodes over one store: one plans, and what has no place there the other sends.

use crate::world::{World, at, cron, one_shot};
use async_trait::async_trait;
use futures::FutureExt;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use xcron_core::task::state::Phase;
use xcron_core::testing::SimClock;
use xcron_core::{
    Agenda, Change, Claim, Clock, Committed, Consistency, Entrusted, Holder, MemoryStore, Revision,
    Sender, Settings, Store, StoreError, Task, TaskCounts, TaskId, TaskWithHistory, Timestamp,
};

const PLANNER: Holder = Holder { node: 1, incarnation: 1 };
const OTHER: Holder = Holder { node: 2, incarnation: 1 };

/// What both nodes see.
#[derive(Debug)]
struct Cluster {
    inner: Arc<MemoryStore>,
    clock: SimClock,
    /// How many attempts the other takes.
    offered: AtomicUsize,
    /// Whether the planner vouches for the other.
    is_vouched_for: AtomicBool,
    gone: Mutex<BTreeSet<Holder>>,
    /// What the other has applied, if that is not everything.
    applied: Mutex<Option<Vec<Task>>>,
}

/// One of them.
#[derive(Debug)]
struct Node(Arc<Cluster>, Holder);

impl Cluster {
    fn tasks(&self) -> Vec<Task> {
        let scan = self.inner.scan(None, usize::MAX, Consistency::Stale);
        scan.now_or_never().expect("memory answers").expect("memory answers")
    }
}

impl Node {
    fn applied(&self) -> Vec<Task> {
        let applied = self.0.applied.lock().expect("no panic").clone();
        applied.filter(|_| !self.plans()).unwrap_or_else(|| self.0.tasks())
    }

    fn held(&self, holder: Holder) -> Vec<Task> {
        let tasks = self.applied();
        let is_held = |phase| matches!(phase, Phase::Sending { holder: by, .. } if by == holder);
        let mut held: Vec<Task> = tasks
            .into_iter()
            .filter(|task| task.state.runs.iter().any(|run| is_held(run.phase)))
            .collect();
        held.sort_by_key(|task| task.revision);
        held
    }

    fn plans(&self) -> bool {
        self.1 == PLANNER
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Node {
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        self.0.inner.commit(changes).await
    }

    async fn get(
        &self,
        id: &TaskId,
        consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
        self.0.inner.get(id, consistency).await
    }

    async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        self.0.inner.scan(after, limit, consistency).await
    }

    async fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
        consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError> {
        self.0.inner.scan_history(after, limit, failed, consistency).await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Task>, StoreError> {
        let mut due = if self.plans() { self.held_by_gone() } else { Vec::new() };
        if self.plans() {
            due.extend(self.0.inner.due(until, limit).await?);
        }
        due.dedup_by(|a, b| a.id == b.id);
        due.truncate(limit);
        Ok(due)
    }

    async fn finished(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.0.inner.finished(limit).await
    }

    fn agenda(&self) -> Agenda {
        let agenda = self.0.inner.agenda();
        if self.plans() {
            let next_due =
                if self.held_by_gone().is_empty() { agenda.next_due } else { Some(Timestamp::MIN) };
            return Agenda { next_due, ..agenda };
        }
        let entrusted = self.held(self.1).last().map(|task| task.revision);
        Agenda { tenure: None, entrusted, ..agenda }
    }

    async fn agenda_changed(&self, seen: Agenda) {
        while !self.agenda().is_news_to(&seen) {
            let next = self.0.clock.now().plus(Duration::from_millis(5));
            self.0.clock.sleep_until(next).await;
        }
    }

    fn holder(&self) -> Holder {
        self.1
    }

    fn is_gone(&self, holder: Holder) -> bool {
        self.0.gone.lock().expect("no panic").contains(&holder)
    }

    fn senders(&self) -> Vec<Sender> {
        let offered = self.0.offered.load(Ordering::SeqCst);
        let room = offered.saturating_sub(self.held(OTHER).len());
        if self.plans() && !self.is_gone(OTHER) && room > 0 {
            vec![Sender { holder: OTHER, room }]
        } else {
            Vec::new()
        }
    }

    fn offer(&self, attempts: usize) {
        if !self.plans() {
            self.0.offered.store(attempts, Ordering::SeqCst);
        }
    }

    fn entrusted(&self, since: Revision, limit: usize) -> Result<Entrusted, StoreError> {
        let held = self.held(self.1).into_iter().filter(|task| task.revision > since);
        let seen = self.applied().iter().map(|task| task.revision).max().unwrap_or_default();
        Ok(Entrusted { tasks: held.take(limit).collect(), seen })
    }

    fn is_open(&self, claim: &Claim, _made: Revision) -> bool {
        self.0.inner.stands(claim)
    }

    fn clock_fault(&self) -> Option<StoreError> {
        None
    }

    fn may_send(&self) -> bool {
        self.plans() || self.0.is_vouched_for.load(Ordering::SeqCst)
    }

    fn stands(&self, claim: &Claim) -> bool {
        let stands = |task: &Task| task.id == claim.task && claim.stands_in(&task.state);
        self.may_send() && self.applied().iter().any(stands)
    }

    fn counts(&self) -> TaskCounts {
        self.0.inner.counts()
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.0.inner.ready().await
    }
}

impl Node {
    fn held_by_gone(&self) -> Vec<Task> {
        let gone = self.0.gone.lock().expect("no panic").clone();
        gone.into_iter().flat_map(|holder| self.held(holder)).collect()
    }
}

/// A world in which each node makes one attempt at a time, and its two nodes.
fn two_nodes() -> (World, Arc<Cluster>) {
    let world = World::with_settings(Settings { in_flight_max: 1, ..Settings::default() });
    let cluster = Arc::new(Cluster {
        inner: Arc::clone(&world.store),
        clock: world.clock.clone(),
        offered: AtomicUsize::new(0),
        is_vouched_for: AtomicBool::new(true),
        gone: Mutex::default(),
        applied: Mutex::default(),
    });
    (world, cluster)
}

/// Runs both nodes for so many seconds, with `script` beside them.
async fn run(world: &World, cluster: &Arc<Cluster>, end: i64, script: impl Future<Output = ()>) {
    let planner = world.scheduler_over(Arc::new(Node(Arc::clone(cluster), PLANNER)));
    let other = world.scheduler_over(Arc::new(Node(Arc::clone(cluster), OTHER)));
    let beside = async {
        let sends = other.run(std::future::pending());
        let (_ended, ()) = futures::join!(sends, script);
    };
    world.run_with(&planner, end, beside).await;
}

#[tokio::test]
async fn what_has_no_place_here_is_sent_by_another_node() {
    let (world, cluster) = two_nodes();
    let scheduler = world.scheduler();
    for id in ["a", "b", "c", "d"] {
        world.targets.hold(id);
        scheduler.create(one_shot(id, 10)).await.expect("it is new");
    }
    let script = async {
        world.clock.sleep_until(at(12)).await;
        ["a", "b", "c", "d"].iter().for_each(|id| world.targets.release(id));
    };
    run(&world, &cluster, 30, script).await;
    let mut by_instant = world.arrivals();
    by_instant.sort_unstable();
    assert_eq!(by_instant, [10, 10, 12, 12], "one at a time on each node");
    let mut nodes = BTreeSet::new();
    for id in ["a", "b", "c", "d"] {
        let task = world.task(id).await.expect("it is there");
        assert_eq!(task.task.state.counters.succeeded, 1);
        nodes.insert(task.history[0].node);
    }
    assert_eq!(nodes, BTreeSet::from([1, 2]));
    assert_eq!(world.receipts().len(), 4);
}

#[tokio::test]
async fn nothing_is_sent_without_the_planners_word_and_what_is_lost_is_sent_here() {
    let (world, cluster) = two_nodes();
    let scheduler = world.scheduler();
    world.targets.hold("a");
    for id in ["a", "b"] {
        scheduler.create(one_shot(id, 10)).await.expect("it is new");
    }
    cluster.is_vouched_for.store(false, Ordering::SeqCst);
    let script = async {
        world.clock.sleep_until(at(15)).await;
        world.targets.release("a");
        world.clock.sleep_until(at(20)).await;
        cluster.gone.lock().expect("no panic").insert(OTHER);
    };
    run(&world, &cluster, 40, script).await;
    assert_eq!(world.arrivals(), [10, 20], "the second by the planner, once the other is gone");
    let attempts: Vec<u32> = world.receipts().iter().map(|receipt| receipt.attempt).collect();
    assert_eq!(attempts, [1, 2]);
}

#[tokio::test]
async fn attempts_of_a_task_are_of_one_node_while_one_is_on_its_way() {
    let (world, cluster) = two_nodes();
    let scheduler = world.scheduler();
    world.targets.hold("a");
    world.targets.hold("c");
    scheduler.create(one_shot("a", 10)).await.expect("it is new");
    // At 10, 15 and 20 seconds after the beginning.
    scheduler.create(cron("c", "30,35,40 13 22 * * *")).await.expect("it is new");
    let script = async {
        world.clock.sleep_until(at(18)).await;
        ["a", "c"].iter().for_each(|id| world.targets.release(id));
    };
    run(&world, &cluster, 30, script).await;
    let history = world.task("c").await.expect("it is there").history;
    let nodes: Vec<u64> = history.iter().rev().map(|run| run.node).collect();
    assert_eq!(nodes, [2, 2, 1], "the second waits behind the first, whoever has a place");
}

#[tokio::test]
async fn what_is_settled_is_not_taken_up_again_by_a_node_that_has_not_applied_it() {
    let (world, cluster) = two_nodes();
    let scheduler = world.scheduler();
    world.targets.hold("a");
    world.targets.hold("c");
    scheduler.create(one_shot("a", 10)).await.expect("it is new");
    // At 10 and 15 seconds after the beginning.
    scheduler.create(cron("c", "30,35 13 22 14 11 *")).await.expect("it is new");
    let applied = || Some(cluster.tasks());
    let script = async {
        world.clock.sleep_until(at(17)).await;
        *cluster.applied.lock().expect("no panic") = applied();
        world.targets.release("c");
        world.targets.hold("c");
        world.clock.sleep_until(at(19)).await;
        let first_is_settled = applied();
        world.targets.release("c");
        world.clock.sleep_until(at(21)).await;
        *cluster.applied.lock().expect("no panic") = first_is_settled;
        world.clock.sleep_until(at(23)).await;
        *cluster.applied.lock().expect("no panic") = None;
        world.targets.release("a");
    };
    run(&world, &cluster, 30, script).await;
    let of_c = world.receipts().into_iter().filter(|receipt| receipt.run_id.starts_with("c@"));
    assert_eq!(of_c.count(), 2, "each of its runs once");
}
