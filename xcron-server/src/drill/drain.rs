//! After the last fault: waits until the cluster is well and has nothing left to do, and reads
//! from every node what it has come to.

use super::api::{Answer, Api};
use super::error::DrillError;
use super::links::NODES;
use super::moment::now;
use super::nodes::Directory;
use super::record::Recorder;
use super::task;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use xcron_checker::{FinalTask, Outcome};

/// How long the cluster may take until every node is ready.
const READY_MAX: Duration = Duration::from_secs(60);
/// How long everything that is due may take until it has ended, retries included.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// How long a callback that nobody expects has to show itself.
const WATCH: Duration = Duration::from_millis(1_500);
/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
/// How many questions a node is asked at once.
const READERS: usize = 16;

/// Waits until every node is ready.
pub(super) async fn ready(nodes: &Directory, since: &'static str) -> Result<(), DrillError> {
    let deadline = Instant::now() + READY_MAX;
    let mut apis: [Api; NODES] = Default::default();
    for (node, api) in apis.iter_mut().enumerate() {
        loop {
            let said = match nodes.http(node) {
                None => "it does not run".to_owned(),
                Some(address) => match api.get(address, "/xcron/cluster", ANSWER_MAX).await {
                    Err(_) => "it does not answer".to_owned(),
                    Ok(status) => match &status.data["ready"] {
                        serde_json::Value::Null if status.outcome == Some(Outcome::Ok) => break,
                        obstacle => obstacle.as_str().unwrap_or(&status.message).to_owned(),
                    },
                },
            };
            if Instant::now() > deadline {
                let said = format!("node {}: {said}", node + 1);
                return Err(DrillError::NotReady { after_s: READY_MAX.as_secs(), since, said });
            }
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Waits until no task has anything left to do, or will not come to its end any more.
pub(super) async fn drained(nodes: &Directory, tasks: &[String]) -> Result<(), DrillError> {
    let deadline = Instant::now() + DRAIN_MAX;
    let mut open = tasks.to_vec();
    while !open.is_empty() && Instant::now() < deadline {
        let is_open = |(_, answer): &(String, Answer)| {
            answer.outcome == Some(Outcome::Ok) && answer.data["state"] != "finished"
        };
        let read = read_all(nodes, 0, open).await?;
        open = read.into_iter().filter(is_open).map(|(id, _)| id).collect();
        sleep(PAUSE).await;
    }
    sleep(WATCH).await;
    Ok(())
}

/// Notes what every node says of every task.
pub(super) async fn remains(
    nodes: &Directory,
    tasks: &[String],
    recorder: &Recorder,
) -> Result<(), DrillError> {
    for node in 0..NODES {
        let asked = now();
        for (id, answer) in read_all(nodes, node, tasks.to_vec()).await? {
            let found = match answer.outcome {
                Some(Outcome::Ok) => task::remains(&id, &answer.data),
                _ => FinalTask::absent(id),
            };
            recorder.note(FinalTask { at_us: Some(asked), ..found }.on(node as u64 + 1));
        }
    }
    Ok(())
}

/// What a node says of these tasks, asked for several at a time.
async fn read_all(
    nodes: &Directory,
    node: usize,
    tasks: Vec<String>,
) -> Result<Vec<(String, Answer)>, DrillError> {
    let left = Arc::new(Mutex::new(tasks));
    let mut reading = JoinSet::new();
    for _ in 0..READERS {
        let (mut reader, left) = (Reader::new(nodes, node), Arc::clone(&left));
        reading.spawn(async move {
            let mut read = Vec::new();
            loop {
                let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some(id) = next else { return Ok(read) };
                let answer = reader.read(&id).await?;
                read.push((id, answer));
            }
        });
    }
    let parts: Result<Vec<Vec<_>>, DrillError> = reading.join_all().await.into_iter().collect();
    Ok(parts?.into_iter().flatten().collect())
}

/// Reads tasks from one node.
#[derive(Debug)]
struct Reader {
    nodes: Directory,
    node: usize,
    api: Api,
}

impl Reader {
    fn new(nodes: &Directory, node: usize) -> Self {
        Self { nodes: nodes.clone(), node, api: Api::default() }
    }

    /// A task, or that there is none.
    async fn read(&mut self, id: &str) -> Result<Answer, DrillError> {
        let deadline = Instant::now() + READY_MAX;
        let path = format!("/xcron/queryTask?task_id={id}");
        loop {
            let said = match self.nodes.http(self.node) {
                None => "it does not run".to_owned(),
                Some(address) => match self.api.get(address, &path, ANSWER_MAX).await {
                    Err(_) => "it does not answer".to_owned(),
                    Ok(answer) => match answer.outcome {
                        Some(Outcome::Ok | Outcome::Absent) => return Ok(answer),
                        _ => answer.message,
                    },
                },
            };
            if Instant::now() > deadline {
                let said = format!("node {}: {said}", self.node + 1);
                let (after_s, since) = (READY_MAX.as_secs(), "after the first question");
                return Err(DrillError::NotReady { after_s, since, said });
            }
            sleep(PAUSE).await;
        }
    }
}
