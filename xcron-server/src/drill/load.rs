//! The load: clients that create, delete and look at tasks on all nodes, whatever befalls these.

use super::api::{Api, NoAnswer};
use super::links::NODES;
use super::menu;
use super::moment::{SECOND, now};
use super::nodes::Directory;
use super::random::Random;
use super::record::Recorder;
use super::task;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use xcron_checker::{Call, Definition, Op, Outcome};

/// How many clients write and how many read; each has one request under way. Few write, because
/// what they have under way when a leader falls is what nobody knows of afterwards.
const WRITERS: u64 = 3;
const READERS: u64 = 6;
pub(super) const CLIENTS: u64 = WRITERS + READERS;
/// How often each of them asks for something.
const PERIOD: Duration = Duration::from_millis(150);
/// How long a client waits for an answer: longer than a node stands still.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// For how long a client avoids a node that gave it none.
const AVOIDED: Duration = Duration::from_secs(1);
/// How often a create is sent again that is not known to be done, and after which pause.
const REPEATS_MAX: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// Of a hundred writes, how many delete; the others create.
const DELETES: u64 = 14;

/// What the clients share.
#[derive(Debug)]
struct World {
    seed: u64,
    nodes: Directory,
    sink: String,
    recorder: Recorder,
    /// Nothing is due later, in unix seconds.
    end_s: i64,
    tasks: Mutex<Vec<String>>,
    next_client: AtomicU64,
    ends: AtomicBool,
}

impl World {
    fn tasks(&self) -> MutexGuard<'_, Vec<String>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Clients at work.
#[derive(Debug)]
pub(super) struct Load {
    world: Arc<World>,
    clients: JoinSet<()>,
}

impl Load {
    /// Creates the tasks that recur, and then lets the clients begin; nothing is due after
    /// `end_s`.
    pub(super) async fn begin(
        seed: u64,
        nodes: &Directory,
        sink: String,
        recorder: &Recorder,
        end_s: i64,
    ) -> Self {
        let world = Arc::new(World {
            seed,
            nodes: nodes.clone(),
            sink,
            recorder: recorder.clone(),
            end_s,
            tasks: Mutex::default(),
            next_client: AtomicU64::new(0),
            ends: AtomicBool::new(false),
        });
        let mut first = Client::new(&world);
        for (number, definition) in menu::long_crons(now() / SECOND, end_s).iter().enumerate() {
            first.create(format!("cron-{number}"), definition).await;
        }
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            clients.spawn(Client::new(&world).run(number < WRITERS));
        }
        Self { world, clients }
    }

    /// Ends the load; the ids of all tasks that may exist.
    pub(super) async fn end(self) -> Vec<String> {
        self.world.ends.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
        self.world.tasks().clone()
    }
}

#[derive(Debug)]
struct Client {
    world: Arc<World>,
    number: u64,
    random: Random,
    apis: [Api; NODES],
    avoided_until: [Option<Instant>; NODES],
    created: u64,
}

impl Client {
    fn new(world: &Arc<World>) -> Self {
        let number = world.next_client.fetch_add(1, Ordering::Relaxed);
        Self {
            world: Arc::clone(world),
            number,
            random: Random::new(world.seed, 1_000 + number),
            apis: Default::default(),
            avoided_until: [None; NODES],
            created: 0,
        }
    }

    /// Creates and deletes, or looks, until the load ends.
    async fn run(mut self, writes: bool) {
        let name = self.number;
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.world.ends.load(Ordering::Relaxed) {
            ticks.tick().await;
            let now_s = now() / SECOND;
            if writes && !self.random.chance(DELETES) && now_s < self.world.end_s {
                let definition = menu::draw(&mut self.random, now_s, self.world.end_s);
                self.created += 1;
                self.create(format!("task-{name}-{}", self.created), &definition).await;
            } else if let Some(task) = self.some_task() {
                let call = if writes { Call::Delete } else { Call::Query };
                self.ask(Op::new(call, task, 0)).await;
            }
        }
    }

    /// A task of anybody's, more often a late one.
    fn some_task(&mut self) -> Option<String> {
        let random = self.random.next();
        let tasks = self.world.tasks();
        let recent = tasks.len().min(64) as u64;
        let back = if random & 1 == 0 { recent } else { tasks.len() as u64 };
        let back = (random >> 1).checked_rem(back)? as usize;
        tasks.get(tasks.len() - 1 - back).cloned()
    }

    /// Creates a task, and asks again while nobody can say whether it is done.
    async fn create(&mut self, task: String, definition: &Definition) {
        self.world.tasks().push(task.clone());
        for _ in 0..REPEATS_MAX {
            let op = Op::create(task.clone(), definition.clone(), 0);
            match self.ask(op).await {
                Outcome::None | Outcome::Unknown => sleep(PAUSE).await,
                _ => return,
            }
        }
    }

    /// Sends one request and notes what became of it.
    async fn ask(&mut self, mut op: Op) -> Outcome {
        let Some(node) = self.choose() else { return Outcome::None };
        let Some(address) = self.world.nodes.http(node) else { return Outcome::None };
        let (api, within) = (&mut self.apis[node], ANSWER_MAX);
        op = op.by(self.number, node as u64 + 1);
        op.sent_us = now();
        let answer = match (op.call, &op.definition) {
            (Call::Create, Some(definition)) => {
                let body = task::request(&op.task, definition, &self.world.sink);
                api.post(address, "/xcron/createTask", &body, within).await
            }
            (Call::Delete, _) => {
                let body = serde_json::json!({"task_id": op.task});
                api.post(address, "/xcron/deleteTask", &body, within).await
            }
            _ => {
                let path = format!("/xcron/queryTask?task_id={}", op.task);
                api.get(address, &path, within).await
            }
        };
        let back = now();
        let op = match answer {
            Ok(answer) => {
                let outcome = answer.outcome.unwrap_or(Outcome::Unknown);
                let is_seen = op.call == Call::Query && outcome == Outcome::Ok;
                op.seen = is_seen.then(|| task::seen(&answer.data, &self.world.sink));
                op.answered(outcome, back)
            }
            Err(failed) => {
                self.avoided_until[node] = Some(Instant::now() + AVOIDED);
                let is_void = failed == NoAnswer::Unsent || op.call == Call::Query;
                op.outcome = if is_void { Outcome::None } else { Outcome::Unknown };
                op
            }
        };
        let outcome = op.outcome;
        if outcome == Outcome::Unknown {
            // It may still be under way, and whoever has asked it asks nothing else.
            self.number = self.world.next_client.fetch_add(1, Ordering::Relaxed);
        }
        self.world.recorder.note(op);
        outcome
    }

    /// A node that runs and has not failed this client a moment ago.
    fn choose(&mut self) -> Option<usize> {
        let first = self.random.below(NODES as u64) as usize;
        let in_turn = || (0..NODES).map(|turn| (first + turn) % NODES);
        let runs = |node: &usize| self.world.nodes.http(*node).is_some();
        let is_good = |node: &usize| self.avoided_until[*node].is_none_or(|at| at < Instant::now());
        in_turn().filter(runs).find(is_good).or_else(|| in_turn().find(runs))
    }
}
