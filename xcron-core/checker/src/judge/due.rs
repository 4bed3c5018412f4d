//! What is due: of each task the occurrences that may fire, and which of them must, by when.

use crate::history::definition::{Definition, DeliveryMode, Misfire, Overlap, Schedule};
use crate::judge::case::Case;
use crate::judge::life::Life;
use crate::judge::oracles::Oracles;
use crate::oracle::OracleError;
use std::collections::BTreeMap;

const SECOND: i64 = 1_000_000;
/// How late a one-shot may be created, in seconds.
const LATE_S: i64 = 60;

/// One occurrence that may fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at_s: i64,
    /// When its first attempt must have arrived.
    pub(super) deadline_us: i64,
    /// Whether nothing excuses its absence.
    pub(super) must: bool,
    /// Whether nothing was in the way: its lateness counts as that of healthy times.
    pub(super) healthy: bool,
}

impl Due {
    pub(super) const fn at_us(&self) -> i64 {
        self.at_s * SECOND
    }
}

/// The occurrences that may fire of each task, before anybody asks how long the queue is.
pub(super) fn all_due(
    case: &Case<'_>,
    life: &Life<'_>,
    oracles: &mut Oracles,
) -> Result<Vec<Due>, OracleError> {
    let mut found = Vec::new();
    for definition in &life.definitions {
        let is_once = matches!(definition.schedule, Schedule::At { .. });
        let early = case.tolerance_us + if is_once { (LATE_S + 1) * SECOND } else { 0 };
        let from_s = (life.born_may - early).div_euclid(SECOND) + 1;
        let to_us = last_us(case, life);
        found.extend(oracles.within(definition, from_s, to_us.div_euclid(SECOND))?);
    }
    found.sort_unstable();
    found.dedup();
    let is_cron = |one: &&Definition| matches!(one.schedule, Schedule::Cron { .. });
    let crons = life.definitions.iter().all(is_cron);
    let paused = |at_s: i64| {
        let (from, to) = (at_s * SECOND - case.settings.late_max_us, at_s * SECOND);
        crons && life.surely_paused(from, to + case.tolerance_us)
    };
    let due = |at_s| Due { at_s, deadline_us: 0, must: false, healthy: false };
    Ok(found.into_iter().filter(|at_s| !paused(*at_s)).map(due).collect())
}

/// The last instant at which something may be due: after a delete what was claimed ahead of it
/// may still be sent for a moment.
pub(super) fn last_us(case: &Case<'_>, life: &Life<'_>) -> i64 {
    let after = case.lease_us + case.settings.late_max_us;
    case.end_us.min(life.gone_must.saturating_add(after)) + case.tolerance_us
}

/// When each occurrence could be sent, given that a cluster starts only so many a second.
pub(super) fn queue(case: &Case<'_>, dues: &mut BTreeMap<&str, (Life<'_>, Vec<Due>)>) {
    let cost = SECOND / i64::from(case.settings.rate_per_s.max(1));
    let mut arrivals = Vec::new();
    for (task, (life, dues)) in &*dues {
        for (index, due) in dues.iter().enumerate() {
            arrivals.push((case.spans.recovered(ready_us(life, due)), *task, index));
        }
    }
    arrivals.sort_unstable();
    let (mut free, mut starts) = (i64::MIN, Vec::with_capacity(arrivals.len()));
    for (ready, task, index) in arrivals {
        free = ready.max(free) + cost;
        starts.push((task, index, free));
    }
    for (task, index, start) in starts {
        if let Some(due) = dues.get_mut(task).and_then(|(_, dues)| dues.get_mut(index)) {
            due.deadline_us = start;
        }
    }
}

/// When an occurrence is due: a one-shot that was created late is due with its creation.
fn ready_us(life: &Life<'_>, due: &Due) -> i64 {
    let born = if life.born_must == i64::MAX { life.born_may } else { life.born_must };
    due.at_us().max(born)
}

/// Decides which of `dues`, whose deadlines are when the queue comes to them, must fire.
pub(super) fn oblige(case: &Case<'_>, life: &Life<'_>, dues: &mut [Due]) {
    let [definition] = life.definitions[..] else {
        // Nobody knows which definition held: everything may, nothing must.
        for due in dues {
            due.deadline_us = i64::MAX;
        }
        return;
    };
    let late = case.settings.late_max_us;
    let jitter = definition.jitter_s * SECOND;
    let mut missed = 0;
    for due in dues.iter_mut() {
        let start = due.deadline_us + jitter;
        let ready = due.at_us();
        due.deadline_us = case.sent_by(start);
        due.healthy = due.deadline_us == start + late + case.tolerance_us
            && !case.spans.touch(ready - late, due.deadline_us);
        if due.healthy {
            missed = 0;
        } else if definition.misfire == Misfire::FireAll {
            due.deadline_us = case.sent_by(start + missed * case.settings.pace_us);
            missed += 1;
        }
    }
    let is_once = matches!(definition.schedule, Schedule::At { .. });
    for index in 0..dues.len() {
        let (due, next) = (dues[index], dues.get(index + 1).copied());
        let born =
            if is_once { due.at_us().max(life.born_must) } else { due.at_us() - case.tolerance_us };
        let lives = life.surely_exists(born, due.deadline_us)
            && life.surely_active(due.at_us() - late, due.deadline_us);
        let counted = definition.runs_max.is_none_or(|max| (index as u64) < max);
        let once_only = definition.delivery == DeliveryMode::AtMostOnce;
        dues[index].must = lives
            && counted
            && definition.observed
            && due.deadline_us <= case.end_us
            && (due.healthy || (!once_only && is_made_up_for(definition, &due, next)));
    }
}

/// Whether an occurrence that may have been missed fires all the same.
fn is_made_up_for(definition: &Definition, due: &Due, next: Option<Due>) -> bool {
    let within = due.deadline_us - due.at_us() < definition.window_s().saturating_mul(SECOND);
    let latest = next.is_none_or(|next| next.at_us() > due.deadline_us);
    match definition.misfire {
        Misfire::Skip => false,
        Misfire::FireAll => within,
        Misfire::FireOnce => within && latest,
    }
}

/// Whether overlapping runs are restricted.
pub(super) fn is_exclusive(life: &Life<'_>) -> bool {
    life.definitions.iter().any(|definition| definition.overlap != Overlap::Allow)
}
