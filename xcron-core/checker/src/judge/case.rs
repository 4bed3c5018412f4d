//! A history in the order in which a judge reads it: by task, and by time within a task.

use crate::history::History;
use crate::history::event::Fault;
use crate::history::line::Line;
use crate::history::op::{Op, Outcome};
use crate::history::receipt::Receipt;
use crate::history::remains::{FinalTask, StateHash};
use crate::judge::settings::Settings;
use crate::judge::spans::Spans;
use std::collections::BTreeMap;

/// What was recorded about one task.
#[derive(Debug, Default)]
pub(super) struct TaskCase<'a> {
    pub(super) name: &'a str,
    /// In the order in which they were sent.
    pub(super) ops: Vec<&'a Op>,
    /// In the order in which they arrived.
    pub(super) receipts: Vec<&'a Receipt>,
    pub(super) finals: Vec<&'a FinalTask>,
}

/// A whole history, sorted.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) settings: &'a Settings,
    pub(super) spans: Spans,
    pub(super) tasks: BTreeMap<&'a str, TaskCase<'a>>,
    pub(super) hashes: Vec<&'a StateHash>,
    pub(super) faults: Vec<&'a Fault>,
    pub(super) operations: usize,
    pub(super) unknown: usize,
    /// How far a healthy clock may be off.
    pub(super) tolerance_us: i64,
    /// How long a sender may go on after its claim was taken away: not at all on one node.
    pub(super) lease_us: i64,
    /// When recording ended, or the last time in the history.
    pub(super) end_us: i64,
}

impl<'a> Case<'a> {
    pub(super) fn new(history: &'a History, settings: &'a Settings) -> Self {
        let begin = &history.begin;
        let (mut unhealthy, mut tenures, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        let mut case = Self {
            settings,
            spans: Spans::default(),
            tasks: BTreeMap::new(),
            hashes: Vec::new(),
            faults: Vec::new(),
            operations: 0,
            unknown: 0,
            tolerance_us: begin.clock_tolerance_us,
            lease_us: if begin.nodes > 1 { begin.lease_us } else { 0 },
            end_us: history.end.as_ref().map_or(begin.at_us, |end| end.at_us),
        };
        for line in &history.lines {
            match line {
                Line::Op(op) => {
                    case.operations += 1;
                    case.unknown += usize::from(is_unknown(op));
                    case.task(&op.task).ops.push(op);
                }
                Line::Receipt(receipt) => case.task(&receipt.task).receipts.push(receipt),
                Line::Task(task) => case.task(&task.task).finals.push(task),
                Line::StateHash(hash) => case.hashes.push(hash),
                Line::Fault(fault) => case.faults.push(fault),
                Line::Unhealthy(span) => unhealthy.push(*span),
                Line::Tenure(tenure) => tenures.push(*tenure),
                Line::SenderLost(sender) => lost.push(*sender),
                Line::Begin(_) | Line::End(_) => {}
            }
        }
        case.spans = Spans::new(unhealthy, &tenures, lost, settings);
        case.sort();
        case
    }

    fn task(&mut self, name: &'a str) -> &mut TaskCase<'a> {
        let task = self.tasks.entry(name).or_default();
        task.name = name;
        task
    }

    fn sort(&mut self) {
        for task in self.tasks.values_mut() {
            task.ops.sort_by_key(|op| op.sent_us);
            task.receipts.sort_by_key(|receipt| (receipt.at_us, receipt.attempt));
            let last = task.receipts.last().map_or(i64::MIN, |receipt| receipt.at_us);
            let answered = task.ops.iter().filter_map(|op| op.back_us).max().unwrap_or(i64::MIN);
            self.end_us = self.end_us.max(last).max(answered);
        }
    }

    /// When what is due at `at` must have been sent, with nothing else in the way.
    pub(super) fn sent_by(&self, at: i64) -> i64 {
        self.spans.done_by(at, self.settings.late_max_us) + self.tolerance_us
    }

    /// Whether something explains that `receipt` was attempted again by `next_us`, though it was
    /// answered.
    pub(super) fn has_cause(&self, receipt: &Receipt, next_us: i64) -> bool {
        self.causes(receipt, next_us) > 0
    }

    /// How many events explain that.
    pub(super) fn causes(&self, receipt: &Receipt, next_us: i64) -> usize {
        let report = self.settings.report_us;
        let settled = receipt.answered_us.map_or(next_us, |at| at + report).min(next_us);
        let from = receipt.at_us - report;
        let direct = self.spans.causes(receipt.node, from, settled);
        // A report that found no leader waits for the next one.
        let late = (settled + self.settings.failover_us).min(next_us);
        direct + self.spans.causes(Some(u64::MAX), settled + 1, late)
    }
}

/// Whether nobody knows what became of `op`.
pub(super) fn is_unknown(op: &Op) -> bool {
    let unanswered = op.back_us.is_none() && op.outcome != Outcome::None;
    op.outcome == Outcome::Unknown || unanswered
}

/// Whether `op` may have had an effect.
pub(super) fn may_be_done(op: &Op) -> bool {
    op.outcome == Outcome::Ok || is_unknown(op)
}

/// When the effect of `op` was there, if it had one; the end of time if nobody knows.
pub(super) fn done_by(op: &Op) -> i64 {
    if is_unknown(op) { i64::MAX } else { op.back_us.unwrap_or(i64::MAX) }
}
