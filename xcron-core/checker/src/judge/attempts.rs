//! The rules for the attempts of one run: I4 never early, I6 duplicates have a cause, I7 at most
//! once, and the retry policy.

use crate::history::definition::{Definition, DeliveryMode};
use crate::history::receipt::Receipt;
use crate::judge::case::{Case, TaskCase};
use crate::judge::findings::Findings;
use crate::judge::life::Life;
use crate::judge::run::{Run, backoff_max_us, backoff_min_us, failed_by};
use crate::judge::verdict::{Invariant, seconds};

const SECOND: i64 = 1_000_000;

/// Judges every run of `task`.
pub(super) fn judge(
    case: &Case<'_>,
    task: &TaskCase<'_>,
    life: &Life<'_>,
    runs: &[Run<'_>],
    findings: &mut Findings,
) {
    for receipt in &task.receipts {
        never_early(case, receipt, findings);
    }
    for run in runs {
        findings.figures.repeated += run.attempts.len() - 1;
        let (first, last) = (run.first().at_us, run.last().at_us);
        let (late, report) = (case.settings.late_max_us, case.settings.report_us);
        let Some(definition) = life.definition_during(first - late, last + report) else {
            for pair in run.attempts.windows(2) {
                in_order(run, (pair[0], pair[1]), findings);
            }
            continue;
        };
        let once = definition.delivery == DeliveryMode::AtMostOnce;
        let may_repeat = life.may_be_reborn(first, last) || run.may_be_reopened(first, last);
        if once && run.attempts.len() > 1 && !may_repeat {
            let what = format!("run {} was attempted {} times", run.id, run.attempts.len());
            findings.violate(Invariant::I7, task.name, run.attempts[1].at_us, what);
        }
        for pair in run.attempts.windows(2) {
            if !life.may_be_reborn(pair[0].at_us, pair[1].at_us)
                && in_order(run, (pair[0], pair[1]), findings)
            {
                follows(case, definition, run, (pair[0], pair[1]), findings);
            }
        }
        if !life.may_be_reborn(first, last) {
            within_policy(case, definition, run, findings);
        }
        retried(case, life, run, findings);
    }
}

/// Judges whether an attempt has a higher number and fence than the one that arrived before it.
fn in_order(run: &Run<'_>, (before, after): (&Receipt, &Receipt), findings: &mut Findings) -> bool {
    let grows = after.attempt > before.attempt && after.fence > before.fence;
    if !grows {
        let what = format!(
            "run {}: attempt {} with fence {} came after attempt {} with fence {}",
            run.id, after.attempt, after.fence, before.attempt, before.fence
        );
        findings.violate(Invariant::I6, &after.task, after.at_us, what);
        findings.figures.doubled += usize::from(after.attempt == before.attempt);
    }
    grows
}

fn never_early(case: &Case<'_>, receipt: &Receipt, findings: &mut Findings) {
    let due = receipt.scheduled_s.saturating_mul(SECOND);
    let name = format!("attempt {} of run {}", receipt.attempt, receipt.run);
    if let Some(clock) = receipt.sender_clock_us.filter(|clock| *clock < due) {
        findings.figures.early += 1;
        let what = format!(
            "{name}, due at {}, left at {} by its sender's own clock",
            seconds(due),
            seconds(clock)
        );
        findings.violate(Invariant::I4, &receipt.task, receipt.at_us, what);
        return;
    }
    if receipt.at_us >= due - case.tolerance_us {
        return;
    }
    findings.figures.early += 1;
    let early = seconds(due - receipt.at_us);
    let what = format!("{name}, due at {}, arrived {early} early", seconds(due));
    let by_clock = receipt.sender_clock_us.is_some();
    let invariant = if by_clock { Invariant::I11 } else { Invariant::I4 };
    findings.violate(invariant, &receipt.task, receipt.at_us, what);
}

/// Judges an attempt and the one that arrived before it.
fn follows(
    case: &Case<'_>,
    definition: &Definition,
    run: &Run<'_>,
    (before, after): (&Receipt, &Receipt),
    findings: &mut Findings,
) {
    let mut breach = |what: String| {
        let what = format!("run {}: {what}", run.id);
        findings.violate(Invariant::I6, &after.task, after.at_us, what);
    };
    if case.has_cause(before, after.at_us) {
        return;
    }
    let given = format!(
        "attempt {} arrived at {}, after attempt {} was answered {} at {}",
        after.attempt,
        seconds(after.at_us),
        before.attempt,
        before.answer,
        before.answered_us.map_or_else(|| "no time".to_owned(), seconds)
    );
    let in_time = before
        .answered_us
        .is_some_and(|at| at < before.at_us + (definition.timeout_s - 1).max(1) * SECOND);
    let reopened = run.may_be_reopened(before.at_us, after.at_us);
    let ended = before.is_success() || (before.is_refusal() && !reopened);
    if ended && in_time {
        breach(format!("{given}, and nothing explains it"));
        findings.figures.doubled += 1;
        return;
    }
    if reopened {
        return;
    }
    // Without a loss in the whole run every attempt before counts as a failure.
    let arrived = run.attempts.iter().filter(|it| it.attempt <= before.attempt).count();
    let is_gapless = arrived == before.attempt as usize && after.attempt == before.attempt + 1;
    let lossless = run.losses(case, after.at_us) == 0 && is_gapless && run.retries.is_empty();
    let failures = if lossless { before.attempt as usize } else { 1 };
    let asked = before.retry_after_s.unwrap_or(0).saturating_mul(SECOND);
    let wait = backoff_min_us(definition, failures).max(asked);
    let earliest = before.answered_us.unwrap_or(before.at_us).saturating_add(wait);
    if after.at_us < earliest - case.tolerance_us {
        breach(format!("{given}, but not before {} was allowed", seconds(earliest)));
    }
}

/// Judges the number of attempts and the age of the last one. A number that never arrived was not
/// sent, or would have been recorded, and what was not sent has not failed.
fn within_policy(case: &Case<'_>, definition: &Definition, run: &Run<'_>, findings: &mut Findings) {
    let last = run.last();
    let allowed = run.attempts_max(definition) as usize + run.losses(case, last.at_us);
    let arrived = run.attempts.len();
    if arrived > allowed {
        let what = format!("run {} came to {arrived} attempts of {allowed}", run.id);
        findings.violate(Invariant::I6, &last.task, last.at_us, what);
    }
    let age = definition.retry.age_max_s.saturating_mul(SECOND);
    let latest = case.sent_by(run.first().at_us.saturating_add(age));
    let is_of_policy = run.losses(case, last.at_us) == 0 && run.retries.is_empty();
    if run.attempts.len() > 1 && last.at_us > latest && is_of_policy {
        let what = format!(
            "run {} was attempted at {}, when it was older than its {} s",
            run.id,
            seconds(last.at_us),
            definition.retry.age_max_s
        );
        findings.violate(Invariant::I6, &last.task, last.at_us, what);
    }
}

/// Judges whether a failed attempt was repeated when the policy says so.
fn retried(case: &Case<'_>, life: &Life<'_>, run: &Run<'_>, findings: &mut Findings) {
    let last = run.last();
    let late = case.settings.late_max_us;
    let Some(definition) = life.definition_during(run.first().at_us - late, last.at_us) else {
        return;
    };
    let again = definition.delivery == DeliveryMode::AtLeastOnce
        && definition.observed
        && last.attempt < definition.retry.attempts_max;
    if !again || last.answer.starts_with('2') || last.answer == "410" {
        return;
    }
    let failed = failed_by(last, definition);
    let asked = last.retry_after_s.unwrap_or(0).saturating_mul(SECOND);
    let wait = backoff_max_us(definition, last.attempt as usize).max(asked);
    let reported = case.spans.done_by(failed, case.settings.report_us);
    let deadline = case.sent_by(case.spans.done_by(reported, wait));
    // What was not reported in the time of a fault is attempted again when its sender is lost. And
    // what may be as late as this may be too old by then.
    let age = definition.retry.age_max_s.saturating_mul(SECOND) - case.settings.report_us;
    let young = deadline <= (run.at_s * SECOND).saturating_add(age);
    let lives = life.surely_exists(life.born_must, deadline)
        && life.definition_during(last.at_us, deadline).is_some();
    if young && lives && deadline < case.end_us {
        let what = format!(
            "attempt {} of run {} failed ({}) by {} and was not followed by another by {}",
            last.attempt,
            run.id,
            last.answer,
            seconds(failed),
            seconds(deadline)
        );
        findings.violate(Invariant::I3, &last.task, last.at_us, what);
    }
}
