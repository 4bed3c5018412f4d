//! After the last fault: waits until the cluster is well and has nothing left to do, and reads
//! from every node what it has come to.

use super::api::{Answer, Api};
use super::error::DrillError;
use super::links::NODES;
use super::moment::{Micros, now};
use super::nodes::Directory;
use super::record::Recorder;
use super::task;
use std::sync::Arc;
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

/// Waits until every node is ready; how long that took.
pub(super) async fn ready(
    nodes: &Directory,
    since: &'static str,
) -> Result<Micros, DrillError> {
    let begun = now();
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
    Ok(now() - begun)
}

/// Waits until no task has anything left to do, or will not come to its end any more.
pub(super) async fn drained(nodes: &Directory, tasks: &[String]) -> Result<(), DrillError> {
    let deadline = Instant::now() + DRAIN_MAX;
    let mut reader = Reader::new(nodes, 0);
    let mut open: Vec<&String> = tasks.iter().collect();
    while !open.is_empty() && Instant::now() < deadline {
        let mut still = Vec::new();
        for id in open {
            let answer = reader.read(id).await?;
            if answer.outcome == Some(Outcome::Ok) && answer.data["state"] != "finished" {
                still.push(id);
            }
        }
        open = still;
        sleep(PAUSE).await;
    }
    sleep(WATCH).await;
    Ok(())
}

/// Notes what every node says of every task.
pub(super) async fn remains(
    nodes: &Directory,
    tasks: &Arc<[String]>,
    recorder: &Recorder,
) -> Result<(), DrillError> {
    let mut reading = JoinSet::new();
    for node in 0..NODES {
        let (mut reader, tasks, recorder) =
            (Reader::new(nodes, node), Arc::clone(tasks), recorder.clone());
        reading.spawn(async move {
            for id in tasks.iter() {
                let answer = reader.read(id).await?;
                let found = match answer.outcome {
                    Some(Outcome::Ok) => task::remains(id, &answer.data),
                    _ => FinalTask::absent(id),
                };
                recorder.note(FinalTask { at_us: Some(now()), ..found }.on(node as u64 + 1));
            }
            Ok(())
        });
    }
    reading.join_all().await.into_iter().collect()
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
