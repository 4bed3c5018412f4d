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
    /// One bit for each definition of the task that it is an occurrence of.
    of: u64,
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
    let mut found: BTreeMap<i64, u64> = BTreeMap::new();
    for (index, (from, to)) in life.eras.spans() {
        let definition = life.definitions()[index];
        let is_once = matches!(definition.schedule, Schedule::At { .. });
        let early = case.tolerance_us + if is_once { (LATE_S + 1) * SECOND } else { 0 };
        let from_s = (life.born_may.max(from) - early).div_euclid(SECOND) + 1;
        let to_us = last_us(case, life).min(to.saturating_add(case.tolerance_us));
        for at_s in oracles.within(definition, from_s, to_us.div_euclid(SECOND))? {
            *found.entry(at_s).or_default() |= bit(index);
        }
    }
    let is_cron = |one: &&Definition| matches!(one.schedule, Schedule::Cron { .. });
    let crons = life.definitions().iter().all(is_cron);
    let paused = |at_s: i64| {
        let (from, to) = (at_s * SECOND - case.settings.late_max_us, at_s * SECOND);
        crons && life.surely_paused(from, to + case.tolerance_us)
    };
    let due = |(at_s, of)| Due { at_s, of, deadline_us: 0, must: false, healthy: false };
    Ok(found.into_iter().filter(|(at_s, _)| !paused(*at_s)).map(due).collect())
}

/// The bit of the definition at place `index`; those beyond the last share none.
fn bit(index: usize) -> u64 {
    u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index)).unwrap_or(0)
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
    let late = case.settings.late_max_us;
    let mut missed = 0;
    for due in dues.iter_mut() {
        let Some(definition) = holds_for(case, life, due) else {
            // Nobody knows which definition held: it may fire, and need not.
            due.deadline_us = i64::MAX;
            continue;
        };
        let start = due.deadline_us + definition.jitter_s * SECOND;
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
    for index in 0..dues.len() {
        let (due, next) = (dues[index], dues.get(index + 1).copied());
        let Some(definition) = holds_for(case, life, &due).filter(|one| one.observed) else {
            continue;
        };
        let is_once = matches!(definition.schedule, Schedule::At { .. });
        let born =
            if is_once { due.at_us().max(life.born_must) } else { due.at_us() - case.tolerance_us };
        let lives = life.surely_exists(born, due.deadline_us)
            && life.surely_active(due.at_us() - late, due.deadline_us)
            && stays(life, definition, &due);
        // Runs that somebody asked for count too, and so does what an earlier schedule had.
        let counted = definition.runs_max.is_none_or(|max| {
            life.definitions().len() == 1 && ((index + life.triggers.len()) as u64) < max
        });
        let once_only = definition.delivery == DeliveryMode::AtMostOnce;
        dues[index].must = lives
            && counted
            && due.deadline_us <= case.end_us
            && (due.healthy || (!once_only && is_made_up_for(definition, &due, next)));
    }
}

/// The definition that surely held when `due` was decided, if it was decided in time.
fn holds_for<'a>(case: &Case<'_>, life: &Life<'a>, due: &Due) -> Option<&'a Definition> {
    let (from, to) = (due.at_us() - case.settings.late_max_us, due.at_us() + case.tolerance_us);
    let index = life.eras.surely(from, to)?;
    (due.of & bit(index) != 0).then(|| life.definitions()[index])
}

/// Whether whatever the task may be defined to be until the deadline of `due`, it fires as
/// `definition` says: what is due before an update is owed, but by the new definition.
fn stays(life: &Life<'_>, definition: &Definition, due: &Due) -> bool {
    let rest = |one: &Definition| Definition {
        schedule: Schedule::At { at_s: 0 },
        start_s: None,
        end_s: None,
        runs_max: None,
        ..one.clone()
    };
    life.definitions().len() == 1
        || life.eras.maybe(due.at_us(), due.deadline_us).all(|other| {
            rest(other).fingerprint() == rest(definition).fingerprint() && other.observed
        })
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
    life.definitions().iter().any(|definition| definition.overlap != Overlap::Allow)
}
