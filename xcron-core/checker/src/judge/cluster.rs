//! The rules for the cluster as a whole: I18 replica equality, I16 recovery, and what makes a
//! run weak.

use crate::history::History;
use crate::history::op::Outcome;
use crate::history::remains::FinalTask;
use crate::judge::case::{Case, TaskCase, is_unknown};
use crate::judge::findings::Findings;
use crate::judge::verdict::{Invariant, seconds};
use std::collections::BTreeMap;

/// Notes what makes a run prove less than it should.
pub(super) fn weigh(history: &History, case: &Case<'_>, findings: &mut Findings) {
    match &history.end {
        None => findings.weaknesses.push("the history has no end".to_owned()),
        Some(end) if !end.complete || end.trouble.is_some() => {
            let trouble = end.trouble.as_deref().unwrap_or("something was not recorded");
            findings.weaknesses.push(format!("the recording is not complete: {trouble}"));
        }
        Some(_) => {}
    }
    for fault in case.faults.iter().filter(|fault| fault.required && !fault.took_effect) {
        let at = seconds(fault.from_us);
        findings.weaknesses.push(format!("the fault {} at {at} had no effect", fault.name));
    }
    let percent = case.unknown as f64 * 100.0 / case.operations.max(1) as f64;
    if percent > case.settings.unknown_percent_max {
        findings.weaknesses.push(format!(
            "{} of {} operations are unknown, more than {} %",
            case.unknown, case.operations, case.settings.unknown_percent_max
        ));
    }
}

/// I18: replicas that applied the same log have the same state.
pub(super) fn replicas(case: &Case<'_>, findings: &mut Findings) {
    let mut known = BTreeMap::new();
    for hash in &case.hashes {
        let first = known.entry(hash.index).or_insert(*hash);
        if first.hash != hash.hash {
            let what = format!(
                "at index {} node {} has the state {} and node {} has {}",
                hash.index, first.node, first.hash, hash.node, hash.hash
            );
            findings.violate(Invariant::I18, "", case.end_us, what);
        }
    }
}

/// I18: nodes that were asked for the same task at the same time say the same.
pub(super) fn finals(case: &Case<'_>, task: &TaskCase<'_>, findings: &mut Findings) {
    let bare = |last: &FinalTask| FinalTask { node: 0, ..last.clone() };
    for pair in task.finals.windows(2) {
        if pair[0].at_us == pair[1].at_us && bare(pair[0]) != bare(pair[1]) {
            let what = format!("nodes {} and {} differ about it", pair[0].node, pair[1].node);
            let at_us = pair[0].at_us.unwrap_or(case.end_us);
            findings.violate(Invariant::I18, task.name, at_us, what);
        }
    }
}

/// I16: some time after the last fault the cluster does what it is asked.
pub(super) fn recovery(case: &Case<'_>, findings: &mut Findings) {
    let faults = case.faults.iter().map(|fault| fault.to_us);
    let Some(last) = faults.chain(case.spans.last_end()).max() else {
        return;
    };
    let recovered = last + case.settings.recovery_us;
    for task in case.tasks.values() {
        for op in task.ops.iter().filter(|op| op.sent_us > recovered) {
            if is_unknown(op) || op.outcome == Outcome::None {
                let what = format!(
                    "{:?} was not done, {} after the last fault",
                    op.call,
                    seconds(op.sent_us - last)
                );
                findings.violate(Invariant::I16, task.name, op.sent_us, what);
            }
        }
    }
}
