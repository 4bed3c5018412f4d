//! What clients wish of tasks that exist: pauses, runs now, failed runs again, other definitions.

use tokio::time::sleep;
use xcron_checker::{Call, Op, Outcome};
use xcron_core::{ChangeError, RunId};

use crate::definitions;
use crate::dice::Dice;
use crate::load::{Answer, Client, Handle, created, deleted, effect, name};

/// How long a task stays paused, at most, in milliseconds.
const PAUSE_MAX_MS: u64 = 30_000;

/// A kind of wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Pause,
    Trigger,
    Retry,
    Update,
    Batch,
}

impl Wish {
    const ALL: [Self; 5] = [Self::Pause, Self::Trigger, Self::Retry, Self::Update, Self::Batch];

    /// The kinds of one seed: each is left out of half of them.
    pub(crate) fn swarm(dice: &mut Dice) -> Vec<Self> {
        Self::ALL.into_iter().filter(|_| dice.chance(500)).collect()
    }
}

impl Client {
    /// Has one of the wishes of this seed.
    pub(crate) async fn wish(&mut self) {
        match *self.dice.pick(&self.load.clone().wishes) {
            Wish::Pause if self.dice.chance(300) => self.pause_when_due().await,
            Wish::Pause => self.pause().await,
            Wish::Trigger => self.trigger().await,
            Wish::Retry => self.retry().await,
            Wish::Update => self.update().await,
            Wish::Batch => self.batch().await,
        }
    }

    async fn pause_when_due(&mut self) {
        if let Some(id) = self.create_and_wait().await {
            self.pause_and_resume(id).await;
        }
    }

    async fn pause(&mut self) {
        if let Some(id) = self.any_own() {
            self.pause_and_resume(id).await;
        }
    }

    async fn pause_and_resume(&mut self, id: String) {
        self.change(Call::Pause, &id).await;
        let pause = self.dice.scaled_millis(10, PAUSE_MAX_MS);
        sleep(pause).await;
        self.change(Call::Resume, &id).await;
    }

    /// Asks until somebody says what became of it, or the client tires.
    async fn change(&mut self, call: Call, id: &str) {
        for _ in 0..3 {
            let name = name(id);
            let asked = |handle: Handle| async move {
                let scheduler = handle.scheduler;
                let done = match call {
                    Call::Pause => scheduler.pause(&name, Some("a test")).await,
                    _ => scheduler.resume(&name).await,
                };
                changed(&done).into()
            };
            let outcome = self.ask(Op::new(call, id, 0), asked).await;
            if matches!(outcome, Outcome::Ok | Outcome::Absent | Outcome::Refused) {
                return;
            }
        }
    }

    async fn trigger(&mut self) {
        let Some(id) = self.any_own() else {
            return;
        };
        let name = name(&id);
        let asked = |handle: Handle| async move {
            let opened = handle.scheduler.trigger(&name).await;
            opened_by(opened.map(|run| vec![run]))
        };
        self.ask(Op::new(Call::Trigger, id, 0), asked).await;
    }

    async fn retry(&mut self) {
        let Some(id) = self.any_own() else {
            return;
        };
        let name = name(&id);
        let asked =
            |handle: Handle| async move { opened_by(handle.scheduler.retry(&name, None).await) };
        self.ask(Op::new(Call::Retry, id, 0), asked).await;
    }

    /// Gives a task another definition, or only another schedule.
    async fn update(&mut self) {
        let Some(id) = self.any_own() else {
            return;
        };
        let now_s = self.load.recorder.now_us() / 1_000_000;
        let mut draft = definitions::draw(&mut self.dice, &id, now_s, self.load.places);
        if self.dice.chance(600) {
            let known = self.load.drafts()[&id].last().cloned();
            draft = known.map_or(draft.clone(), |known| known.scheduled_as(&draft));
        }
        self.note(&id, &draft);
        let version = self.dice.chance(200).then(|| self.dice.between(1, 3));
        let op = Op::update(id.as_str(), draft.definition, 0);
        let asked = |handle: Handle| async move {
            let (name, definition) = (draft.task.id, draft.task.definition);
            changed(&handle.scheduler.update(&name, definition, version).await).into()
        };
        self.ask(op, asked).await;
    }

    /// Creates some tasks at once, or deletes some.
    async fn batch(&mut self) {
        let count = self.dice.between(2, 5) as usize;
        if self.own.len() >= self.load.tasks_max {
            let ids: Vec<String> = self.own.drain(..count.min(self.own.len())).collect();
            let ops = ids.iter().map(|id| Op::new(Call::Delete, id.as_str(), 0)).collect();
            let names: Vec<_> = ids.iter().map(|id| name(id)).collect();
            let asked = |handle: Handle| async move {
                let done = handle.scheduler.delete_many(&names).await;
                done.iter().map(|one| deleted(one).into()).collect()
            };
            self.ask_all(ops, asked).await;
            return;
        }
        let now_s = self.load.recorder.now_us() / 1_000_000;
        let (mut ops, mut tasks) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let id = self.new_id();
            let draft = definitions::draw(&mut self.dice, &id, now_s, self.load.places);
            self.note(&id, &draft);
            self.own.push(id.clone());
            ops.push(Op::create(id, draft.definition, 0));
            tasks.push(draft.task);
        }
        let asked = |handle: Handle| async move {
            let done = handle.scheduler.create_many(tasks).await;
            done.iter().map(|one| created(one).into()).collect()
        };
        self.ask_all(ops, asked).await;
    }
}

fn changed<T>(result: &Result<T, ChangeError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Ok,
        Err(ChangeError::Missing(_)) => Outcome::Absent,
        Err(ChangeError::Refused(_) | ChangeError::Callback(_)) => Outcome::Refused,
        Err(ChangeError::Store(error)) => effect(error),
    }
}

fn opened_by(result: Result<Vec<RunId>, ChangeError>) -> Answer {
    let outcome = changed(&result);
    let runs = result.unwrap_or_default().iter().map(ToString::to_string).collect();
    Answer { runs, ..outcome.into() }
}
