//! The account of a task: every occurrence that its schedule has, against what became of it.
//!
//! What is expected is worked out from the schedule; what happened is what was counted. The two
//! share nothing, so an occurrence that was dropped or counted twice shows as a difference.

use crate::Timestamp;
use crate::decide::occurrences::Occurrences;
use crate::schedule::Calendar;
use crate::task::id::Occurrence;
use crate::task::state::{Counters, OpenRun, RunEnd, RunRecord, TaskState, TaskStatus};
use crate::task::{Task, TaskWithHistory};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// What became of the occurrences of a span.
///
/// ```
/// use xcron_core::decide::Account;
///
/// let account = Account { expected: 3, succeeded: 2, pending: 1, ..Account::default() };
/// assert_eq!(account.difference(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Occurrences that the schedule has, local times of it that do not exist and are skipped, and
    /// runs that were asked for by hand.
    pub expected: u64,
    /// Runs that succeeded.
    pub succeeded: u64,
    /// Runs that failed for good.
    pub failed: u64,
    /// Runs whose result nobody knows.
    pub unknown: u64,
    /// Runs that were cancelled.
    pub cancelled: u64,
    /// Occurrences skipped because they were missed.
    pub skipped_misfire: u64,
    /// Occurrences skipped because an earlier run had not ended.
    pub skipped_overlap: u64,
    /// Occurrences skipped because the task was paused.
    pub skipped_paused: u64,
    /// Local times skipped because clocks jumped over them. Worked out from the definition like
    /// what is expected, also of what lies ahead: nobody decides about them.
    pub skipped_dst: u64,
    /// Occurrences that came to an end which is counted, but no longer listed: only of a part of
    /// a task's life.
    pub unlisted: u64,
    /// Runs that have not ended, and occurrences that are not decided yet.
    pub pending: u64,
}

impl Account {
    /// What is expected minus all that became of it; 0 unless an occurrence was lost or counted
    /// twice.
    #[must_use]
    pub const fn difference(&self) -> i64 {
        let mut rest = self.expected.wrapping_sub(self.pending);
        let (outcomes, mut at) = (self.outcomes(), 0);
        while at < outcomes.len() {
            rest = rest.wrapping_sub(outcomes[at].1);
            at += 1;
        }
        rest.cast_signed()
    }

    /// What the occurrences that are over came to: each outcome by its name, and how many.
    #[must_use]
    pub const fn outcomes(&self) -> [(&'static str, u64); 9] {
        [
            (RunEnd::Succeeded.as_str(), self.succeeded),
            (RunEnd::Failed.as_str(), self.failed),
            (RunEnd::Unknown.as_str(), self.unknown),
            (RunEnd::Cancelled.as_str(), self.cancelled),
            (RunEnd::SkippedMisfire.as_str(), self.skipped_misfire),
            (RunEnd::SkippedOverlap.as_str(), self.skipped_overlap),
            (RunEnd::SkippedPaused.as_str(), self.skipped_paused),
            ("skipped_dst", self.skipped_dst),
            ("unlisted", self.unlisted),
        ]
    }

    /// Adds the account of another task.
    pub const fn add(&mut self, other: &Self) {
        self.expected += other.expected;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.cancelled += other.cancelled;
        self.skipped_misfire += other.skipped_misfire;
        self.skipped_overlap += other.skipped_overlap;
        self.skipped_paused += other.skipped_paused;
        self.skipped_dst += other.skipped_dst;
        self.unlisted += other.unlisted;
        self.pending += other.pending;
    }

    const fn of(&mut self, end: RunEnd) -> &mut u64 {
        match end {
            RunEnd::Succeeded => &mut self.succeeded,
            RunEnd::Failed => &mut self.failed,
            RunEnd::Unknown => &mut self.unknown,
            RunEnd::Cancelled => &mut self.cancelled,
            RunEnd::SkippedMisfire => &mut self.skipped_misfire,
            RunEnd::SkippedOverlap => &mut self.skipped_overlap,
            RunEnd::SkippedPaused => &mut self.skipped_paused,
        }
    }

    const fn counted(counters: &Counters) -> Self {
        Self {
            expected: 0,
            succeeded: counters.succeeded,
            failed: counters.failed,
            unknown: counters.unknown,
            cancelled: counters.cancelled,
            skipped_misfire: counters.skipped_misfire,
            skipped_overlap: counters.skipped_overlap,
            skipped_paused: counters.skipped_paused,
            skipped_dst: 0,
            unlisted: 0,
            pending: 0,
        }
    }
}

/// The account of a task for its occurrences from `from` on and before `to`.
///
/// Of all that is decided the counters tell, at no cost by the number of runs. A span that leaves
/// out a part of it is told by the history, which is bounded: what it no longer lists is
/// [`unlisted`](Account::unlisted), unless nothing but successes can be missing from it. It tells
/// of the present schedule only. A difference of the whole life is one of every span.
///
/// `None` when this version cannot read the schedule.
#[must_use]
pub fn account(
    found: &TaskWithHistory,
    calendar: &Calendar,
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Option<Account> {
    let Task { definition, state, .. } = &found.task;
    let occurrences = Occurrences::new(calendar, definition);
    if !occurrences.is_readable() {
        return None;
    }
    let life = Life { occurrences, state, history: &found.history, now };
    let whole = life.whole(to.minus(MILLISECOND));
    let decided = state.decided_until.max(state.created_at);
    let has_all = from <= life.began() && to > decided;
    Some(if has_all { whole } else { life.part(from, to.minus(MILLISECOND), &whole) })
}

/// What is known of a task.
struct Life<'a> {
    occurrences: Occurrences<'a>,
    state: &'a TaskState,
    history: &'a [RunRecord],
    now: Timestamp,
}

impl Life<'_> {
    /// The instant of the earliest occurrence that the task could have had.
    fn began(&self) -> Timestamp {
        let Self { state, .. } = self;
        self.occurrences.since(state).min(state.created_at).plus(MILLISECOND)
    }

    /// The account of the whole life, up to and including `until` or what is decided.
    fn whole(&self, until: Timestamp) -> Account {
        let Self { occurrences, state, .. } = self;
        let mut account = Account::counted(&state.counters);
        let decided = occurrences.expected(state, state.decided_until);
        account.expected = state.expected_before + decided + state.counters.manual;
        account.pending = state.runs.len() as u64;
        self.undecided(state.decided_until, until, &mut account);
        self.skip_by_clocks(self.occurrences.since(state), until, &mut account);
        account.skipped_dst += state.counters.skipped_dst;
        account.expected += state.counters.skipped_dst;
        account
    }

    /// Adds the occurrences after `after` up to and including `until`, none of them decided.
    fn undecided(&self, after: Timestamp, until: Timestamp, account: &mut Account) {
        let Self { occurrences, state, .. } = self;
        let mut after = after;
        if state.status == TaskStatus::Paused && state.next.is_some() {
            // What has passed is as good as skipped, and takes no run from those that are left.
            let passed = until.min(self.now);
            let skipped = occurrences.count_within(after, passed);
            account.expected += skipped;
            account.skipped_paused += skipped;
            after = after.max(passed);
        }
        let pending = occurrences.undecided(state, after, until);
        account.expected += pending;
        account.pending += pending;
    }

    /// Adds the local times after `after` up to and including `until` that do not exist.
    fn skip_by_clocks(&self, after: Timestamp, until: Timestamp, account: &mut Account) {
        let skipped = self.occurrences.skipped_by_clocks(self.state, after, until);
        account.expected += skipped;
        account.skipped_dst += skipped;
    }

    /// The account of what was from `from` up to and including `until`.
    fn part(&self, from: Timestamp, until: Timestamp, whole: &Account) -> Account {
        let Self { occurrences, state, .. } = self;
        let after = from.minus(MILLISECOND).max(occurrences.since(state));
        let decided = until.min(state.decided_until);
        let mut account = Account::default();
        // What an earlier schedule had is not worked out, so its ends do not count either.
        let is_within =
            |occurrence: Occurrence| occurrence.time() > after && occurrence.time() <= until;
        for record in self.history.iter().filter(|record| !self.is_open(record)) {
            let count = match record.count {
                0 | 1 => u64::from(is_within(record.occurrence)),
                count => self.overlap(record.occurrence.time(), count, after, decided),
            };
            *account.of(record.end) += count;
        }
        account.pending = state.runs.iter().filter(|run| is_within(run.occurrence)).count() as u64;
        account.expected = self.manual_within(is_within);
        account.expected += occurrences.count_within(after, decided);
        let missing = account.difference().saturating_sub(whole.difference());
        let missing = u64::try_from(missing).unwrap_or(0);
        if self.lists_all_but_successes() {
            account.succeeded += missing;
        } else {
            account.unlisted += missing;
        }
        self.undecided(after.max(state.decided_until), until, &mut account);
        self.skip_by_clocks(after, until, &mut account);
        account
    }

    /// Whether the record is of a run that is open again.
    fn is_open(&self, record: &RunRecord) -> bool {
        self.state.runs.iter().any(|run: &OpenRun| run.occurrence == record.occurrence)
    }

    /// How many of the `count` occurrences that ended with that of `last` lie within.
    fn overlap(&self, last: Timestamp, count: u64, after: Timestamp, until: Timestamp) -> u64 {
        let beyond = self.occurrences.count_within(until, last);
        let within = self.occurrences.count_within(after, until.min(last));
        count.saturating_sub(beyond).min(within)
    }

    /// How many runs by hand are known within the span.
    fn manual_within(&self, is_within: impl Fn(Occurrence) -> bool) -> u64 {
        let is_manual = |occurrence: &Occurrence| {
            matches!(occurrence, Occurrence::Manual { .. }) && is_within(*occurrence)
        };
        let ended = self.history.iter().filter(|record| !self.is_open(record));
        let ended = ended.map(|record| record.occurrence).filter(is_manual).count();
        let open = self.state.runs.iter().map(|run| run.occurrence).filter(is_manual).count();
        (ended + open) as u64
    }

    /// Whether the history lists everything that did not succeed.
    fn lists_all_but_successes(&self) -> bool {
        let mut listed = Account::default();
        for record in self.history.iter().filter(|record| !self.is_open(record)) {
            *listed.of(record.end) += record.count.max(1);
        }
        let counted = Account::counted(&self.state.counters);
        let others = |account: Account| Account { succeeded: 0, ..account };
        others(listed) == others(counted)
    }
}
