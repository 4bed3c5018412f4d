//! The clients: each asks one thing after another of nodes that it picks, and notes the answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use xcron_checker::{Call, Op, Outcome, Seen, TaskPhase};
use xcron_core::{
    Consistency, CreateError, DeleteError, Effect, Scheduler, StoreError, TaskStatus,
    TaskWithHistory,
};
use xcron_raft::RaftStore;
use xcron_raft::runtime::Process;

use crate::definitions::{self, Draft};
use crate::dice::Dice;
use crate::record::Recorder;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(12);

/// A node that can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) process: Process,
    pub(crate) scheduler: Scheduler,
    pub(crate) store: Arc<RaftStore>,
}

/// The nodes that can be asked, by number.
pub(crate) type Handles = Arc<Mutex<BTreeMap<u64, Handle>>>;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) handles: Handles,
    pub(crate) recorder: Arc<Recorder>,
    /// Every task that anybody tried to create.
    pub(crate) drafts: Mutex<BTreeMap<String, Draft>>,
    pub(crate) tasks_max: usize,
    pub(crate) gap_ms: u64,
    pub(crate) places: usize,
    pub(crate) is_over: AtomicBool,
    /// Clients that still have something under way.
    pub(crate) busy: AtomicU64,
}

impl Load {
    fn drafts(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Draft>> {
        self.drafts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handles(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Handle>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client.
pub(crate) struct Client {
    pub(crate) load: Arc<Load>,
    pub(crate) number: u64,
    pub(crate) dice: Dice,
    /// Tasks that this client may delete.
    own: Vec<String>,
    created: u64,
}

impl Client {
    pub(crate) fn new(load: Arc<Load>, number: u64, dice: Dice) -> Self {
        Self { load, number, dice, own: Vec::new(), created: 0 }
    }

    /// Asks until the load is over.
    pub(crate) async fn run(mut self) {
        while !self.load.is_over.load(Ordering::SeqCst) {
            let gap = self.dice.gap(self.load.gap_ms);
            sleep(gap).await;
            if self.load.is_over.load(Ordering::SeqCst) {
                return;
            }
            self.load.busy.fetch_add(1, Ordering::SeqCst);
            self.act().await;
            self.load.busy.fetch_sub(1, Ordering::SeqCst);
        }
    }

    async fn act(&mut self) {
        match self.dice.below(100) {
            33..=34 if self.load.places <= 2 => self.crowd().await,
            0..=34 => self.create().await,
            35..=49 => self.race().await,
            50..=64 => self.delete_one().await,
            _ => self.query().await,
        }
    }

    fn any_node(&mut self) -> Option<(u64, Handle)> {
        let handles = self.load.handles();
        let numbers: Vec<u64> = handles.keys().copied().collect();
        if numbers.is_empty() {
            return None;
        }
        let node = *self.dice.pick(&numbers);
        handles.get(&node).map(|handle| (node, handle.clone()))
    }

    fn new_id(&mut self) -> String {
        self.created += 1;
        format!("t-{}-{}", self.number, self.created)
    }

    async fn create(&mut self) {
        if self.own.len() >= self.load.tasks_max {
            return self.delete_one().await;
        }
        let id = self.new_id();
        let now_s = self.load.recorder.now_us() / 1_000_000;
        let draft = definitions::draw(&mut self.dice, &id, now_s, self.load.places);
        self.create_as(id, draft).await;
    }

    /// Creates a task until somebody says what became of it, or the client tires.
    async fn create_as(&mut self, id: String, draft: Draft) -> Outcome {
        self.load.drafts().insert(id.clone(), draft.clone());
        self.own.push(id.clone());
        let mut outcome = Outcome::Unknown;
        for _ in 0..self.dice.between(1, 3) {
            let op = Op::create(id.as_str(), draft.definition.clone(), 0);
            let task = draft.task.clone();
            let asked = |handle: Handle| async move {
                (created(handle.scheduler.create(task).await.map(drop)), None)
            };
            outcome = self.ask(op, asked).await;
            if matches!(outcome, Outcome::Ok | Outcome::Refused | Outcome::Conflict) {
                break;
            }
        }
        outcome
    }

    /// Creates a task and deletes it around the moment at which it is due.
    async fn race(&mut self) {
        let id = self.new_id();
        let now_us = self.load.recorder.now_us();
        let draft = definitions::draw_soon(&mut self.dice, &id, now_us / 1_000_000, 1, 3);
        let due_us = match draft.definition.schedule {
            xcron_checker::Schedule::At { at_s } => at_s * 1_000_000,
            xcron_checker::Schedule::Cron { .. } => now_us,
        };
        if self.create_as(id.clone(), draft).await != Outcome::Ok {
            return;
        }
        // Most of them in the last moments before it, when it may be claimed already.
        let early_us = self.dice.scaled_millis(1, 400).as_micros() as i64;
        let late_us = if self.dice.chance(150) { 50_000 } else { 0 };
        let left = due_us - early_us + late_us - self.load.recorder.now_us();
        sleep(Duration::from_micros(left.max(0) as u64)).await;
        self.own.retain(|own| *own != id);
        self.delete(id).await;
    }

    /// Creates many tasks that are due in the same second; where they wait for a place, deletes
    /// some of those that wait.
    async fn crowd(&mut self) {
        let jam = self.dice.chance(600);
        let at_s = self.load.recorder.now_us() / 1_000_000 + self.dice.between(2, 4) as i64;
        let mut ids = Vec::new();
        for _ in 0..self.dice.between(8, 16) {
            let id = self.new_id();
            let draft = definitions::draw_one_of_many(&mut self.dice, &id, at_s, jam);
            if self.create_as(id.clone(), draft).await == Outcome::Ok {
                ids.push(id);
            }
        }
        if !jam {
            return;
        }
        let left_us = at_s * 1_000_000 - self.load.recorder.now_us();
        sleep(Duration::from_micros(left_us.max(0) as u64)).await;
        while let Some(id) = ids.pop() {
            let pause = self.dice.scaled_millis(10, 1_000);
            sleep(pause).await;
            self.own.retain(|own| *own != id);
            self.delete(id).await;
        }
    }

    async fn delete_one(&mut self) {
        if self.own.is_empty() {
            return;
        }
        let number = self.dice.below(self.own.len() as u64) as usize;
        let id = self.own.swap_remove(number);
        self.delete(id).await;
    }

    async fn delete(&mut self, id: String) {
        for _ in 0..3 {
            let op = Op::new(Call::Delete, id.as_str(), 0);
            let name = self.load.drafts()[&id].task.id.clone();
            let asked = |handle: Handle| async move {
                (deleted(handle.scheduler.delete(&name).await), None)
            };
            let outcome = self.ask(op, asked).await;
            if matches!(outcome, Outcome::Ok | Outcome::Absent) || self.dice.chance(300) {
                return;
            }
        }
    }

    async fn query(&mut self) {
        let drafts = self.load.drafts().len() as u64;
        if drafts == 0 {
            return;
        }
        // Mostly what was created lately, by anybody.
        let range = if self.dice.chance(700) { drafts.min(20) } else { drafts };
        let back = self.dice.below(range);
        let found = self
            .load
            .drafts()
            .iter()
            .rev()
            .nth(back as usize)
            .map(|(id, draft)| (id.clone(), draft.clone()));
        let Some((id, draft)) = found else {
            return;
        };
        let op = Op::new(Call::Query, id.as_str(), 0);
        let asked = |handle: Handle| async move {
            let read = handle.scheduler.get(&draft.task.id, Consistency::Linearizable).await;
            match read {
                Ok(Some(found)) => (Outcome::Ok, Some(seen(&found, &draft))),
                Ok(None) => (Outcome::Absent, None),
                Err(error) => (effect(&error), None),
            }
        };
        self.ask(op, asked).await;
    }

    /// Asks one node one thing, as a part of its process, and takes down what came of it.
    async fn ask<F>(&mut self, op: Op, asked: impl FnOnce(Handle) -> F) -> Outcome
    where
        F: Future<Output = (Outcome, Option<Seen>)> + Send + 'static,
    {
        let Some((node, handle)) = self.any_node() else {
            sleep(Duration::from_millis(50)).await;
            return Outcome::None;
        };
        let recorder = self.load.recorder.clone();
        let mut op = op.by(self.number, node);
        op.sent_us = recorder.now_us();
        let process = handle.process.clone();
        let answer = process.spawn(asked(handle));
        let outcome = match timeout(PATIENCE, answer).await {
            Ok(Ok((outcome, seen))) => {
                op.back_us = Some(recorder.now_us());
                op.outcome = outcome;
                op.seen = seen;
                outcome
            }
            // The node ended, or the client waits no longer.
            Ok(Err(_)) | Err(_) => {
                op.outcome = Outcome::Unknown;
                Outcome::Unknown
            }
        };
        recorder.op(op);
        outcome
    }
}

fn effect(error: &StoreError) -> Outcome {
    match error.effect() {
        Effect::None => Outcome::None,
        Effect::Unknown => Outcome::Unknown,
    }
}

fn created(result: Result<(), CreateError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Ok,
        Err(CreateError::Refused(_) | CreateError::Callback(_)) => Outcome::Refused,
        Err(CreateError::Exists(_)) => Outcome::Conflict,
        Err(CreateError::Store(error)) => effect(&error),
    }
}

fn deleted(result: Result<(), DeleteError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Ok,
        Err(DeleteError::Missing(_)) => Outcome::Absent,
        Err(DeleteError::Store(error)) => effect(&error),
    }
}

/// What a client makes of a task that it has read.
pub(crate) fn seen(found: &TaskWithHistory, draft: &Draft) -> Seen {
    let (task, state) = (&found.task, &found.task.state);
    let is_same = *task.definition == draft.task.definition;
    Seen {
        fingerprint: Some(if is_same { draft.definition.fingerprint() } else { "another".into() }),
        state: Some(phase(state.status)),
        next_s: state.next.map(|next| next.as_secs()),
        run_count: Some(state.counters.ended()),
        succeeded: Some(state.counters.succeeded),
        failed: Some(state.counters.failed),
        skipped: Some(state.counters.skipped()),
    }
}

/// The phase of a task in the checker's words.
pub(crate) const fn phase(status: TaskStatus) -> TaskPhase {
    match status {
        TaskStatus::Active => TaskPhase::Active,
        TaskStatus::Paused => TaskPhase::Paused,
        TaskStatus::Finished => TaskPhase::Finished,
    }
}
