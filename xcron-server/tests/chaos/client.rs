//! A client: one call at a time, each written down with what it came to.

use crate::api::Api;
use crate::nodes::Nodes;
use crate::recorder::{Recorder, now_us};
use crate::wish::{Wish, seen};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use xcron_checker::{Call, Op, Outcome};

/// How long a client waits for a connection, and for an answer.
const CONNECT_TIME: Duration = Duration::from_millis(500);
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// How long it rests after a failure.
const PAUSE: Duration = Duration::from_millis(50);

/// How long it asks for one thing.
const PERSISTENCE: Duration = Duration::from_secs(15);

/// A client with a connection to the node of its choice.
#[derive(Debug)]
pub(crate) struct Client {
    number: u64,
    nodes: Nodes,
    recorder: Recorder,
    open: Option<(usize, Api)>,
    /// Chooses the next node.
    turn: usize,
}

impl Client {
    pub(crate) fn new(number: u64, nodes: &Nodes, recorder: &Recorder) -> Self {
        let turn = usize::try_from(number).expect("small");
        Self { number, nodes: nodes.clone(), recorder: recorder.clone(), open: None, turn }
    }

    /// Turns to another node.
    pub(crate) fn turn(&mut self) {
        (self.open, self.turn) = (None, self.turn + 1);
    }

    /// Creates a task, whatever that takes; whether it was acknowledged and no earlier request for
    /// it may still be under way. Of one that was given up nobody knows when it takes effect: it
    /// may bring the task back after it was deleted.
    pub(crate) async fn create(&mut self, wish: &Wish) -> bool {
        let begun = Instant::now();
        let mut is_certain = true;
        while begun.elapsed() < PERSISTENCE {
            match self.create_once(wish).await {
                Some(Outcome::Ok) => return is_certain,
                Some(Outcome::Refused | Outcome::Conflict) => return false,
                Some(Outcome::Unknown) => is_certain = false,
                _ => {}
            }
            sleep(PAUSE).await;
        }
        false
    }

    /// Asks once for a task; nothing is noted when nobody could be asked.
    pub(crate) async fn create_once(&mut self, wish: &Wish) -> Option<Outcome> {
        let op = |sent_us| Op::create(&wish.id, wish.definition.clone(), sent_us);
        let (op, _) = self.call("/xcron/createTask", Some(wish.json()), op).await?;
        let outcome = op.outcome;
        self.recorder.push(op);
        Some(outcome)
    }

    /// Deletes a task, whatever that takes.
    pub(crate) async fn delete(&mut self, task: &str) {
        let begun = Instant::now();
        while begun.elapsed() < PERSISTENCE {
            let op = |sent_us| Op::new(Call::Delete, task, sent_us);
            let body = json!({ "task_id": task });
            match self.call("/xcron/deleteTask", Some(body), op).await {
                Some((op, _)) if matches!(op.outcome, Outcome::Ok | Outcome::Absent) => {
                    return self.recorder.push(op);
                }
                Some((op, _)) => self.recorder.push(op),
                None => {}
            }
            sleep(PAUSE).await;
        }
    }

    /// Reads a task; only an answer is noted, because nothing follows from none.
    pub(crate) async fn query(&mut self, task: &str) {
        let path = format!("/xcron/queryTask?task_id={task}");
        let op = |sent_us| Op::new(Call::Query, task, sent_us);
        let Some((mut op, data)) = self.call(&path, None, op).await else { return };
        match op.outcome {
            Outcome::Ok => op.seen = Some(seen(&data)),
            Outcome::Absent => {}
            _ => return sleep(PAUSE).await,
        }
        self.recorder.push(op);
    }

    /// One call of the present node; after a failure it will be another one's turn.
    async fn call(
        &mut self,
        path: &str,
        body: Option<Value>,
        op: impl FnOnce(i64) -> Op,
    ) -> Option<(Op, Value)> {
        if self.open.is_none() {
            let (place, address) = self.nodes.pick(self.turn)?;
            let connected = timeout(CONNECT_TIME, Api::try_connect(address)).await;
            match connected.ok().and_then(Result::ok) {
                Some(api) => self.open = Some((place, api)),
                None => {
                    self.turn();
                    return None;
                }
            }
        }
        let (place, api) = self.open.as_mut()?;
        let mut op = op(now_us()).by(self.number, *place as u64 + 1);
        let answering = async {
            match body {
                Some(body) => api.call(path, body).await,
                None => api.get(path).await,
            }
        };
        let Ok(Ok((code, answer))) = timeout(ANSWER_TIME, answering).await else {
            self.turn();
            return Some((op, Value::Null));
        };
        op.back_us = Some(now_us());
        op.outcome = match (code, answer["data"]["effect"].as_str()) {
            (0, _) => Outcome::Ok,
            (1404, _) => Outcome::Absent,
            (1409, _) => Outcome::Conflict,
            (1429 | 1500 | 1503, Some("none")) => Outcome::None,
            (1429 | 1500 | 1503, _) => Outcome::Unknown,
            (1000..=1099, _) => Outcome::Refused,
            _ => {
                self.recorder.wrong(format!("a strange answer to {path}: {answer}"));
                Outcome::Unknown
            }
        };
        if code >= 1_429 {
            self.turn();
        }
        Some((op, answer))
    }
}
