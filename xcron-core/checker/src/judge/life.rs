//! The life of a task: when it surely existed, when it may have, and when it was paused.

use crate::history::definition::Definition;
use crate::history::op::{Call, Op, Outcome};
use crate::judge::case::{TaskCase, done_by, is_unknown, may_be_done};
use crate::judge::eras::Eras;

/// What is known about the life of one task, from the operations alone.
#[derive(Debug)]
pub(super) struct Life<'a> {
    creates: Vec<&'a Op>,
    deletes: Vec<&'a Op>,
    pauses: Vec<&'a Op>,
    resumes: Vec<&'a Op>,
    /// Asked for runs beside the schedule.
    pub(super) triggers: Vec<&'a Op>,
    /// Asked for failed runs again.
    pub(super) retries: Vec<&'a Op>,
    /// The definitions it may have had.
    pub(super) eras: Eras<'a>,
    /// From when on it may have existed.
    pub(super) born_may: i64,
    /// From when on it surely existed, unless it was deleted.
    pub(super) born_must: i64,
    /// From when on it may have been deleted.
    pub(super) gone_may: i64,
    /// From when on it was surely deleted.
    pub(super) gone_must: i64,
}

impl<'a> Life<'a> {
    pub(super) fn new(task: &TaskCase<'a>, end_us: i64) -> Self {
        let of = |call: Call| -> Vec<&'a Op> {
            let of_call = |op: &&&Op| op.call == call && may_be_done(op);
            task.ops.iter().filter(of_call).copied().collect()
        };
        let [creates, deletes] = [of(Call::Create), of(Call::Delete)];
        let mut life = Self {
            born_may: creates.iter().map(|op| op.sent_us).min().unwrap_or(i64::MAX),
            born_must: i64::MAX,
            gone_may: i64::MAX,
            gone_must: i64::MAX,
            creates,
            deletes,
            pauses: of(Call::Pause),
            resumes: of(Call::Resume),
            triggers: of(Call::Trigger),
            retries: of(Call::Retry),
            eras: Eras::default(),
        };
        let is_lived_once = life.is_lived_once();
        let updates = of(Call::Update);
        let giving = life.creates.iter().chain(&updates).copied();
        life.eras = Eras::new(giving, is_lived_once);
        if is_lived_once {
            life.bound(task, end_us);
        }
        life
    }

    /// Whether no create can have followed a delete.
    fn is_lived_once(&self) -> bool {
        let deleted = self.deletes.iter().map(|op| op.sent_us).min().unwrap_or(i64::MAX);
        let before = self.creates.iter().all(|op| done_by(op) < deleted);
        self.deletes.is_empty() || self.creates.len() == 1 || before
    }

    /// Bounds a life that was lived once by what clients saw of it.
    fn bound(&mut self, task: &TaskCase<'a>, end_us: i64) {
        let shows = |op: &&&Op| match op.call {
            Call::Create => matches!(op.outcome, Outcome::Ok | Outcome::Conflict),
            Call::Delete => false,
            _ => op.outcome == Outcome::Ok,
        };
        let seen: Vec<&Op> =
            task.ops.iter().filter(shows).copied().filter(|op| !is_unknown(op)).collect();
        let received = task.receipts.iter().map(|receipt| receipt.at_us);
        let there = task.finals.iter().filter(|last| last.exists);
        let remained: Vec<i64> = there.map(|last| last.at_us.unwrap_or(end_us)).collect();
        let proofs = seen.iter().map(|op| done_by(op)).chain(received);
        self.born_must = proofs.chain(remained.iter().copied()).min().unwrap_or(i64::MAX);
        let deleted = self.deletes.iter().map(|op| op.sent_us).min().unwrap_or(i64::MAX);
        let last_seen = seen.iter().map(|op| op.sent_us).max().unwrap_or(i64::MIN);
        self.gone_may = if !remained.is_empty() { i64::MAX } else { deleted.max(last_seen) };
        let absent = |op: &&&Op| op.outcome == Outcome::Absent && op.sent_us >= self.born_must;
        let noticed = task.ops.iter().filter(absent).map(|op| done_by(op));
        self.gone_must =
            self.deletes.iter().map(|op| done_by(op)).chain(noticed).min().unwrap_or(i64::MAX);
    }

    /// Whether it surely existed all the time from `from` to `to`.
    pub(super) fn surely_exists(&self, from: i64, to: i64) -> bool {
        self.born_must != i64::MAX && self.born_must <= from && to < self.gone_may
    }

    /// Whether it surely was not there from `at` on, by a delete that was acknowledged, up to
    /// `until`; the time of that acknowledgement.
    pub(super) fn deleted_before(&self, at: i64, until: i64) -> Option<i64> {
        let ends = |delete: &&&Op| {
            let again = |create: &&Op| done_by(create) >= delete.sent_us && create.sent_us <= until;
            delete.outcome == Outcome::Ok
                && done_by(delete) <= at
                && (self.creates.len() == 1 || !self.creates.iter().any(again))
        };
        self.deletes.iter().filter(ends).map(|delete| done_by(delete)).min()
    }

    /// Whether the task may have been deleted and created again between `from` and `to`, so that
    /// the same occurrence was decided once more: a create without an answer may come late.
    pub(super) fn may_be_reborn(&self, from: i64, to: i64) -> bool {
        let lives = |delete: &&Op| delete.sent_us <= to && done_by(delete) >= from;
        !self.is_lived_once() && self.deletes.iter().any(lives)
    }

    /// All definitions that it may have had at some time.
    pub(super) fn definitions(&self) -> &[&'a Definition] {
        &self.eras.definitions
    }

    /// The definition that it surely had as long as it existed, if there is one.
    pub(super) fn only_definition(&self) -> Option<&'a Definition> {
        self.definition_during(i64::MIN, i64::MAX - 1)
    }

    /// The definition that it surely had from `from` to `to`, as long as it existed.
    pub(super) fn definition_during(&self, from: i64, to: i64) -> Option<&'a Definition> {
        self.eras.surely(from, to).map(|index| self.eras.definitions[index])
    }

    fn created_as(&self) -> impl Iterator<Item = &'a Definition> {
        self.creates.iter().filter_map(|op| op.definition.as_ref())
    }

    fn created_paused(&self) -> bool {
        self.created_as().any(|definition| definition.paused)
    }

    /// Whether it surely was not paused at any time from `from` to `to`.
    pub(super) fn surely_active(&self, from: i64, to: i64) -> bool {
        let resumed_after = |paused_by: i64| {
            let ends = |op: &&Op| !is_unknown(op) && op.sent_us > paused_by && done_by(op) <= from;
            self.resumes.iter().any(ends)
        };
        let begins_active = !self.created_paused() || resumed_after(self.born_must);
        let ended = |op: &&Op| op.sent_us > to || resumed_after(done_by(op));
        begins_active && self.pauses.iter().all(ended)
    }

    /// Whether it surely was paused all the time from `from` to `to`.
    pub(super) fn surely_paused(&self, from: i64, to: i64) -> bool {
        let unbroken =
            |since: i64| !self.resumes.iter().any(|op| done_by(op) >= since && op.sent_us <= to);
        let all_paused = self.created_as().all(|definition| definition.paused);
        let from_birth = self.created_paused() && all_paused && unbroken(self.born_may);
        let holds = |op: &&Op| !is_unknown(op) && done_by(op) <= from && unbroken(op.sent_us);
        from_birth || self.pauses.iter().any(holds)
    }
}
