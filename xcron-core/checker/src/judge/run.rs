//! One run, as its target received it: its attempts in order, and how it can have ended.

use crate::history::definition::{Definition, DeliveryMode};
use crate::history::op::Op;
use crate::history::receipt::Receipt;
use crate::judge::case::{Case, done_by, is_unknown};
use std::collections::BTreeMap;

const SECOND: i64 = 1_000_000;

/// The attempts of one run, in the order in which they arrived.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) id: &'a str,
    pub(super) at_s: i64,
    /// At least one.
    pub(super) attempts: Vec<&'a Receipt>,
    /// Operations that may have opened it again after it had failed, in order.
    pub(super) retries: Vec<&'a Op>,
}

/// How a run can have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) succeeded: bool,
    pub(super) failed: bool,
    pub(super) unknown: bool,
    pub(super) open: bool,
}

impl<'a> Run<'a> {
    /// The runs of one task, by when they were first received; `retries` may have opened some
    /// again.
    pub(super) fn all(receipts: &[&'a Receipt], retries: &[&'a Op]) -> Vec<Self> {
        let mut runs: Vec<Self> = Vec::new();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for receipt in receipts {
            let index = *known.entry(&receipt.run).or_insert(runs.len());
            match runs.get_mut(index) {
                Some(run) => run.attempts.push(receipt),
                None => runs.push(Self {
                    id: &receipt.run,
                    at_s: receipt.scheduled_s,
                    attempts: vec![receipt],
                    retries: Vec::new(),
                }),
            }
        }
        for run in &mut runs {
            let may_mean = |op: &&&Op| is_unknown(op) || op.runs.iter().any(|it| it == run.id);
            run.retries = retries.iter().filter(may_mean).copied().collect();
        }
        runs
    }

    /// Whether somebody asked for it, beside the schedule.
    pub(super) fn is_manual(&self) -> bool {
        self.first().manual
    }

    /// Whether it may have been opened again between `from` and `to`.
    pub(super) fn may_be_reopened(&self, from: i64, to: i64) -> bool {
        self.retries.iter().any(|op| op.sent_us <= to && done_by(op) >= from)
    }

    /// The number from which on no attempt follows: each time that it is opened again the failures
    /// before count no more.
    pub(super) fn attempts_max(&self, definition: &Definition) -> u32 {
        let times = u32::try_from(self.retries.len()).unwrap_or(u32::MAX).saturating_add(1);
        definition.retry.attempts_max.saturating_mul(times)
    }

    pub(super) fn first(&self) -> &'a Receipt {
        self.attempts[0]
    }

    pub(super) fn last(&self) -> &'a Receipt {
        self.attempts[self.attempts.len() - 1]
    }

    /// How many further attempts may have been made because a sender was lost.
    pub(super) fn losses(&self, case: &Case<'_>, until_us: i64) -> usize {
        let report = case.settings.report_us;
        let from = self.first().at_us - report - case.settings.failover_us;
        case.spans.causes(None, from, until_us + report + case.settings.failover_us)
    }

    /// When the run had surely not ended yet: from its first attempt until this.
    pub(super) fn surely_open_until(&self, definition: &Definition) -> i64 {
        let last = self.last();
        let timed_out = last.at_us + (definition.timeout_s - 1) * SECOND;
        // Attempts that were cut off may have failed at any time.
        last.answered_us.map_or(last.at_us, |at| at.min(timed_out)).max(last.at_us)
    }

    /// When the run had surely ended, if nothing more is to come of it.
    pub(super) fn surely_ended_by(&self, case: &Case<'_>, definition: &Definition) -> i64 {
        let last = self.last();
        let over = failed_by(last, definition);
        let reported = case.spans.done_by(over, case.settings.report_us);
        let ended = match definition.delivery {
            DeliveryMode::AtMostOnce => true,
            DeliveryMode::AtLeastOnce => {
                last.is_success()
                    || last.is_refusal()
                    || last.attempt >= self.attempts_max(definition)
            }
        };
        let again =
            case.has_cause(last, reported) && definition.delivery == DeliveryMode::AtLeastOnce;
        let reopened = self.may_be_reopened(last.at_us, i64::MAX);
        if ended && !again && !reopened { reported } else { i64::MAX }
    }

    /// How it can have ended by `until_us`.
    pub(super) fn ends(&self, case: &Case<'_>, definition: &Definition, until_us: i64) -> Ends {
        let last = self.last();
        let reported = case.spans.done_by(failed_by(last, definition), case.settings.report_us);
        let caused = self.losses(case, reported) > 0;
        let reopened = self.may_be_reopened(last.at_us, until_us);
        let settled = reported < until_us && !caused && !reopened;
        let won = self.attempts.iter().any(|attempt| attempt.answer.starts_with('2'));
        let timed_out = last.at_us + definition.timeout_s * SECOND;
        let in_time = last.answered_us.is_some_and(|at| at < timed_out - SECOND);
        let once = definition.delivery == DeliveryMode::AtMostOnce;
        let all = Ends { succeeded: won, failed: true, unknown: once && caused, open: !settled };
        let exhausted = once || last.attempt >= self.attempts_max(definition);
        if settled && last.is_success() && in_time {
            return Ends { failed: false, ..all };
        }
        if settled && (last.is_refusal() || exhausted) {
            return Ends { succeeded: last.answer.starts_with('2'), ..all };
        }
        Ends { open: true, ..all }
    }
}

/// When the sender of `receipt` knew at the latest that it had failed or succeeded.
pub(super) fn failed_by(receipt: &Receipt, definition: &Definition) -> i64 {
    let timed_out = receipt.at_us + definition.timeout_s * SECOND;
    receipt.answered_us.map_or(timed_out, |at| at.min(timed_out))
}

/// The least wait after the `failures`-th failure.
pub(super) fn backoff_min_us(definition: &Definition, failures: usize) -> i64 {
    let retry = &definition.retry;
    let doubled = retry.backoff_min_s.saturating_mul(1 << failures.saturating_sub(1).min(32));
    doubled.min(retry.backoff_max_s).saturating_mul(SECOND)
}

/// The longest wait after the `failures`-th failure: a quarter more is spread.
pub(super) fn backoff_max_us(definition: &Definition, failures: usize) -> i64 {
    let least = backoff_min_us(definition, failures);
    (least + least / 4).min(definition.retry.backoff_max_s.saturating_mul(SECOND))
}
