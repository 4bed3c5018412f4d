//! The rules for what fires: I3 no loss, I5 one claim, I8 delete fences, I10 oracle; by the ids
//! that receipts carry, and once more by time alone.

use crate::history::definition::Definition;
use crate::judge::case::{Case, TaskCase};
use crate::judge::due::{Due, last_us};
use crate::judge::findings::Findings;
use crate::judge::life::Life;
use crate::judge::run::{Run, backoff_max_us};
use crate::judge::verdict::{Invariant, seconds};
use std::collections::BTreeMap;

const SECOND: i64 = 1_000_000;

/// Judges what fired of `task` by what may and must.
pub(super) fn judge(
    case: &Case<'_>,
    task: &TaskCase<'_>,
    life: &Life<'_>,
    dues: &[Due],
    runs: &[Run<'_>],
    findings: &mut Findings,
) {
    if !exists_at_all(task, life, findings) {
        return;
    }
    one_claim(task, runs, findings);
    after_delete(case, task, life, findings);
    // Those that somebody asked for are no occurrences.
    let runs: Vec<&Run<'_>> = runs.iter().filter(|run| !run.is_manual()).collect();
    let runs = runs.as_slice();
    is_due(case, task, life, dues, runs, findings);
    not_lost(task, life, dues, runs, findings);
    by_time_alone(case, task, dues, runs, findings);
}

/// Nothing is received of a task that nobody can have created.
fn exists_at_all(task: &TaskCase<'_>, life: &Life<'_>, findings: &mut Findings) -> bool {
    let Some(first) = task.receipts.first() else {
        return true;
    };
    if !life.definitions().is_empty() {
        return true;
    }
    let denied = task.ops.iter().any(|op| op.definition.is_some());
    let (invariant, what) = match denied {
        true => (Invariant::I2, "fired, though every create was answered as not done"),
        false => (Invariant::I10, "fired, though nobody created it"),
    };
    findings.violate(invariant, task.name, first.at_us, what.to_owned());
    false
}

/// An occurrence has one run, and a run one occurrence; no two attempts share a fence.
fn one_claim(task: &TaskCase<'_>, runs: &[Run<'_>], findings: &mut Findings) {
    let mut of_time: BTreeMap<i64, &str> = BTreeMap::new();
    for run in runs {
        if !run.is_manual()
            && let Some(other) = of_time.insert(run.at_s, run.id)
        {
            let what = format!("the occurrence {} has the runs {other} and {}", run.at_s, run.id);
            findings.violate(Invariant::I5, task.name, run.first().at_us, what);
        }
        for attempt in run.attempts.iter().filter(|attempt| attempt.scheduled_s != run.at_s) {
            let what = format!(
                "run {} is of the occurrences {} and {}",
                run.id, run.at_s, attempt.scheduled_s
            );
            findings.violate(Invariant::I5, task.name, attempt.at_us, what);
        }
    }
    let mut fences: BTreeMap<u64, (&str, u32)> = BTreeMap::new();
    for receipt in &task.receipts {
        let attempt = (receipt.run.as_str(), receipt.attempt);
        if let Some(other) = fences.insert(receipt.fence, attempt)
            && other != attempt
        {
            let what = format!("fence {} belongs to {other:?} and {attempt:?}", receipt.fence);
            findings.violate(Invariant::I5, task.name, receipt.at_us, what);
        }
    }
}

/// I8: nothing starts later than a lease after an acknowledged delete.
fn after_delete(case: &Case<'_>, task: &TaskCase<'_>, life: &Life<'_>, findings: &mut Findings) {
    let allowance = case.lease_us + case.settings.wire_us;
    for receipt in &task.receipts {
        let Some(deleted) = life.deleted_before(receipt.at_us - allowance, receipt.at_us) else {
            continue;
        };
        let what = format!(
            "attempt {} of run {} arrived {} after the delete was acknowledged",
            receipt.attempt,
            receipt.run,
            seconds(receipt.at_us - deleted)
        );
        findings.violate(Invariant::I8, task.name, receipt.at_us, what);
    }
}

/// I10: what fires is an occurrence of the schedule, and no more of them than the task may have.
fn is_due(
    case: &Case<'_>,
    task: &TaskCase<'_>,
    life: &Life<'_>,
    dues: &[Due],
    runs: &[&Run<'_>],
    findings: &mut Findings,
) {
    let last = last_us(case, life);
    for run in runs.iter().filter(|run| run.at_s * SECOND <= last) {
        if dues.binary_search_by_key(&run.at_s, |due| due.at_s).is_err() {
            let what = format!("run {} is of {}, when nothing was due", run.id, run.at_s);
            findings.violate(Invariant::I10, task.name, run.first().at_us, what);
        }
    }
    let most = life.definitions().iter().map(|one| one.runs_max).max().flatten();
    let bounded = life.definitions().iter().all(|one| one.runs_max.is_some());
    if let Some(most) = most.filter(|most| bounded && runs.len() as u64 > *most) {
        let what = format!("{} runs fired of at most {most}", runs.len());
        findings.violate(Invariant::I10, task.name, runs[runs.len() - 1].first().at_us, what);
    }
}

/// I3: what must fire does, in time.
fn not_lost(
    task: &TaskCase<'_>,
    life: &Life<'_>,
    dues: &[Due],
    runs: &[&Run<'_>],
    findings: &mut Findings,
) {
    let of_time: BTreeMap<i64, &Run<'_>> = runs.iter().rev().map(|run| (run.at_s, *run)).collect();
    for due in dues {
        let run = of_time.get(&due.at_s);
        if let Some(run) = run {
            let lateness = (run.first().at_us - due.at_us()).max(0);
            findings.figures.lateness_us.push(lateness);
            if due.healthy && due.must && !is_spread(life) && run.first().attempt == 1 {
                findings.figures.lateness_healthy_us.push(lateness);
            }
        }
        if !due.must {
            continue;
        }
        findings.figures.expected += 1;
        let by = seconds(due.deadline_us);
        match run {
            None => {
                findings.figures.lost += 1;
                let what = format!("the occurrence {} never fired, expected by {by}", due.at_s);
                findings.violate(Invariant::I3, task.name, due.at_us(), what);
            }
            Some(run) => {
                let at = run.first().at_us;
                let unseen =
                    life.definitions().iter().map(|one| unseen_us(one, run)).max().unwrap_or(0);
                if at > due.deadline_us.saturating_add(unseen) {
                    let at = seconds(at);
                    let what =
                        format!("the occurrence {} fired at {at}, expected by {by}", due.at_s);
                    findings.violate(Invariant::I3, task.name, due.at_us(), what);
                }
            }
        }
    }
}

/// Whether first attempts are late on purpose.
fn is_spread(life: &Life<'_>) -> bool {
    life.definitions().iter().any(|definition| definition.jitter_s > 0)
}

/// How much later a run may show when its first attempts never reached the target.
fn unseen_us(definition: &Definition, run: &Run<'_>) -> i64 {
    let wait = |attempt: u32| {
        definition.timeout_s * SECOND + backoff_max_us(definition, attempt as usize) + SECOND
    };
    (1..run.first().attempt.min(1_000)).map(wait).sum()
}

/// The same by time alone, so that forged due times show: there are never more runs than
/// occurrences so far, and each occurrence that must fire has an arrival of its own.
fn by_time_alone(
    case: &Case<'_>,
    task: &TaskCase<'_>,
    dues: &[Due],
    runs: &[&Run<'_>],
    findings: &mut Findings,
) {
    let found = [Invariant::I3, Invariant::I4, Invariant::I5, Invariant::I10, Invariant::I11];
    let known = found.into_iter().any(|invariant| findings.has(invariant, task.name));
    if known || runs.iter().any(|run| run.first().attempt > 1) {
        return;
    }
    let mut arrivals: Vec<i64> = runs.iter().map(|run| run.first().at_us).collect();
    arrivals.sort_unstable();
    let early = |(at, due): &(&i64, &Due)| **at < due.at_us() - case.tolerance_us;
    if let Some((at, due)) = arrivals.iter().zip(dues).find(early) {
        let what = format!(
            "by time alone, more had fired by {} than was due: the next occurrence was {}",
            seconds(*at),
            due.at_s
        );
        findings.violate(Invariant::I4, task.name, *at, what);
    }
    if let Some(due) = unserved(&arrivals, dues, case.tolerance_us) {
        let what = format!("by time alone, nothing fired for the occurrence {}", due.at_s);
        findings.violate(Invariant::I3, task.name, due.at_us(), what);
    }
}

/// An occurrence that must fire and is left without an arrival when each arrival serves the most
/// urgent one that it can.
fn unserved<'d>(arrivals: &[i64], dues: &'d [Due], tolerance_us: i64) -> Option<&'d Due> {
    let mut musts: Vec<&Due> = dues.iter().filter(|due| due.must).collect();
    musts.sort_by_key(|due| due.at_us());
    let mut ahead = musts.into_iter().peekable();
    let mut waiting: BTreeMap<(i64, i64), &Due> = BTreeMap::new();
    for at in arrivals {
        while let Some(due) = ahead.next_if(|due| due.at_us() - tolerance_us <= *at) {
            waiting.insert((due.deadline_us, due.at_s), due);
        }
        if let Some(((deadline_us, _), due)) = waiting.pop_first()
            && deadline_us < *at
        {
            return Some(due);
        }
    }
    waiting.into_values().next().or_else(|| ahead.next())
}
