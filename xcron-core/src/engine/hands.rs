//! The tasks that the engine has in hand, at the newest revision that it knows.

use crate::store::Claim;
use crate::task::Task;
use crate::task::id::TaskId;
use crate::task::state::OpenRun;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Tasks with attempts in hand. Outcomes are decided on these copies, without reading the store;
/// a copy that is behind costs a conflict and is then read anew.
#[derive(Debug, Default)]
pub(super) struct Hands {
    tasks: BTreeMap<TaskId, Box<Held>>,
    attempts: usize,
}

#[derive(Debug)]
struct Held {
    task: Task,
    claims: Vec<Claim>,
}

impl Hands {
    /// How many attempts are in hand.
    pub(super) const fn attempts(&self) -> usize {
        self.attempts
    }

    /// Takes an attempt in hand, whose commit made its task what `task` is.
    pub(super) fn take(&mut self, task: Task, claim: Claim) {
        self.attempts += 1;
        match self.tasks.entry(task.id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Box::new(Held { task, claims: vec![claim] }));
            }
            Entry::Occupied(mut entry) => {
                let held = entry.get_mut();
                held.task = task;
                held.claims.push(claim);
            }
        }
    }

    /// Lets go of an attempt: its outcome is durable, or nobody wants it any more.
    pub(super) fn let_go(&mut self, claim: &Claim) {
        let Some(held) = self.tasks.get_mut(&claim.task) else {
            return;
        };
        let before = held.claims.len();
        held.claims.retain(|held| held != claim);
        self.attempts -= before - held.claims.len();
        if held.claims.is_empty() {
            self.tasks.remove(&claim.task);
        }
    }

    /// The newest known copy of a task in hand.
    pub(super) fn get(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.get(id).map(|held| &held.task)
    }

    /// Learns what a task in hand has become.
    pub(super) fn learn(&mut self, task: &Task) {
        if let Some(held) = self.tasks.get_mut(&task.id)
            && held.task.revision < task.revision
        {
            held.task = task.clone();
        }
    }

    /// Whether the newest attempt of `run` is in hand.
    pub(super) fn has(&self, id: &TaskId, run: &OpenRun) -> bool {
        let same = |claim: &Claim| {
            claim.occurrence == run.occurrence
                && claim.attempt == run.attempt
                && claim.fence == run.fence
        };
        self.tasks.get(id).is_some_and(|held| held.claims.iter().any(same))
    }
}
