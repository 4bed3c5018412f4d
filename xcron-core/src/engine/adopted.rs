//! Attempts that other nodes have claimed for this one.

use super::{Attempt, Engine, EngineError};
use crate::decide::Start;
use crate::store::{Agenda, Claim, ENTRUSTED_MAX, Store};
use crate::task::id::TaskId;
use crate::task::state::{OpenRun, Phase};
use crate::task::{Revision, Task};
use std::collections::BTreeMap;

/// What has been taken up.
#[derive(Debug, Default)]
pub(super) struct Adopted {
    /// Everything up to this revision.
    until: Revision,
    /// Attempts, by task and fence, that this node has settled with a revision that it has perhaps
    /// not applied yet, or is about to: until it has, they look as if they were still to be made.
    settled: BTreeMap<(TaskId, u64), Revision>,
    /// Whether all is to be looked at, whatever the agenda says.
    is_due: bool,
}

impl Adopted {
    /// Leaves alone what an earlier run of the scheduler had in hand.
    pub(super) fn begin(&mut self, store: &dyn Store) -> Result<(), EngineError> {
        let seen = store.entrusted(Revision(u64::MAX), 0).map_err(EngineError::Store)?.seen;
        self.until = seen;
        Ok(())
    }

    /// Notes that the attempt of `claim` is settled with `revision`.
    pub(super) fn note_settled(&mut self, claim: &Claim, revision: Revision) {
        self.settled.insert((claim.task.clone(), claim.fence), revision);
    }

    /// Has all be looked at: no news come while this node plans itself, nor of what it claimed
    /// before.
    pub(super) fn look_at_all(&mut self) {
        self.is_due = true;
    }
}

impl Engine {
    /// Takes up what others have claimed for this node.
    ///
    /// What it has claimed itself, as a planner, is none of that: it is in hand already, or on its
    /// way to the store, or uncertain and then cleared up.
    pub(super) fn adopt(&mut self, agenda: Agenda) -> Result<(), EngineError> {
        let has_news = agenda.entrusted.is_some_and(|newest| newest > self.adopted.until);
        if !(has_news || self.adopted.is_due) || self.is_claiming {
            return Ok(());
        }
        loop {
            let page = match self.parts.store.entrusted(self.adopted.until, ENTRUSTED_MAX) {
                Ok(page) => page,
                Err(error) => return self.store_failed(&error),
            };
            for task in &page.tasks {
                self.adopted.until = self.adopted.until.max(task.revision);
                self.hands.learn(task);
                task.state.runs.iter().for_each(|run| self.adopt_run(task, run));
            }
            if page.tasks.len() < ENTRUSTED_MAX {
                self.adopted.settled.retain(|_, revision| *revision > page.seen);
                self.adopted.is_due = false;
                return Ok(());
            }
        }
    }

    fn adopt_run(&mut self, task: &Task, run: &OpenRun) {
        let Phase::Sending { holder, not_before } = run.phase else {
            return;
        };
        let is_settled = self.adopted.settled.contains_key(&(task.id.clone(), run.fence));
        let is_here = holder == self.parts.store.holder();
        let is_known = self.hands.has(&task.id, run) || self.uncertain.contains_key(&task.id);
        if !is_here || is_settled || is_known {
            return;
        }
        let claim = Claim::of(task, run, holder);
        let destination = self.parts.dispatcher.destination(&task.definition.callback);
        self.lanes.adopt(&destination);
        self.hands.take(task.clone(), claim.clone());
        let start = Start { claim, not_before };
        self.keep(Attempt { start, destination, version: task.state.version });
    }
}
