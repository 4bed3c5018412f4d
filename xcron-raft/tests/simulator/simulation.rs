//! One simulation from its beginning to its verdict: form, load, faults, heal, drain, judge.

use std::cell::RefCell;
use std::sync::Once;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use xcron_checker::{Begin, FinalTask, Verdict};
use xcron_core::decide::account;
use xcron_core::{Calendar, Consistency, Store as _, Timestamp};

use crate::dice::Dice;
use crate::load::{Client, Handle, phase};
use crate::plan::Plan;
use crate::record::Recorded;
use crate::world::{Event, World, address};

/// How long the nodes may take to form a cluster.
const FORM_MAX: Duration = Duration::from_secs(20);
/// How long after the last fault everything has to be well again (I16).
const CONVERGE_MAX: Duration = Duration::from_secs(10);
/// How long what is due then may take.
const DRAIN: Duration = Duration::from_secs(45);

thread_local! {
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What came of a simulation.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) plan: Plan,
    pub(crate) recorded: Recorded,
    pub(crate) verdict: Verdict,
    /// How much time was simulated.
    pub(crate) span: Duration,
}

impl Report {
    pub(crate) fn is_green(&self) -> bool {
        self.recorded.violations.is_empty() && self.verdict.is_pass()
    }
}

/// Runs the simulation that `plan` stands for.
pub(crate) fn run(plan: Plan, keeps_events: bool) -> Report {
    watch_panics();
    PANICS.take();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&plan.seed.to_le_bytes()));
    let runtime = builder.build().expect("a runtime without I/O needs nothing");
    let (mut recorded, span) = runtime.block_on(simulate(plan.clone(), keeps_events));
    drop(runtime);
    recorded.violations.extend(PANICS.take());
    let verdict = recorded.history.judge_with(&settings(&plan));
    Report { plan, recorded, verdict, span }
}

/// What a simulated cluster is judged by.
fn settings(plan: &Plan) -> xcron_checker::Settings {
    xcron_checker::Settings {
        // Faults come every few seconds here.
        unknown_percent_max: 40.0,
        failover_us: 4_000_000 + 4_000 * plan.settings.election_timeout_ms as i64,
        open_runs_max: 100,
        ..xcron_checker::Settings::default()
    }
}

/// Panics of tasks are swallowed by the runtime; here each is a violation.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.with_borrow_mut(|panics| panics.push(format!("a panic: {panic}")));
            usual(panic);
        }));
    });
}

async fn simulate(plan: Plan, keeps_events: bool) -> (Recorded, Duration) {
    let mut world = World::new(plan.clone(), keeps_events);
    let began = Instant::now();
    form(&mut world).await;
    let clients: Vec<_> = (0..plan.clients)
        .map(|number| {
            let dice = Dice::new(plan.seed, &format!("client {number}"));
            tokio::spawn(Client::new(world.load.clone(), number + 1, dice).run())
        })
        .collect();
    let first = world.dice.gap(plan.fault_gap_ms);
    world.schedule(first, Event::Fault);
    world.schedule(Duration::from_millis(plan.snapshot_gap_ms), Event::Snapshot);
    world.faults_end = Instant::now() + plan.span;
    world.run_until(world.faults_end).await;
    world.recorder.trace("heal");
    world.heal();
    converge(&mut world).await;
    world.load.is_over.store(true, Ordering::SeqCst);
    world.run_until(Instant::now() + DRAIN).await;
    converge(&mut world).await;
    for client in clients {
        client.abort();
    }
    take_down_remains(&mut world).await;
    world.health.finish(&world.recorder);
    let nodes = plan.nodes as u32;
    let label = format!("simulation seed {} of {nodes} nodes", plan.seed);
    let began_us = plan.began_s * 1_000_000;
    // A sender stops before anybody else can be elected.
    let lease_us = 1_000 * plan.settings.election_timeout_ms as i64;
    let tolerance_us = 1_000 * plan.clock_tolerance_ms() as i64;
    let begin = Begin::new(began_us, nodes)
        .label(label)
        .lease_us(lease_us)
        .clock_tolerance_us(tolerance_us);
    let recorded = world.recorder.finish(begin);
    let numbers: Vec<u64> = world.nodes.keys().copied().collect();
    numbers.into_iter().for_each(|number| world.kill(number));
    (recorded, began.elapsed())
}

/// Starts the founders and waits until they are a cluster.
async fn form(world: &mut World) {
    let hosts: Vec<String> = (1..=world.plan.nodes).map(address).collect();
    for _ in 0..world.plan.nodes {
        let number = world.add_node(hosts.clone(), Vec::new());
        world.note(number, |condition| condition.is_member = true);
    }
    world.schedule(Duration::ZERO, Event::Watch);
    world.schedule(Duration::from_secs(1), Event::Compare);
    let deadline = Instant::now() + FORM_MAX;
    while !is_well(world).await {
        if Instant::now() > deadline {
            return world.recorder.violation(format!("no cluster was formed: {}", statuses(world)));
        }
        world.run_until(Instant::now() + Duration::from_millis(50)).await;
    }
    world.recorder.trace("formed");
}

/// Waits until all nodes agree, after the faults are over.
async fn converge(world: &mut World) {
    let deadline = Instant::now() + CONVERGE_MAX;
    while !is_well(world).await {
        if Instant::now() > deadline {
            let statuses = statuses(world);
            return world.recorder.violation(format!("I16: not well after the faults: {statuses}"));
        }
        world.run_until(Instant::now() + Duration::from_millis(50)).await;
    }
}

/// Whether every node is up and ready, one leads, and all have applied the same.
async fn is_well(world: &World) -> bool {
    let handles: Vec<Handle> = world.handles().values().cloned().collect();
    if handles.len() < world.nodes.len() {
        return false;
    }
    let leaders = handles.iter().filter(|handle| handle.store.agenda().tenure.is_some()).count();
    if leaders != 1 {
        return false;
    }
    for handle in handles {
        let store = handle.store.clone();
        let ready = handle.process.spawn(async move { store.ready().await.is_ok() });
        let ready = tokio::time::timeout(Duration::from_secs(2), ready).await;
        if !matches!(ready, Ok(Ok(true))) {
            return false;
        }
    }
    true
}

fn statuses(world: &World) -> String {
    let mut text = String::new();
    for (number, node) in &world.nodes {
        let handle = world.handles().get(number).cloned();
        let status = handle.map(|handle| {
            let status = handle.store.status();
            let applied = handle.store.stats().last_applied;
            let tenure = handle.store.agenda().tenure;
            let known =
                |node: &xcron_raft::NodeStatus| (node.node_id, node.address.clone(), node.role);
            let nodes: Vec<_> = status.nodes.iter().map(known).collect();
            let (me, leader, obstacle) = (status.node_id, status.leader, status.obstacle);
            format!("{me} of {leader:?} tenure {tenure:?} applied {applied} {nodes:?} {obstacle:?}")
        });
        let (lives, awake) = (node.lives, node.is_awake());
        text.push_str(&format!("\n  node {number} life {lives} awake {awake}: {status:?}"));
    }
    text
}

/// Takes down what has become of every task.
async fn take_down_remains(world: &mut World) {
    let ids: Vec<String> = {
        let drafts = world.load.drafts.lock().expect("nobody panics with it");
        drafts.keys().cloned().collect()
    };
    let Some((number, handle)) = world.handles().iter().next().map(|(n, h)| (*n, h.clone())) else {
        return world.recorder.violation("nobody is left to say what remained");
    };
    for id in ids {
        let name = xcron_core::TaskId::parse(&id).expect("only good ids are drawn");
        let store = handle.store.clone();
        let read = async move { store.get(&name, Consistency::Linearizable).await };
        let mut line = match handle.process.spawn(read).await {
            Ok(Ok(None)) => FinalTask::absent(id.as_str()),
            Ok(Ok(Some(found))) => {
                audit(world, &found);
                remains(&id, &found.task)
            }
            other => {
                world.recorder.violation(format!("I16: {id} cannot be read at the end: {other:?}"));
                continue;
            }
        };
        line.node = number;
        line.at_us = Some(world.recorder.now_us());
        world.recorder.line(line);
    }
}

/// Holds what became of a task against what its schedule has, as `GET /xcron/audit` does (I19).
fn audit(world: &World, found: &xcron_core::TaskWithHistory) {
    let now = Timestamp::from_millis(world.recorder.now_us() / 1_000);
    let span = (Timestamp::from_secs(0), now);
    let account = account(found, &Calendar::default(), span, now);
    if account.is_none_or(|account| account.difference() != 0) {
        let id = &found.task.id;
        world.recorder.violation(format!("I19: the account of {id} does not add up: {account:?}"));
    }
}

fn remains(id: &str, task: &xcron_core::Task) -> FinalTask {
    let (state, counters) = (&task.state, &task.state.counters);
    let open = |run: &xcron_core::OpenRun| xcron_checker::OpenRun {
        run: xcron_core::RunId::new(task.id.clone(), run.occurrence).to_string(),
        scheduled_s: run.occurrence.time().as_secs(),
        attempt: run.attempt,
        fence: run.fence,
    };
    FinalTask {
        state: Some(phase(state.status)),
        next_s: state.next.map(|next| next.as_secs()),
        run_count: counters.ended(),
        succeeded: counters.succeeded,
        failed: counters.failed,
        skipped: counters.skipped(),
        unknown: counters.unknown,
        cancelled: counters.cancelled,
        open_runs: state.runs.iter().map(open).collect(),
        ..FinalTask::finished(id)
    }
}
