//! Claims: from a due task to at most one attempt, by its misfire and overlap policies.

use crate::Timestamp;
use crate::decide::occurrences::Occurrences;
use crate::decide::{attempts, conclude, count, due_of, jitter, open_run, owed, settle};
use crate::mutant::{self, Mutant};
use crate::schedule::{Calendar, Schedule};
use crate::store::Claim;
use crate::task::Task;
use crate::task::attempt::{AttemptEnd, AttemptRecord};
use crate::task::definition::TaskDefinition;
use crate::task::id::{Occurrence, TaskId};
use crate::task::policy::{DeliveryMode, Misfire, Overlap};
use crate::task::state::{
    Holder, OPEN_RUNS_MAX, OpenRun, Phase, RunEnd, RunRecord, TaskState, TaskStatus,
};
use std::time::Duration;

/// The least time between two runs that one task makes up for under [`Misfire::FireAll`].
pub const CATCH_UP_PACE: Duration = Duration::from_millis(100);

/// The most occurrences that one decision skips one by one.
const SKIPS_MAX: usize = 64;

const MILLISECOND: Duration = Duration::from_millis(1);

/// What a claim is decided on besides the task.
#[derive(Clone, Copy)]
pub struct ClaimContext<'a> {
    /// Finds occurrences.
    pub calendar: &'a Calendar,
    /// The present instant.
    pub now: Timestamp,
    /// Attempts due up to this instant may be claimed; they are sent when they are due.
    pub until: Timestamp,
    /// Since when somebody has been able to fire: what was due earlier was missed.
    pub active_since: Timestamp,
    /// Who sends what is claimed.
    pub holder: Holder,
    /// Whether who claimed an attempt earlier certainly sends nothing any more.
    pub is_gone: &'a dyn Fn(Holder) -> bool,
}

impl std::fmt::Debug for ClaimContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClaimContext")
            .field("now", &self.now)
            .field("until", &self.until)
            .field("active_since", &self.active_since)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

/// What a due task comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The task's new state; equal to the old one when there was nothing to decide.
    pub state: TaskState,
    /// Occurrences that ended without an attempt, oldest first.
    pub ended: Vec<RunRecord>,
    /// The attempt to make once the new state is durable.
    pub start: Option<Start>,
}

/// An attempt to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Names the attempt.
    pub claim: Claim,
    /// Nothing is sent before this instant.
    pub not_before: Timestamp,
}

/// Decides what `task` has come to by `context.until`.
///
/// At most one attempt is claimed at a time, so that its fence (the revision decided on) is
/// greater than that of every earlier claim; a task with more to do is due again at once.
#[must_use]
pub fn claim(task: &Task, context: &ClaimContext<'_>) -> Claimed {
    let mut decision = Decision {
        id: &task.id,
        definition: &task.definition,
        occurrences: Occurrences::new(context.calendar, &task.definition),
        fence: task.revision.0,
        context,
        state: task.state.clone(),
        ended: Vec::new(),
    };
    if mutant::is_on(Mutant::WallClockBehindLog) && task.state.decided_until > context.until {
        decision.state.decided_until = context.until;
        decision.state.next = decision.occurrences.next_of(&decision.state);
    }
    decision.recover_lost_attempts();
    let deferred = decision.state.deferred_until.is_some_and(|until| until > context.until);
    let start = if deferred { None } else { decision.choose() };
    let Decision { mut state, ended, .. } = decision;
    if state != task.state {
        conclude(&mut state, &task.definition, task.id.as_str(), context.now);
    }
    Claimed { state, ended, start }
}

/// Puts off everything about a task until `until`; nothing of it is lost or counted as missed.
#[must_use]
pub fn defer(task: &Task, until: Timestamp) -> TaskState {
    let mut state = TaskState { deferred_until: Some(until), ..task.state.clone() };
    conclude(&mut state, &task.definition, task.id.as_str(), until);
    state
}

/// A claim in the making.
struct Decision<'a> {
    id: &'a TaskId,
    definition: &'a TaskDefinition,
    occurrences: Occurrences<'a>,
    fence: u64,
    context: &'a ClaimContext<'a>,
    state: TaskState,
    ended: Vec<RunRecord>,
}

impl Decision<'_> {
    /// Attempts whose sender is gone are repeated, or given up if they may be made only once.
    fn recover_lost_attempts(&mut self) {
        let lost = |run: &OpenRun| match run.phase {
            Phase::Sending { holder, not_before } if (self.context.is_gone)(holder) => {
                Some((run.occurrence, holder, not_before))
            }
            Phase::Sending { .. } | Phase::Queued | Phase::Waiting { .. } => None,
        };
        let lost: Vec<_> = self.state.runs.iter().filter_map(lost).collect();
        for (occurrence, holder, not_before) in lost {
            let Some(index) = open_run(&self.state, occurrence) else {
                continue;
            };
            if self.definition.delivery == DeliveryMode::AtMostOnce {
                self.give_up(index, holder, not_before);
            } else {
                self.repeat(index, holder, not_before);
            }
        }
    }

    /// The run at `index` ends: its only attempt was lost with `holder`.
    fn give_up(&mut self, index: usize, holder: Holder, not_before: Timestamp) {
        let run = self.state.runs.remove(index);
        count(&mut self.state, RunEnd::Unknown, 1);
        self.ended.push(RunRecord {
            attempts: run.attempt,
            started_at: not_before,
            node: holder.node,
            error: Some("the node was lost while it made the attempt".into()),
            earlier: run.earlier,
            ..self.record(run.occurrence, RunEnd::Unknown)
        });
    }

    /// The run at `index` waits for its next attempt: the newest was lost with `holder`.
    fn repeat(&mut self, index: usize, holder: Holder, not_before: Timestamp) {
        let now = self.context.now;
        let run = &mut self.state.runs[index];
        run.lost += 1;
        // Claimed ahead and lost before its instant: the instant stays.
        run.phase = Phase::Waiting { until: now.max(not_before) };
        let made = AttemptRecord {
            attempt: run.attempt,
            node: holder.node,
            started_at: not_before,
            ended_at: now,
            end: AttemptEnd::Lost,
            code: None,
            error: None,
            answer: None,
        };
        attempts::keep(&mut self.state, index, [made]);
    }

    /// The attempt to make now: of an open run that waits, or else of the next occurrence.
    fn choose(&mut self) -> Option<Start> {
        self.judge_owed();
        let until = self.context.until;
        while let Some((at, index)) = self.ready().filter(|(at, _)| *at <= until) {
            let leaves_at = at.max(self.context.now);
            match settle::last_failure(self.definition, &self.state.runs[index], leaves_at) {
                Some(failure) => {
                    let failure = failure.clone();
                    self.expire(index, failure);
                }
                None => {
                    let not_before = at.max(self.last_to_leave());
                    return Some(self.attempt(index, not_before));
                }
            }
        }
        if !self.occurrences.is_readable() {
            return None;
        }
        if mutant::is_on(Mutant::GiveUpAfterHundredMissed) && self.missed() > 100 {
            return None;
        }
        self.skip_missed();
        for _ in 0..SKIPS_MAX {
            let full = self.state.runs.len() >= OPEN_RUNS_MAX;
            let at = self.state.next.filter(|_| !full && self.follows_schedule())?;
            let not_before = at.plus(jitter(self.definition, self.id.as_str(), at));
            // Whether runs overlap shows at the instant, not ahead of it.
            let overlaps = self.definition.overlap != Overlap::Allow && !self.state.runs.is_empty();
            let may_wait = overlaps || self.may_lose_another();
            let ahead_max = if may_wait { self.context.now } else { until };
            if not_before > ahead_max {
                return None;
            }
            let not_before = not_before.max(self.last_to_leave());
            if let Some(start) = self.take(at, not_before) {
                return Some(start);
            }
        }
        None
    }

    /// Skips the owed runs that would be skipped as occurrences, and queues those that overlap.
    fn judge_owed(&mut self) {
        let owed = owed::ready(&self.state, self.context.now);
        let missed = owed.partition_point(|at| self.is_missed(*at));
        let too_old = self.missed_until().minus(self.definition.misfire_window);
        for (position, at) in owed.into_iter().enumerate() {
            let is_latest = position + 1 >= missed;
            let is_skipped = position < missed
                && match self.definition.misfire {
                    Misfire::FireAll => false,
                    Misfire::FireOnce => !is_latest,
                    Misfire::Skip => true,
                };
            let is_too_old = position < missed && at.max(self.state.created_at) <= too_old;
            let Some(index) = open_run(&self.state, Occurrence::At(at)) else {
                continue;
            };
            let end = if is_skipped || is_too_old {
                Some(RunEnd::SkippedMisfire)
            } else {
                owed::overlap(&mut self.state, index, self.definition.overlap)
            };
            if let Some(end) = end {
                self.state.runs.remove(index);
                // It is no run of those that `max_runs` allows.
                self.state.counters.claimed -= 1;
                self.skip(at, 1, end);
                self.state.next = self.occurrences.next_of(&self.state);
            }
        }
    }

    /// The open run whose next attempt is due first, and when.
    fn ready(&self) -> Option<(Timestamp, usize)> {
        let idle = self.state.runs.iter().all(|run| run.phase == Phase::Queued);
        let alone = self.definition.overlap != Overlap::Allow;
        let ready = |run: &OpenRun| match run.phase {
            // Whether it overlaps shows at its instant.
            Phase::Waiting { until: at } if alone && at > self.context.now && owed::is(run) => None,
            Phase::Waiting { until: at } => Some(at),
            Phase::Queued if idle => Some(due_of(self.definition, self.id.as_str(), run)),
            Phase::Queued | Phase::Sending { .. } => None,
        };
        let open = self.state.runs.iter().enumerate();
        open.filter_map(|(i, run)| ready(run).map(|at| (at, i))).min()
    }

    /// The run at `index` has ended with `failure`, its last attempt.
    fn expire(&mut self, index: usize, failure: AttemptRecord) {
        let mut run = self.state.runs.remove(index);
        run.earlier.retain(|made| made.attempt < failure.attempt);
        count(&mut self.state, RunEnd::Failed, 1);
        self.ended.push(settle::record(run, RunEnd::Failed, failure));
    }

    /// When the last of the attempts that are claimed leaves. What is claimed after it waits for
    /// that, such as a later occurrence within its own spread, or a run by hand while another is
    /// claimed ahead of its instant: the higher fence would leave first otherwise.
    fn last_to_leave(&self) -> Timestamp {
        let leaves = |run: &OpenRun| match run.phase {
            Phase::Sending { not_before, .. } => Some(not_before),
            Phase::Queued | Phase::Waiting { .. } => None,
        };
        self.state.runs.iter().filter_map(leaves).max().unwrap_or(Timestamp::MIN)
    }

    /// Whether an attempt is with somebody else, so that it may have to be claimed again at any
    /// moment. What was claimed ahead of its instant would then leave with the lower fence after
    /// the higher one, and a receiver that keeps to fences would refuse it.
    fn may_lose_another(&self) -> bool {
        let is_elsewhere = |run: &OpenRun| match run.phase {
            Phase::Sending { holder, .. } => holder != self.context.holder,
            Phase::Queued | Phase::Waiting { .. } => false,
        };
        self.state.runs.iter().any(is_elsewhere)
    }

    /// Decides the occurrence `at`: a run of it begins, waits in the queue, or is skipped.
    fn take(&mut self, at: Timestamp, not_before: Timestamp) -> Option<Start> {
        let occurrence = Occurrence::At(at);
        assert!(
            at > self.state.decided_until && open_run(&self.state, occurrence).is_none(),
            "an occurrence is claimed once: {at:?} of {} is decided already",
            self.id
        );
        self.state.decided_until = at;
        let open = !self.state.runs.is_empty();
        let queued = self.state.runs.iter().any(|run| run.phase == Phase::Queued);
        match self.definition.overlap {
            Overlap::Skip if open => self.skip(at, 1, RunEnd::SkippedOverlap),
            Overlap::Queue if queued => self.skip(at, 1, RunEnd::SkippedOverlap),
            overlap => {
                self.state.counters.claimed += 1;
                self.state.runs.reserve_exact(1);
                self.state.runs.push(OpenRun::new(occurrence, self.context.now, Phase::Queued));
                self.state.next = self.occurrences.next_of(&self.state);
                if overlap == Overlap::Queue && open {
                    return None;
                }
                self.pace(at);
                return Some(self.attempt(self.state.runs.len() - 1, not_before));
            }
        }
        self.state.next = self.occurrences.next_of(&self.state);
        None
    }

    /// The next attempt of the open run at `index` becomes this holder's.
    fn attempt(&mut self, index: usize, not_before: Timestamp) -> Start {
        let run = &mut self.state.runs[index];
        let is_forgotten = run.claimed_at < self.context.active_since;
        if mutant::is_on(Mutant::RetryCounterInMemory) && is_forgotten {
            (run.attempt, run.lost, run.claimed_at) = (0, 0, self.context.now);
        }
        run.attempt += 1;
        run.fence = self.fence;
        run.phase = Phase::Sending { holder: self.context.holder, not_before };
        let claim = Claim {
            task: self.id.clone(),
            occurrence: run.occurrence,
            attempt: run.attempt,
            fence: run.fence,
            holder: self.context.holder,
        };
        Start { claim, not_before }
    }

    /// Runs that are made up for keep a distance, so that catching up does not crowd out the rest.
    fn pace(&mut self, at: Timestamp) {
        let missed = self.is_missed(at) && self.definition.misfire == Misfire::FireAll;
        self.state.deferred_until = missed.then(|| self.context.now.plus(CATCH_UP_PACE));
    }

    const fn is_cron(&self) -> bool {
        matches!(self.definition.schedule, Schedule::Cron(_))
    }

    fn follows_schedule(&self) -> bool {
        self.state.status == TaskStatus::Active
    }

    fn next_missed(&self) -> Option<Timestamp> {
        self.state.next.filter(|next| self.follows_schedule() && self.is_missed(*next))
    }

    fn is_missed(&self, at: Timestamp) -> bool {
        at.max(self.state.created_at) <= self.missed_until()
    }

    /// What was due until then was missed: nobody could fire until even the end of its spread had
    /// passed.
    fn missed_until(&self) -> Timestamp {
        self.context.active_since.minus(MILLISECOND).minus(self.definition.jitter)
    }

    /// How many undecided occurrences were missed.
    fn missed(&self) -> u64 {
        self.occurrences.count_within(self.state.decided_until, self.missed_until())
    }

    /// Skips what the misfire policy does not make up for.
    fn skip_missed(&mut self) {
        let missed_until = self.missed_until();
        let Some(next) = self.next_missed() else {
            return;
        };
        let forgets_it = mutant::is_on(Mutant::NewLeaderStartsFromNow) && self.is_cron();
        let window = self.definition.misfire_window;
        let too_old = if forgets_it { missed_until } else { missed_until.minus(window) };
        if next.max(self.state.created_at) <= too_old {
            self.skip_until(too_old);
        }
        let Some(next) = self.next_missed() else {
            return;
        };
        match self.definition.misfire {
            Misfire::FireAll => {}
            Misfire::Skip => self.skip_until(missed_until),
            Misfire::FireOnce => {
                let latest = self.occurrences.last_within(self.state.decided_until, missed_until);
                if let Some(latest) = latest.filter(|latest| *latest > next) {
                    self.skip_until(latest.minus(MILLISECOND));
                }
            }
        }
    }

    /// Skips every undecided occurrence up to and including `until`, as one record.
    fn skip_until(&mut self, until: Timestamp) {
        let after = self.state.decided_until;
        let Some(last) = self.occurrences.last_within(after, until) else {
            return;
        };
        let skipped = self.occurrences.count_within(after, until);
        self.state.decided_until = until;
        if !(mutant::is_on(Mutant::NewLeaderStartsFromNow) && self.is_cron()) {
            self.skip(last, skipped, RunEnd::SkippedMisfire);
        }
        self.state.next = self.occurrences.next_of(&self.state);
    }

    fn skip(&mut self, last: Timestamp, skipped: u64, end: RunEnd) {
        let is_bounded = self.definition.max_runs.is_some() && end == RunEnd::SkippedOverlap;
        if mutant::is_on(Mutant::SkipWithoutCount) && is_bounded {
            return;
        }
        count(&mut self.state, end, skipped);
        let record = self.record(Occurrence::At(last), end);
        self.ended.push(RunRecord { count: skipped, ..record });
    }

    fn record(&self, occurrence: Occurrence, end: RunEnd) -> RunRecord {
        RunRecord {
            occurrence,
            end,
            count: 1,
            attempts: 0,
            started_at: self.context.now,
            ended_at: self.context.now,
            node: self.context.holder.node,
            code: None,
            error: None,
            answer: None,
            earlier: Vec::new(),
        }
    }
}
