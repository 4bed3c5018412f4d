//! After the faults: the cluster is whole again, everything due is done, and all nodes agree.

use crate::api::Api;
use crate::recorder::now_us;
use crate::view::page;
use crate::wish::{Wish, phase};
use crate::world::{NODES, World};
use hyper::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use xcron_checker::{FinalTask, OpenRun, StateHash};

/// How long a cluster may take to be whole once nothing is wrong any more.
const RECOVERY: Duration = Duration::from_secs(10);

/// How long after the last due time everything must be done, whatever had to be made up for.
const DRAIN_MAX: Duration = Duration::from_secs(60);

/// How many tasks of one node are read at the same time.
const READERS: usize = 4;

/// How long one answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Before the year 2100, in unix seconds: what is due later is not waited for.
const SOON_S: i64 = 4_000_000_000;

/// Waits until the cluster is whole; how long that took.
pub(crate) async fn recover(world: &World) -> Duration {
    let begun = Instant::now();
    if !world.is_whole_within(RECOVERY).await {
        world.recorder.wrong(format!("I16: the cluster is not whole after {RECOVERY:?}"));
        world.is_whole_within(2 * RECOVERY).await;
    }
    begun.elapsed()
}

/// Waits until no task has anything left to do.
pub(crate) async fn drain(world: &World, wishes: &[Wish]) {
    let over = wishes.iter().map(Wish::over_s).filter(|over| *over < SOON_S).max();
    let wait = over.unwrap_or_default() - now_us() / 1_000_000;
    world.recorder.say(&format!("waiting {wait} s for what is due, and for its retries"));
    sleep(Duration::from_secs(wait.max(0).unsigned_abs())).await;
    let begun = Instant::now();
    let mut left: Vec<&Wish> = wishes.iter().filter(|wish| wish.over_s() < SOON_S).collect();
    while !left.is_empty() {
        let Some(mut api) = open(world, 0).await else { return };
        let mut still = Vec::new();
        for wish in left {
            if !is_done(&mut api, &wish.id).await {
                still.push(wish);
            }
        }
        left = still;
        if begun.elapsed() > DRAIN_MAX {
            for wish in left.iter().take(5) {
                let task = read(&mut api, &wish.id).await;
                world.recorder.wrong(format!("{} is not done: {task:?}", wish.id));
            }
            return;
        }
        sleep(Duration::from_millis(500)).await;
    }
}

async fn open(world: &World, place: usize) -> Option<Api> {
    Api::try_connect(world.places.at(place)?).await.ok()
}

/// The code and the data of a task.
async fn read(api: &mut Api, task: &str) -> Option<(i64, Value)> {
    let path = format!("/xcron/queryTask?task_id={task}");
    timeout(ANSWER_TIME, api.get(&path)).await.ok()?.ok()
}

async fn is_done(api: &mut Api, task: &str) -> bool {
    match read(api, task).await {
        Some((0, found)) => found["state"] == "finished" && is_empty(&found["open_runs"]),
        Some((code, _)) => code == 1404,
        None => false,
    }
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

/// Writes down what every node says of every task; how many occurrences were decided.
pub(crate) async fn remains(world: &World, wishes: &[Wish]) {
    let ids: BTreeSet<String> = wishes.iter().map(|wish| wish.id.clone()).collect();
    let ids: Arc<Vec<String>> = Arc::new(ids.into_iter().collect());
    let mut readers = JoinSet::new();
    for place in 0..NODES {
        let Some(address) = world.places.at(place) else { continue };
        for reader in 0..READERS {
            readers.spawn(read_some(address, place, reader, Arc::clone(&ids)));
        }
    }
    for read in readers.join_all().await {
        match read {
            Ok(tasks) => tasks.into_iter().for_each(|task| world.recorder.push(task)),
            Err(why) => world.recorder.wrong(why),
        }
    }
}

/// Asks every node whether every occurrence is accounted for (I19).
pub(crate) async fn audit(world: &World) {
    for place in 0..NODES {
        let mut cursor = String::new();
        loop {
            let path = format!("/xcron/audit?{cursor}");
            let asked = async {
                timeout(ANSWER_TIME, open(world, place).await?.get(&path)).await.ok()?.ok()
            };
            let Some((0, sums)) = asked.await else {
                return world.recorder.wrong(format!("node {} answers no audit", place + 1));
            };
            if sums["difference"] != 0 || sums["unreadable"] != 0 {
                let node = place + 1;
                world.recorder.wrong(format!("I19: node {node} does not account for all: {sums}"));
            }
            let Some(next) = sums["next_cursor"].as_str() else { break };
            cursor = format!("cursor={next}");
        }
    }
}

/// Every so manieth task as the node at `place` has it.
async fn read_some(
    address: SocketAddr,
    place: usize,
    reader: usize,
    ids: Arc<Vec<String>>,
) -> Result<Vec<FinalTask>, String> {
    let gone = |_| format!("node {} does not answer at the end", place + 1);
    let mut api = Api::try_connect(address).await.map_err(gone)?;
    let mut tasks = Vec::new();
    for id in ids.iter().skip(reader).step_by(READERS) {
        let task = match read(&mut api, id).await {
            Some((0, found)) => remained(id, &found),
            Some((1404, _)) => FinalTask::absent(id),
            other => return Err(format!("{id} cannot be read at the end: {other:?}")),
        };
        tasks.push(FinalTask { at_us: Some(now_us()), ..task.on(place as u64 + 1) });
    }
    Ok(tasks)
}

fn remained(id: &str, found: &Value) -> FinalTask {
    let number = |name: &str| found[name].as_u64().unwrap_or_default();
    let open = |run: &Value| OpenRun {
        run: run["run_id"].as_str().unwrap_or_default().to_owned(),
        scheduled_s: run["scheduled_time"].as_i64().unwrap_or_default(),
        attempt: u32::try_from(run["attempt"].as_u64().unwrap_or_default()).unwrap_or(u32::MAX),
        fence: 0,
    };
    FinalTask {
        state: phase(found),
        next_s: found["next_time"].as_i64(),
        run_count: number("run_count"),
        succeeded: number("success_count"),
        failed: number("failure_count"),
        skipped: number("skip_count"),
        unknown: number("unknown_count"),
        cancelled: number("cancelled_count"),
        open_runs: found["open_runs"].as_array().into_iter().flatten().map(open).collect(),
        ..FinalTask::active(id)
    }
}

/// Writes down a hash of each node's state; whether that was possible at the same index.
pub(crate) async fn hashes(world: &World) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < RECOVERY {
        let mut found = Vec::new();
        for place in 0..NODES {
            let before = applied(world, place).await;
            let Some(hash) = hash(world, place).await else { continue };
            if before.is_some() && before == applied(world, place).await {
                found.extend(before.map(|index| (place, index, hash)));
            }
        }
        let indexes: BTreeSet<u64> = found.iter().map(|(_, index, _)| *index).collect();
        if found.len() == NODES && indexes.len() == 1 {
            for (place, index, hash) in found {
                let hash = format!("{hash:016x}");
                world.recorder.push(StateHash::new(place as u64 + 1, index, hash));
            }
            return true;
        }
        sleep(Duration::from_millis(100)).await;
    }
    false
}

/// The index of the last entry that a node has applied, as it says.
async fn applied(world: &World, place: usize) -> Option<u64> {
    let view = world.view(place).await?;
    view.node(view.node_id())?.json()["applied"].as_u64()
}

/// A hash of all that a node holds, as a backup of it has it.
async fn hash(world: &World, place: usize) -> Option<u64> {
    let mut api = open(world, place).await?;
    let asked = api.send(Method::GET, "/xcron/cluster/backup", None);
    let (status, bytes) = timeout(ANSWER_TIME, asked).await.ok()?.ok()?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    status.is_success().then(|| hasher.finish())
}

/// Notes what the metrics of every node say must never happen.
pub(crate) async fn metrics(world: &World) {
    for place in 0..NODES {
        let monitor = world.nodes[place].member.monitor();
        let address = match (&world.net, monitor) {
            (Some(net), Some(monitor)) => {
                Some(SocketAddr::from((net.client_address(place), monitor.port())))
            }
            (_, monitor) => monitor,
        };
        let text = match address {
            Some(address) => page(address, "/metrics").await,
            None => None,
        };
        if text.is_none() {
            world.recorder.wrong(format!("node {} has no metrics at the end", place + 1));
        }
    }
}
