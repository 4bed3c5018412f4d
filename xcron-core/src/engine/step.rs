//! A step of the planner: read what is due, decide, commit, and act on what was committed.

use super::place::Place;
use super::trouble::Trouble;
use super::{Attempt, Engine, EngineError, Returned, STORE_PAUSE, TICK};
use crate::Timestamp;
use crate::decide::{self, ClaimContext};
use crate::dispatch::Outcome;
use crate::mutant::{self, Mutant};
use crate::observe::{Event, tell_ended};
use crate::store::{
    Agenda, COMMIT_CHANGES_MAX, Change, Claim, Committed, Conflict, Consistency, Effect,
    StoreError, StoreErrorKind,
};
use crate::task::id::TaskId;
use crate::task::state::{Phase, RunRecord};
use crate::task::{Revision, Task};
use futures::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long the planner waits at the most before it looks at full lanes again.
pub(super) const FULL_PAUSE: Duration = Duration::from_millis(100);
/// How long the planner waits at the most before it looks again at a task that is to be decided
/// at its instant.
const NOT_YET_PAUSE: Duration = Duration::from_millis(5);
/// How long a due task is left alone that nothing could be decided about, such as one whose
/// schedule only a newer version can read.
const UNDECIDED_PAUSE: Duration = Duration::from_secs(60);
/// The most outcomes that one step settles.
const SETTLES_MAX: usize = 2_048;
/// The most due tasks that one step reads.
const DUE_MAX: usize = 1_280;
/// The most tasks that one step reads anew.
const REREADS_MAX: usize = 256;

const _: () =
    assert!(SETTLES_MAX + DUE_MAX + REREADS_MAX + super::prune::PAGE == COMMIT_CHANGES_MAX);

/// What a step came back with.
pub(super) enum Done {
    /// What was to be read.
    Read(Result<Page, StoreError>),
    /// What became of the batch.
    Committed(Batch, Result<Vec<Committed>, StoreError>),
}

/// What the planner read.
#[derive(Debug, Default)]
pub(super) struct Page {
    until: Timestamp,
    due_max: usize,
    due: Vec<Task>,
    finished: Vec<Task>,
    reread: Vec<(TaskId, Revision, Option<Task>)>,
}

/// Decisions on their way to the store, one for each change.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "a thousand decisions of 700 bytes are moved from list to list")]
pub(super) struct Batch {
    changes: Vec<Change>,
    decisions: Vec<Box<Decision>>,
}

impl Batch {
    fn with_capacity(changes: usize) -> Self {
        Self { changes: Vec::with_capacity(changes), decisions: Vec::with_capacity(changes) }
    }
}

/// What a change decides.
#[derive(Debug)]
struct Decision {
    /// The task as it is to be, at the revision that was decided on.
    task: Task,
    changed: bool,
    /// The revision at which an earlier change of the task may happen; cleared up by this one.
    doubted: Option<Revision>,
    ended: Vec<RunRecord>,
    settled: Vec<Returned>,
    /// Claims of this node that were never in hand.
    unsent: Vec<Claim>,
    start: Option<Attempt>,
}

impl Decision {
    fn on(task: Task) -> Box<Self> {
        Box::new(Self {
            task,
            changed: false,
            doubted: None,
            ended: Vec::new(),
            settled: Vec::new(),
            unsent: Vec::new(),
            start: None,
        })
    }

    /// Whether it claims something, or gives up claims that were never in hand.
    const fn claims(&self) -> bool {
        self.start.is_some() || !self.unsent.is_empty()
    }

    fn change(&self) -> Change {
        Change::Put {
            id: self.task.id.clone(),
            expected: self.task.revision,
            definition: None,
            state: self.task.state.clone(),
            ended: self.ended.clone(),
        }
    }
}

impl Engine {
    /// Begins a step if there is anything to do for one; answers when to look again.
    pub(super) fn plan(&mut self, now: Timestamp, agenda: Agenda) -> Timestamp {
        let look_up = now.plus(TICK);
        if self.waits.has_step() {
            return look_up;
        }
        if now < self.pause_until {
            return self.pause_until.min(look_up);
        }
        let span = self.lookahead.span();
        let until = now.plus(span);
        let plans = agenda.tenure.is_some() && !self.stopping;
        if plans {
            self.away.refresh(self.parts.store.as_ref(), now);
        }
        let own = self.lanes.claims_max().saturating_sub(self.hands.attempts());
        let room = own + self.away.room();
        if !plans && self.uncertain.is_empty() && self.returned.is_empty() {
            // Another plans, and nothing is left to ask of the store here.
            self.trouble = Trouble::default();
            self.parts.load.set_stuck(false);
        }
        let next_due = agenda.next_due.filter(|_| plans && room > 0);
        let is_due = next_due.is_some_and(|at| at <= until);
        let batch_max = self.trouble.batch_max();
        let worth = if is_due { self.worth_reading(now, own).min(batch_max) } else { 0 };
        let due_max = if now >= self.read_again_at { worth } else { 0 };
        let finished_max = if plans { self.prune.page(now, self.parts.store.counts()) } else { 0 };
        self.step_began = now;
        if due_max > 0 || finished_max > 0 || !self.uncertain.is_empty() {
            self.read(until, due_max, finished_max);
        } else if !self.returned.is_empty() {
            self.decide(Page { until, ..Page::default() }, now);
        }
        let claim_at = next_due.filter(|_| !is_due).map(|at| at.minus(span));
        let look_up = match worth {
            0 if is_due && self.lanes.has_full() => self.look_at_full_at,
            1.. if due_max == 0 => self.read_again_at,
            _ => look_up,
        };
        claim_at.map_or(look_up, |at| at.clamp(now, look_up))
    }

    /// How many due tasks to read; lanes that were full are looked at again now and then, even
    /// if nothing comes back from them.
    fn worth_reading(&mut self, now: Timestamp, own: usize) -> usize {
        if now >= self.look_at_full_at {
            self.lanes.forget_full();
            self.away.offer_again();
        }
        (self.lanes.worth_reading(own) + self.away.room()).min(DUE_MAX)
    }

    fn read(&mut self, until: Timestamp, due_max: usize, finished_max: usize) {
        let store = Arc::clone(&self.parts.store);
        let rereads_max = REREADS_MAX.min(self.trouble.batch_max());
        let uncertain = self.uncertain.iter().take(rereads_max);
        let uncertain: Vec<_> = uncertain.map(|(id, doubted)| (id.clone(), *doubted)).collect();
        self.waits.begin_step(async move {
            let store = &store;
            let read = async {
                let mut page = Page { until, due_max, ..Page::default() };
                let reread = uncertain.into_iter().map(|(id, doubted)| async move {
                    let found = store.get(&id, Consistency::Linearizable).await?;
                    Ok((id, doubted, found.map(|found| found.task)))
                });
                page.reread = try_join_all(reread).await?;
                if due_max > 0 {
                    page.due = store.due(until, due_max).await?;
                }
                if finished_max > 0 {
                    page.finished = store.finished(finished_max).await?;
                }
                Ok(page)
            };
            Done::Read(read.await)
        });
    }

    /// Takes in what a step came back with.
    pub(super) fn absorb(&mut self, done: Done) -> Result<(), EngineError> {
        self.is_claiming = false;
        match done {
            Done::Read(Ok(page)) => self.decide(page, self.parts.clock.now()),
            Done::Read(Err(error)) => self.store_failed(&error)?,
            Done::Committed(batch, Ok(committed)) => {
                self.lookahead.learn(self.parts.clock.now().since(self.step_began));
                if let Some(over) = self.trouble.end(self.parts.clock.now()) {
                    self.active_since = over;
                }
                self.parts.load.set_stuck(false);
                for (decision, committed) in batch.decisions.into_iter().zip(committed) {
                    self.act(*decision, committed);
                }
            }
            Done::Committed(batch, Err(error)) => {
                for decision in batch.decisions {
                    self.undo(*decision, error.effect());
                }
                self.store_failed(&error)?;
            }
        }
        Ok(())
    }

    pub(super) fn store_failed(&mut self, error: &StoreError) -> Result<(), EngineError> {
        self.parts.observer.observe(&Event::StoreFailed { error });
        if error.kind() == StoreErrorKind::Fatal {
            return Err(EngineError::Store(error.clone()));
        }
        let now = self.parts.clock.now();
        self.pause_until = now.plus(STORE_PAUSE);
        self.trouble.note(error, now);
        self.parts.load.set_stuck(self.trouble.lasts(now));
        Ok(())
    }

    /// Decides on what was read and on what came back, and begins the commit.
    fn decide(&mut self, page: Page, now: Timestamp) {
        // Asked after the clock was read: a store that judges the clock has seen this reading, and
        // claims are decided by no other.
        let plans = self.tenure.is_some() && self.parts.store.agenda().tenure == self.tenure;
        let mut decisions: BTreeMap<TaskId, Box<Decision>> = BTreeMap::new();
        for (id, doubted, found) in page.reread {
            self.uncertain.remove(&id);
            if let Some(task) = found {
                self.hands.learn(&task);
                decisions.insert(id, self.clear_up(task, doubted, now));
            }
        }
        for task in &page.due {
            self.hands.learn(task);
        }
        let settles = self.returned.len().min(SETTLES_MAX).min(self.trouble.batch_max());
        let returned: Vec<Returned> = self.returned.drain(..settles).collect();
        for returned in returned {
            self.settle(returned, &mut decisions);
        }
        if page.due_max > 0 {
            self.look_at_full_at = now.plus(FULL_PAUSE);
        }
        if page.due.len() < page.due_max {
            // That was all that is due: no lane has a backlog.
            self.lanes.forget_full();
        }
        for task in page.due {
            decisions.entry(task.id.clone()).or_insert_with(|| Decision::on(task));
        }
        let mut batch = Batch::with_capacity(decisions.len());
        for mut decision in decisions.into_values() {
            if !self.stopping && plans {
                self.claim(&mut decision, page.until, now);
            }
            if decision.changed {
                batch.changes.push(decision.change());
                batch.decisions.push(decision);
            }
        }
        // Deletions come last: nothing is to be done once they are committed.
        let counts = self.parts.store.counts();
        let finished = if plans { &page.finished[..] } else { &[] };
        batch.changes.extend(self.prune.decide(finished, counts, now));
        if !batch.changes.is_empty() {
            self.commit(batch);
        } else if page.due_max > 0 && self.read_again_at <= now {
            // What is due has no room, or was for somebody else: the same page would come again.
            self.read_again_at = now.plus(NOT_YET_PAUSE);
        }
    }

    /// Begins the decision on a task of which a change at the revision `doubted` may have happened.
    ///
    /// A claim of this node that is not in hand was never sent, since nobody knew of it. And a
    /// change that has not happened yet may be on its way: it conflicts with whatever is put first.
    fn clear_up(&self, task: Task, doubted: Revision, now: Timestamp) -> Box<Decision> {
        let mut decision = Decision::on(task);
        decision.doubted = Some(doubted);
        decision.changed = decision.task.revision == doubted;
        for run in decision.task.state.runs.clone() {
            let Phase::Sending { holder, .. } = run.phase else {
                continue;
            };
            let task = &decision.task;
            if holder != self.parts.store.holder() || self.hands.has(&task.id, &run) {
                continue;
            }
            let claim = Claim::of(task, &run, holder);
            let unsent = Outcome::not_started();
            if let Some(settled) = decide::settle(task, &claim, &unsent, None, now) {
                decision.task.state = settled.state;
                decision.changed = true;
                decision.unsent.push(claim);
            }
        }
        decision
    }

    /// Adds what an attempt came to to the decision on its task.
    fn settle(&mut self, returned: Returned, decisions: &mut BTreeMap<TaskId, Box<Decision>>) {
        let claim = &returned.attempt.start.claim;
        let Some(held) = self.hands.get(&claim.task) else {
            return;
        };
        let decision =
            decisions.entry(held.id.clone()).or_insert_with(|| Decision::on(held.clone()));
        let Returned { outcome, started_at, ended_at, .. } = &returned;
        match decide::settle(&decision.task, claim, outcome, *started_at, *ended_at) {
            Some(settled) => {
                decision.task.state = settled.state;
                // One in nearly all cases; a list that grows by itself begins with room for four.
                decision.ended.reserve_exact(1);
                decision.ended.extend(settled.ended);
                decision.settled.reserve_exact(1);
                decision.settled.push(returned);
                decision.changed = true;
            }
            None => self.hands.let_go(claim),
        }
    }

    /// Claims what is due of a task, if its destination has room.
    fn claim(&mut self, decision: &mut Decision, until: Timestamp, now: Timestamp) {
        let parts = Arc::clone(&self.parts);
        let task = &decision.task;
        let claimed = decide::claim(
            task,
            &ClaimContext {
                calendar: &parts.calendar,
                now,
                until,
                active_since: if self.trouble.lasts(now) { now } else { self.active_since },
                holder: parts.store.holder(),
                is_gone: &|by| parts.store.is_gone(by),
            },
        );
        if claimed.state == task.state {
            if task.is_due(until) && !task.is_due(now) {
                // To be decided at its instant, not ahead of it.
                let at = task.state.due_at.unwrap_or(now);
                self.read_again_at = now.plus(NOT_YET_PAUSE).min(at);
            } else if task.is_due(until) {
                // Nothing to decide, and yet due: look again later instead of at once.
                decision.task.state = decide::defer(task, until.plus(UNDECIDED_PAUSE));
                decision.changed = true;
            }
            return;
        }
        let mut claimed = claimed;
        if claimed.start.is_some() {
            let destination = parts.dispatcher.destination(&task.definition.callback);
            match self.place(&claimed, &destination, now) {
                Place::Here => {}
                Place::With(other) => decide::entrust(&mut claimed, other),
                Place::Nowhere => return,
                Place::Later(later) => {
                    decision.task.state = decide::defer(&decision.task, later);
                    decision.changed = true;
                    return;
                }
            }
            let version = claimed.state.version;
            let attempt = |start| Attempt { start, destination, version };
            decision.start = claimed.start.map(attempt);
        }
        decision.task.state = claimed.state;
        decision.ended.extend(claimed.ended);
        decision.changed = true;
    }

    fn commit(&mut self, batch: Batch) {
        let parts = Arc::clone(&self.parts);
        let Batch { changes, mut decisions } = batch;
        self.is_claiming = decisions.iter().any(|decision| decision.claims());
        if mutant::is_on(Mutant::FireBeforeCommit) {
            self.keep_uncommitted(&mut decisions);
        }
        self.waits.begin_step(async move {
            let committed = parts.commit(changes).await;
            Done::Committed(Batch { changes: Vec::new(), decisions }, committed)
        });
    }

    /// What [`Mutant::FireBeforeCommit`] does instead of waiting for the store's answer.
    fn keep_uncommitted(&mut self, decisions: &mut [Box<Decision>]) {
        for decision in decisions {
            if !self.is_own(decision.start.as_ref()) {
                continue;
            }
            if let Some(attempt) = decision.start.take() {
                self.hands.take(decision.task.clone(), attempt.start.claim.clone());
                self.keep(attempt);
            }
        }
    }

    /// Acts on what the store answered for one decision.
    fn act(&mut self, decision: Decision, committed: Committed) {
        let Decision { mut task, ended, settled, unsent, start, .. } = decision;
        match committed {
            Ok(revision) => {
                task.revision = revision;
                self.tell(&task, &ended, &settled);
                for returned in &settled {
                    self.hands.let_go(&returned.attempt.start.claim);
                }
                if self.tenure.is_none() {
                    let settled = settled.iter().map(|returned| &returned.attempt.start.claim);
                    let settled = settled.chain(&unsent);
                    settled.for_each(|claim| self.adopted.note_settled(claim, revision));
                }
                self.hands.learn(&task);
                let Some(attempt) = start else {
                    return;
                };
                if !self.is_own(Some(&attempt)) {
                    self.away.note(attempt.start.claim, revision, attempt.destination);
                } else if self.tenure.is_none() {
                    // Somebody else plans by now.
                    self.hands.take(task, attempt.start.claim.clone());
                    self.hand_back(attempt);
                } else {
                    self.hands.take(task, attempt.start.claim.clone());
                    self.keep(attempt);
                }
            }
            Err(conflict) => {
                self.take_back_room(start);
                if conflict == Conflict::Missing {
                    for returned in &settled {
                        self.hands.let_go(&returned.attempt.start.claim);
                    }
                    return;
                }
                // It may be a change of this node that came late.
                self.uncertain.insert(task.id, task.revision);
                self.returned.extend(settled);
            }
        }
    }

    /// Takes back a decision that was not acknowledged. It may have happened all the same, or
    /// happen later: see [`clear_up`](Self::clear_up).
    fn undo(&mut self, decision: Decision, effect: Effect) {
        let own = Some(decision.task.revision).filter(|_| effect == Effect::Unknown);
        if let Some(doubted) = own.or(decision.doubted) {
            self.uncertain.insert(decision.task.id, doubted);
        }
        self.take_back_room(decision.start);
        self.returned.extend(decision.settled);
    }

    fn tell(&self, task: &Task, ended: &[RunRecord], settled: &[Returned]) {
        let observer = &self.parts.observer;
        for returned in settled {
            returned.tell(&task.state, observer.as_ref());
        }
        tell_ended(observer.as_ref(), &task.id, ended);
    }
}
