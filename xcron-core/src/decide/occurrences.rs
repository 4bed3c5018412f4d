//! Which occurrences a task has: its schedule within its start, end and number of runs.

use crate::Timestamp;
use crate::schedule::{Calendar, Schedule};
use crate::task::definition::TaskDefinition;
use crate::task::state::TaskState;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// The occurrences of one task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrences<'a> {
    calendar: &'a Calendar,
    definition: &'a TaskDefinition,
}

impl<'a> Occurrences<'a> {
    /// Those that `calendar` finds for `definition`.
    pub(super) const fn new(calendar: &'a Calendar, definition: &'a TaskDefinition) -> Self {
        Self { calendar, definition }
    }

    /// Whether this version can read the schedule. One that was stored by a newer version may name
    /// a time zone that this one has never heard of; then nothing may be decided about it, least
    /// of all that it has no occurrence left.
    pub(super) fn is_readable(&self) -> bool {
        self.calendar.check(&self.definition.schedule).is_ok()
    }

    /// The first one after `after`, whatever the number of runs.
    pub(super) fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let next = self.calendar.next_after(&self.definition.schedule, self.not_before(after))?;
        self.definition.end_time.is_none_or(|end| next <= end).then_some(next)
    }

    /// The latest one in `(after, until]`.
    pub(super) fn last_within(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let until = self.not_after(until);
        let last = self.calendar.last_at_or_before(&self.definition.schedule, until)?;
        (last > self.not_before(after)).then_some(last)
    }

    /// How many there are in `(after, until]`.
    pub(super) fn count_within(&self, after: Timestamp, until: Timestamp) -> u64 {
        let (after, until) = (self.not_before(after), self.not_after(until));
        if until <= after {
            return 0;
        }
        self.calendar.count_between(&self.definition.schedule, after, until)
    }

    /// How many local times between `after` and `until`, that included, clock changes took from
    /// the schedule while `state` followed it: for good, as far as can be told now.
    pub(super) fn skipped_by_clocks(
        &self,
        state: &TaskState,
        after: Timestamp,
        until: Timestamp,
    ) -> u64 {
        let (after, until) = (self.not_before(after), self.not_after(until));
        let skipped =
            |until| self.calendar.skipped_between(&self.definition.schedule, after, until);
        // A bound of runs ends the schedule before its time; what that takes is rarely asked.
        if until <= after || skipped(until) == 0 { 0 } else { skipped(self.last_run(state, until)) }
    }

    /// When the last run is due that the task may have, if that is before `until`; else `until`.
    fn last_run(&self, state: &TaskState, until: Timestamp) -> Timestamp {
        let decided = state.decided_until;
        let Some(left) = self.runs_left(state) else {
            return until;
        };
        if left == 0 || until <= decided {
            return until.min(decided);
        }
        if self.count_within(decided, until) < left {
            return until;
        }
        let (mut before, mut last) = (decided.as_millis(), until.as_millis());
        while before + 1 < last {
            let middle = i64::midpoint(before, last);
            match self.count_within(decided, Timestamp::from_millis(middle)) < left {
                true => before = middle,
                false => last = middle,
            }
        }
        Timestamp::from_millis(last)
    }

    /// The next one that `state` has not decided, unless the task has had all its runs.
    pub(super) fn next_of(&self, state: &TaskState) -> Option<Timestamp> {
        if self.has_had_all_runs(state) { None } else { self.next_after(state.decided_until) }
    }

    /// Whether the task has had as many runs as it may have.
    pub(super) fn has_had_all_runs(&self, state: &TaskState) -> bool {
        self.runs_left(state) == Some(0)
    }

    /// How many runs the task may still begin, if that is bounded.
    fn runs_left(&self, state: &TaskState) -> Option<u64> {
        let scheduled = state.counters.claimed.saturating_sub(state.counters.manual);
        self.definition.max_runs.map(|max| max.saturating_sub(scheduled))
    }

    /// After which instant they count for the task.
    pub(super) fn since(&self, state: &TaskState) -> Timestamp {
        state.scheduled_since.unwrap_or_else(|| match self.definition.schedule {
            // One that was asked for a moment late counts all the same.
            Schedule::Once(at) => state.created_at.min(at.minus(MILLISECOND)),
            Schedule::Cron(_) => state.created_at,
        })
    }

    /// How many there are since they count for the task, up to and including `until`.
    pub(super) fn expected(&self, state: &TaskState, until: Timestamp) -> u64 {
        self.count_within(self.since(state), until)
    }

    /// How many will be decided of those in `(after, until]`, as far as can be told now.
    pub(super) fn undecided(&self, state: &TaskState, after: Timestamp, until: Timestamp) -> u64 {
        if state.next.is_none() {
            return 0;
        }
        let count = self.count_within(after, until);
        self.runs_left(state).map_or(count, |left| left.min(count))
    }

    fn not_before(&self, after: Timestamp) -> Timestamp {
        self.definition.start_time.map_or(after, |start| after.max(start.minus(MILLISECOND)))
    }

    fn not_after(&self, until: Timestamp) -> Timestamp {
        self.definition.end_time.map_or(until, |end| until.min(end))
    }
}
