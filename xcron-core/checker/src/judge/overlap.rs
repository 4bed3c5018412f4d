//! The rules for overlapping runs: what they excuse, and that exclusive runs do not overlap.

use crate::history::definition::{Definition, DeliveryMode, Overlap};
use crate::history::op::Op;
use crate::judge::case::{Case, TaskCase};
use crate::judge::due::{Due, is_exclusive};
use crate::judge::findings::Findings;
use crate::judge::life::Life;
use crate::judge::run::{Run, backoff_max_us};
use crate::judge::verdict::{Invariant, seconds};
use std::collections::BTreeMap;

/// Takes the obligation from occurrences that an open run may have been in the way of.
pub(super) fn excuse(case: &Case<'_>, life: &Life<'_>, runs: &[Run<'_>], dues: &mut [Due]) {
    let report = case.settings.report_us;
    let late = case.settings.late_max_us;
    let span = |run: &Run<'_>| {
        let from = run.first().at_us.min(run.at_s * 1_000_000);
        let held = life.definition_during(run.first().at_us - late, run.last().at_us + report);
        let ended = held.map_or(i64::MAX, |definition| run.surely_ended_by(case, definition));
        (from, ended)
    };
    let (asked, scheduled): (Vec<_>, Vec<_>) = runs.iter().partition(|run| run.is_manual());
    let fired: BTreeMap<i64, (i64, i64)> =
        scheduled.into_iter().map(|run| (run.at_s, span(run))).collect();
    let mut open: Vec<(i64, i64)> = fired.values().copied().collect();
    let arrived = |op: &&&Op| op.runs.iter().any(|opened| asked.iter().any(|run| run.id == opened));
    open.extend(life.triggers.iter().filter(|op| !arrived(op)).map(|op| (op.sent_us, i64::MAX)));
    open.extend(asked.iter().map(|run| span(run)));
    // What never arrived may have been open too, while its attempts failed unseen.
    let all_seen = life.definitions().iter().all(|definition| definition.observed);
    let longest = life.definitions().iter().map(|definition| unseen_us(definition)).max();
    let unseen = longest.filter(|_| all_seen).unwrap_or(i64::MAX);
    let never = |due: &&Due| !due.must && !fired.contains_key(&due.at_s);
    let until = |due: &Due| due.deadline_us.saturating_add(report).saturating_add(unseen);
    open.extend(dues.iter().filter(never).map(|due| (due.at_us(), until(due))));
    let most = if is_exclusive(life) { 1 } else { case.settings.open_runs_max };
    let (mut begins, mut ends): (Vec<i64>, Vec<i64>) = open.into_iter().unzip();
    begins.sort_unstable();
    ends.sort_unstable();
    for due in dues.iter_mut().filter(|due| due.must) {
        let (from, to) = (due.at_us() - report, due.deadline_us);
        let begun = begins.partition_point(|begin| *begin <= to);
        let ended = ends.partition_point(|end| *end < from);
        let own = fired.get(&due.at_s).is_some_and(|(begin, end)| *begin <= to && *end >= from);
        if begun - ended - usize::from(own) >= most {
            due.must = false;
            due.healthy = false;
        }
    }
}

/// How long attempts that nobody saw may go on.
fn unseen_us(definition: &Definition) -> i64 {
    let attempts = match definition.delivery {
        DeliveryMode::AtMostOnce => 1,
        DeliveryMode::AtLeastOnce => definition.retry.attempts_max.min(100),
    };
    let wait = |attempt: u32| {
        definition.timeout_s * 1_000_000 + backoff_max_us(definition, attempt as usize)
    };
    (1..=attempts).map(wait).sum()
}

/// With `skip` and `queue`, no run begins while another is surely open.
pub(super) fn judge(
    case: &Case<'_>,
    task: &TaskCase<'_>,
    life: &Life<'_>,
    runs: &[Run<'_>],
    findings: &mut Findings,
) {
    if !life.definitions().iter().all(|one| one.overlap != Overlap::Allow) {
        return;
    }
    let late = case.settings.late_max_us;
    // What somebody asked for runs beside others.
    let scheduled = runs.iter().filter(|run| !run.is_manual() && run.retries.is_empty());
    let mut longest: Option<(i64, &Run<'_>)> = None;
    for run in scheduled {
        let begins = run.first().at_us;
        if let Some((until, other)) = longest
            && begins < until
            && !case.spans.touch(other.first().at_us, begins)
        {
            let what = format!(
                "run {} began at {}, while run {} was open until {}",
                run.id,
                seconds(begins),
                other.id,
                seconds(until)
            );
            findings.violate(Invariant::I10, task.name, begins, what);
        }
        let held = life.definition_during(begins - late, run.last().at_us);
        let until = held.map_or(i64::MIN, |definition| run.surely_open_until(definition));
        if longest.is_none_or(|(known, _)| until > known) {
            longest = Some((until, run));
        }
    }
}
