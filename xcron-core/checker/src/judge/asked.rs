//! The rules for runs that somebody asked for: they are made, and no others are.

use crate::history::definition::DeliveryMode;
use crate::history::op::Op;
use crate::judge::case::{Case, TaskCase, done_by, is_unknown};
use crate::judge::findings::Findings;
use crate::judge::life::Life;
use crate::judge::run::Run;
use crate::judge::verdict::{Invariant, seconds};

const SECOND: i64 = 1_000_000;

/// Judges the runs of `task` that were asked for, by a trigger or a retry.
pub(super) fn judge(
    case: &Case<'_>,
    task: &TaskCase<'_>,
    life: &Life<'_>,
    runs: &[Run<'_>],
    findings: &mut Findings,
) {
    somebody_asked(case, task, life, runs, findings);
    for op in life.triggers.iter().chain(&life.retries).filter(|op| !is_unknown(op)) {
        for opened in &op.runs {
            is_made(case, task, life, (op, opened), runs, findings);
        }
    }
}

/// I10: a run beside the schedule has a trigger of its own, at the time that it names.
fn somebody_asked(
    case: &Case<'_>,
    task: &TaskCase<'_>,
    life: &Life<'_>,
    runs: &[Run<'_>],
    findings: &mut Findings,
) {
    let mut doubted: Vec<&&Op> = life.triggers.iter().filter(|op| is_unknown(op)).collect();
    for run in runs.iter().filter(|run| run.is_manual()) {
        let fits = |op: &Op| {
            let earliest = op.sent_us - case.tolerance_us;
            let latest = done_by(op).saturating_add(case.tolerance_us);
            let at_us = run.at_s * SECOND;
            run.first().at_us >= op.sent_us && at_us + SECOND > earliest && at_us <= latest
        };
        let named = life.triggers.iter().find(|op| op.runs.iter().any(|name| name == run.id));
        let is_asked_for = match named {
            Some(op) => fits(op),
            None => match doubted.iter().position(|op| fits(op)) {
                Some(index) => {
                    doubted.remove(index);
                    true
                }
                None => false,
            },
        };
        if !is_asked_for {
            let what = format!("nobody asked for run {}, of {}", run.id, run.at_s);
            findings.violate(Invariant::I10, task.name, run.first().at_us, what);
        }
    }
}

/// I3: a run that was asked for is attempted, and one that is opened again is attempted again.
fn is_made(
    case: &Case<'_>,
    task: &TaskCase<'_>,
    life: &Life<'_>,
    (op, opened): (&Op, &str),
    runs: &[Run<'_>],
    findings: &mut Findings,
) {
    let deadline = case.sent_by(case.spans.recovered(done_by(op)));
    let Some(definition) = life.definition_during(op.sent_us, deadline) else {
        return;
    };
    let disturbed = case.spans.touch(op.sent_us - case.settings.late_max_us, deadline);
    let may_be_lost = definition.delivery == DeliveryMode::AtMostOnce && disturbed;
    let lives = life.surely_exists(op.sent_us, deadline);
    if !definition.observed || may_be_lost || !lives || deadline > case.end_us {
        return;
    }
    let attempts = runs.iter().filter(|run| run.id == opened).flat_map(|run| &run.attempts);
    let is_in_time = |at: i64| (op.sent_us..=deadline).contains(&at);
    if !attempts.into_iter().any(|attempt| is_in_time(attempt.at_us)) {
        let what = format!(
            "run {opened} was asked for at {} and not attempted by {}",
            seconds(op.sent_us),
            seconds(deadline)
        );
        findings.violate(Invariant::I3, task.name, op.sent_us, what);
    }
}
