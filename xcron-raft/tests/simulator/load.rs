//! The clients: each asks one thing after another of nodes that it picks, and notes the answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use xcron_checker::{Call, Op, Outcome, Seen, TaskPhase};
use xcron_core::{
    Consistency, CreateError, DeleteError, Effect, Scheduler, StoreError, TaskId, TaskStatus,
    TaskWithHistory,
};
use xcron_raft::RaftStore;
use xcron_raft::runtime::Process;

use crate::definitions::{self, Draft};
use crate::dice::Dice;
use crate::record::Recorder;
use crate::wishes::Wish;

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
    /// Every task that anybody tried to create, as what it may be by now.
    pub(crate) drafts: Mutex<BTreeMap<String, Vec<Draft>>>,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) tasks_max: usize,
    pub(crate) gap_ms: u64,
    pub(crate) places: usize,
    pub(crate) is_over: AtomicBool,
    /// Clients that still have something under way.
    pub(crate) busy: AtomicU64,
}

impl Load {
    pub(crate) fn drafts(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<Draft>>> {
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
    pub(crate) own: Vec<String>,
    created: u64,
}

/// What came of asking one thing.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) seen: Option<Seen>,
    pub(crate) runs: Vec<String>,
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, seen: None, runs: Vec::new() }
    }
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
            50..=59 => self.delete_one().await,
            60..=79 if !self.load.wishes.is_empty() => self.wish().await,
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

    pub(crate) fn new_id(&mut self) -> String {
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

    /// Notes that somebody tries to make the task `id` what `draft` says.
    pub(crate) fn note(&self, id: &str, draft: &Draft) {
        self.load.drafts().entry(id.to_owned()).or_default().push(draft.clone());
    }

    /// Creates a task until somebody says what became of it, or the client tires.
    pub(crate) async fn create_as(&mut self, id: String, draft: Draft) -> Outcome {
        self.note(&id, &draft);
        self.own.push(id.clone());
        let mut outcome = Outcome::Unknown;
        for _ in 0..self.dice.between(1, 3) {
            let op = Op::create(id.as_str(), draft.definition.clone(), 0);
            let task = draft.task.clone();
            let asked = |handle: Handle| async move {
                created(&handle.scheduler.create(task).await).into()
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
        if let Some(id) = self.create_and_wait().await {
            self.own.retain(|own| *own != id);
            self.delete(id).await;
        }
    }

    /// Creates a task and waits until about the moment at which it is due; which.
    pub(crate) async fn create_and_wait(&mut self) -> Option<String> {
        let id = self.new_id();
        let now_us = self.load.recorder.now_us();
        let draft = definitions::draw_soon(&mut self.dice, &id, now_us / 1_000_000, 1, 3);
        let due_us = match draft.definition.schedule {
            xcron_checker::Schedule::At { at_s } => at_s * 1_000_000,
            xcron_checker::Schedule::Cron { .. } => now_us,
        };
        if self.create_as(id.clone(), draft).await != Outcome::Ok {
            return None;
        }
        // Most of them in the last moments before it, when it may be claimed already.
        let early_us = self.dice.scaled_millis(1, 400).as_micros() as i64;
        let late_us = if self.dice.chance(150) { 50_000 } else { 0 };
        let left = due_us - early_us + late_us - self.load.recorder.now_us();
        sleep(Duration::from_micros(left.max(0) as u64)).await;
        Some(id)
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
        if let Some(id) = self.any_own() {
            self.own.retain(|own| *own != id);
            self.delete(id).await;
        }
    }

    /// One of the tasks that this client may delete.
    pub(crate) fn any_own(&mut self) -> Option<String> {
        let last = self.own.len().checked_sub(1)?;
        self.own.get(self.dice.below(last as u64 + 1) as usize).cloned()
    }

    async fn delete(&mut self, id: String) {
        for _ in 0..3 {
            let op = Op::new(Call::Delete, id.as_str(), 0);
            let name = name(&id);
            let asked = |handle: Handle| async move {
                deleted(&handle.scheduler.delete(&name).await).into()
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
        // Half of the time what this client has, else mostly what was created lately, by anybody.
        let own = if self.dice.chance(500) { self.any_own() } else { None };
        let range = if self.dice.chance(700) { drafts.min(20) } else { drafts };
        let back = self.dice.below(range);
        let found = {
            let drafts = self.load.drafts();
            let id = own.or_else(|| drafts.keys().rev().nth(back as usize).cloned());
            id.filter(|id| drafts.contains_key(id))
        };
        let Some(id) = found else {
            return;
        };
        let (op, load) = (Op::new(Call::Query, id.as_str(), 0), Arc::clone(&self.load));
        let asked = |handle: Handle| async move {
            match handle.scheduler.get(&name(&id), Consistency::Linearizable).await {
                Ok(Some(found)) => {
                    // Now: somebody may have drawn another definition since the question was put.
                    let seen = Some(seen(&found, &load.drafts()[&id]));
                    Answer { seen, ..Outcome::Ok.into() }
                }
                Ok(None) => Outcome::Absent.into(),
                Err(error) => effect(&error).into(),
            }
        };
        self.ask(op, asked).await;
    }

    /// Asks one node one thing, as a part of its process, and takes down what came of it.
    pub(crate) async fn ask<F>(&mut self, op: Op, asked: impl FnOnce(Handle) -> F) -> Outcome
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let asked = |handle: Handle| {
            let answer = asked(handle);
            async move { vec![answer.await] }
        };
        self.ask_all(vec![op], asked).await.first().copied().unwrap_or(Outcome::None)
    }

    /// The same with many things, each with its answer.
    pub(crate) async fn ask_all<F>(
        &mut self,
        ops: Vec<Op>,
        asked: impl FnOnce(Handle) -> F,
    ) -> Vec<Outcome>
    where
        F: Future<Output = Vec<Answer>> + Send + 'static,
    {
        let Some((node, handle)) = self.any_node() else {
            sleep(Duration::from_millis(50)).await;
            return Vec::new();
        };
        let recorder = self.load.recorder.clone();
        let (sent_us, process) = (recorder.now_us(), handle.process.clone());
        let answers = match timeout(PATIENCE, process.spawn(asked(handle))).await {
            Ok(Ok(answers)) => answers,
            // The node ended, or the client waits no longer.
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let mut outcomes = Vec::new();
        let mut answers = answers.into_iter();
        for op in ops {
            let mut op = Op { sent_us, ..op.by(self.number, node) };
            if let Some(answer) = answers.next() {
                op.back_us = Some(recorder.now_us());
                (op.outcome, op.seen, op.runs) = (answer.outcome, answer.seen, answer.runs);
            }
            outcomes.push(op.outcome);
            recorder.op(op);
        }
        outcomes
    }
}

/// The name of a task.
pub(crate) fn name(id: &str) -> TaskId {
    TaskId::parse(id).expect("only good ids are drawn")
}

pub(crate) fn effect(error: &StoreError) -> Outcome {
    match error.effect() {
        Effect::None => Outcome::None,
        Effect::Unknown => Outcome::Unknown,
    }
}

pub(crate) fn created<T>(result: &Result<T, CreateError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Ok,
        Err(CreateError::Refused(_) | CreateError::Callback(_)) => Outcome::Refused,
        Err(CreateError::Exists(_)) => Outcome::Conflict,
        Err(CreateError::Store(error)) => effect(error),
    }
}

pub(crate) fn deleted(result: &Result<(), DeleteError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Ok,
        Err(DeleteError::Missing(_)) => Outcome::Absent,
        Err(DeleteError::Store(error)) => effect(error),
    }
}

/// What a client makes of a task that it has read.
pub(crate) fn seen(found: &TaskWithHistory, drafts: &[Draft]) -> Seen {
    let (task, state) = (&found.task, &found.task.state);
    let known = drafts.iter().find(|draft| *task.definition == draft.task.definition);
    let fingerprint = known.map_or("another".into(), |draft| draft.definition.fingerprint());
    Seen {
        fingerprint: Some(fingerprint),
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
