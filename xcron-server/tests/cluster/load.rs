//! A load: one-shots at a steady rate and tasks of every second, over connections to all nodes.
//!
//! Its clients survive the death of nodes: what has no certain answer is asked again, with the
//! same id, of the next node.

use crate::addresses::Addresses;
use crate::api::{Api, every_second, one_shot};
use crate::ledger::{EverySecond, Ledger, OneShot, Outcome};
use crate::target::{Target, now_millis, now_secs};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// How long a client waits for a connection, and for an answer, before it turns to another node.
const CONNECT_TIME: Duration = Duration::from_millis(500);
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// How long it rests after a failure.
const PAUSE: Duration = Duration::from_millis(30);

/// How long it asks for one task.
const PERSISTENCE: Duration = Duration::from_secs(20);

/// How much is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Begins the id of every task.
    pub(crate) name: &'static str,
    pub(crate) per_second: u32,
    /// How many one-shots at most, however long the load goes on.
    pub(crate) one_shots_max: u64,
    pub(crate) clients: usize,
    pub(crate) crons: usize,
    /// How far ahead a one-shot is due at most, in seconds.
    pub(crate) ahead: u64,
}

impl Default for Plan {
    fn default() -> Self {
        let one_shots_max = u64::MAX;
        Self { name: "load", per_second: 200, one_shots_max, clients: 12, crons: 3, ahead: 3 }
    }
}

/// A load under way.
#[derive(Debug)]
pub(crate) struct Load {
    world: Arc<World>,
    pacing: JoinHandle<()>,
    clients: JoinSet<(Vec<OneShot>, Vec<String>)>,
    crons: Vec<String>,
}

/// What its clients share.
#[derive(Debug)]
struct World {
    plan: Plan,
    addresses: Addresses,
    url: String,
    /// One permit for each task that is to be created now.
    wanted: Semaphore,
    next: AtomicU64,
    ends: AtomicBool,
}

/// A client and the connection it uses.
#[derive(Debug)]
struct Client {
    world: Arc<World>,
    /// Chooses the node.
    number: usize,
    api: Option<Api>,
    strange: Vec<String>,
}

/// What one request came to.
enum Tried {
    Done(Value),
    /// Not done by this request, now or later.
    NotDone,
    Unknown,
    /// Refused for a reason that asking again does not change.
    Strange(String),
}

impl Load {
    /// Creates the tasks of every second and then one-shots until [`end`](Self::end).
    pub(crate) async fn begin(addresses: &Addresses, target: &Target, plan: Plan) -> Self {
        let world = Arc::new(World {
            addresses: addresses.clone(),
            url: target.prompt(),
            wanted: Semaphore::new(0),
            next: AtomicU64::new(0),
            ends: AtomicBool::new(false),
            plan,
        });
        let mut client = Client::new(&world, 0);
        let mut crons = Vec::new();
        for number in 0..world.plan.crons {
            let id = format!("{}-every-second-{number}", world.plan.name);
            let (outcome, answer) = client.create(every_second(&id, &world.url)).await;
            assert_eq!(outcome, Outcome::Acknowledged, "{id}: {answer}");
            crons.push(id);
        }
        let pacing = tokio::spawn(pace(Arc::clone(&world)));
        let mut clients = JoinSet::new();
        for number in 0..world.plan.clients {
            clients.spawn(Client::new(&world, number).create_one_shots());
        }
        Self { world, pacing, clients, crons }
    }

    /// Whether as many one-shots were asked for as were planned.
    pub(crate) fn is_spent(&self) -> bool {
        self.world.next.load(Ordering::Relaxed) >= self.world.plan.one_shots_max
    }

    /// Ends it; the tasks of every second go on.
    pub(crate) async fn end(self) -> Ledger {
        let Self { world, pacing, clients, crons } = self;
        world.ends.store(true, Ordering::Relaxed);
        pacing.await.expect("the pace keeps until the end");
        let mut ledger = Ledger::default();
        for (one_shots, strange) in clients.join_all().await {
            ledger.one_shots.extend(one_shots);
            ledger.strange.extend(strange);
        }
        ledger.one_shots.sort_by_key(|asked| asked.invoked);
        let mut client = Client::new(&world, 0);
        for id in &crons {
            ledger.crons.push(client.look(id).await);
        }
        ledger.strange.extend(client.strange);
        ledger
    }
}

/// Lets tasks be created at the planned rate, until the load ends.
async fn pace(world: Arc<World>) {
    let mut ticks = interval(Duration::from_secs(1) / world.plan.per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !world.ends.load(Ordering::Relaxed) {
        ticks.tick().await;
        // What clients that all wait for answers leave undone is not made up for.
        if world.wanted.available_permits() < world.plan.clients {
            world.wanted.add_permits(1);
        }
    }
    world.wanted.close();
}

impl Client {
    fn new(world: &Arc<World>, number: usize) -> Self {
        Self { world: Arc::clone(world), number, api: None, strange: Vec::new() }
    }

    /// Creates tasks until the load ends; what became of them.
    async fn create_one_shots(mut self) -> (Vec<OneShot>, Vec<String>) {
        let world = Arc::clone(&self.world);
        let mut asked = Vec::new();
        while let Ok(permit) = world.wanted.acquire().await {
            permit.forget();
            let number = world.next.fetch_add(1, Ordering::Relaxed);
            if number >= world.plan.one_shots_max {
                break;
            }
            let task = format!("{}-{number}", world.plan.name);
            let due = now_secs() + 1 + number % world.plan.ahead;
            let invoked = now_millis();
            let (outcome, _) = self.create(one_shot(&task, due, &world.url)).await;
            asked.push(OneShot { task, due, invoked, returned: now_millis(), outcome });
        }
        (asked, self.strange)
    }

    /// Creates a task, whatever that takes.
    async fn create(&mut self, task: Value) -> (Outcome, Value) {
        let begun = Instant::now();
        let mut outcome = Outcome::Refused;
        while begun.elapsed() < PERSISTENCE {
            match self.attempt("/xcron/createTask", &task).await {
                Tried::Done(answer) => return (Outcome::Acknowledged, answer),
                Tried::NotDone => {}
                Tried::Unknown => outcome = Outcome::Unknown,
                Tried::Strange(said) => {
                    self.strange.push(format!("{}: {said}", task["task_id"]));
                    break;
                }
            }
            sleep(PAUSE).await;
        }
        (outcome, Value::Null)
    }

    /// A task of every second as it stands now; one that is gone has no seconds.
    async fn look(&mut self, task: &str) -> EverySecond {
        let begun = Instant::now();
        let path = format!("/xcron/queryTask?task_id={task}");
        while begun.elapsed() < PERSISTENCE {
            match self.attempt(&path, &Value::Null).await {
                Tried::Done(found) => return every_second_of(task, &found),
                Tried::Strange(said) => {
                    self.strange.push(format!("{task} was acknowledged: {said}"));
                    return EverySecond { task: task.to_owned(), ..EverySecond::default() };
                }
                Tried::NotDone | Tried::Unknown => sleep(PAUSE).await,
            }
        }
        panic!("{task} cannot be read");
    }

    /// One request to the present node; after a failure the next one will be asked.
    async fn attempt(&mut self, path: &str, body: &Value) -> Tried {
        let tried = self.request(path, body).await;
        if !matches!(tried, Tried::Done(_)) {
            (self.api, self.number) = (None, self.number + 1);
        }
        tried
    }

    async fn request(&mut self, path: &str, body: &Value) -> Tried {
        if self.api.is_none() {
            let Some(address) = self.world.addresses.pick(self.number) else {
                return Tried::NotDone;
            };
            let connected = timeout(CONNECT_TIME, Api::try_connect(address)).await;
            self.api = connected.ok().and_then(Result::ok);
        }
        let Some(api) = &mut self.api else { return Tried::NotDone };
        let answering = async {
            if body.is_null() { api.get(path).await } else { api.call(path, body.clone()).await }
        };
        let Ok(Ok((code, answer))) = timeout(ANSWER_TIME, answering).await else {
            return Tried::Unknown;
        };
        match (code, answer["data"]["effect"].as_str()) {
            (0, _) => Tried::Done(answer),
            (1429 | 1500 | 1503, Some("none")) => Tried::NotDone,
            (1429 | 1500 | 1503, _) => Tried::Unknown,
            _ => Tried::Strange(answer.to_string()),
        }
    }
}

/// A task of every second from what `queryTask` says of it.
fn every_second_of(task: &str, found: &Value) -> EverySecond {
    let number = |name: &str| found[name].as_u64().expect("a number");
    let created = found["create_time"].as_str().and_then(|text| text.parse::<u64>().ok());
    EverySecond {
        task: task.to_owned(),
        // Occurrences are after the creation, which is shown without its fraction of a second.
        first: created.expect("unix seconds") + 1,
        next: number("next_time"),
        ended: number("run_count"),
        skipped: number("skip_count"),
        open: found["open_runs"].as_array().expect("a list").len() as u64,
    }
}
