//! The questions that schedules answer, and the compiled expressions kept to answer them fast.

use super::definition::{CronSchedule, Schedule};
use super::error::ScheduleError;
use super::expression::Expression;
use super::pattern::Pattern;
use super::preview::PreviewTime;
use super::timeline::Timeline;
use super::zone::{SECONDS, Zone};
use crate::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most times that one preview lists.
const PREVIEW_MAX: usize = 1_000;

/// Answers when schedules occur.
///
/// It keeps the compiled form of a bounded number of expressions (some 300 bytes each), those
/// asked about most recently, behind a lock that is held for the look-up only. What it answers
/// does not depend on what it keeps.
///
/// A schedule whose text is none, which [`Schedule::cron`] would have refused, has no
/// occurrences; [`check`](Self::check) says why.
///
/// ```
/// use xcron_core::Timestamp;
/// use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};
///
/// let calendar = Calendar::new(100);
/// let hourly = Schedule::cron("@hourly", "UTC", DstGap::Shift, DstFold::First)?;
/// let (noon, evening) = (Timestamp::from_secs(43_200), Timestamp::from_secs(64_800));
/// assert_eq!(calendar.next_after(&hourly, noon), Some(Timestamp::from_secs(46_800)));
/// assert_eq!(calendar.last_at_or_before(&hourly, noon), Some(noon));
/// assert_eq!(calendar.count_between(&hourly, noon, evening), 6);
/// # Ok::<(), xcron_core::schedule::ScheduleError>(())
/// ```
#[derive(Debug)]
pub struct Calendar {
    compiled: Mutex<Generations>,
}

/// A compiled expression in its zone.
#[derive(Debug)]
struct Compiled {
    pattern: Pattern,
    zone: Zone,
}

type Key = (Arc<str>, Arc<str>);

/// A cache in two halves: when the young half is full it becomes the old one, and the old one
/// is dropped. What is used stays, what is not goes, and no use has to be recorded.
#[derive(Debug)]
struct Generations {
    half: usize,
    young: BTreeMap<Key, Arc<Compiled>>,
    old: BTreeMap<Key, Arc<Compiled>>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self::new(1_000)
    }
}

impl Calendar {
    /// A calendar that keeps up to `capacity` compiled expressions, at least two.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let (young, old) = (BTreeMap::new(), BTreeMap::new());
        let half = (capacity / 2).max(1);
        Self { compiled: Mutex::new(Generations { half, young, old }) }
    }

    /// Whether this build can read the schedule.
    ///
    /// # Errors
    ///
    /// Those of [`Schedule::cron`]: for a schedule that was not made by it, or by another build
    /// whose time zone database knew another zone.
    pub fn check(&self, schedule: &Schedule) -> Result<(), ScheduleError> {
        match schedule {
            Schedule::Cron(cron) => self.compiled(cron).map(drop),
            Schedule::Once(_) => Ok(()),
        }
    }

    /// The first occurrence after `t`.
    ///
    /// `None` when there is none within 42 years, which for a schedule made by
    /// [`Schedule::cron`] means that there is none: its every time is lost in a gap that
    /// [`DstGap::Skip`](super::DstGap::Skip) skips, or the year 9999 has ended.
    #[must_use]
    pub fn next_after(&self, schedule: &Schedule, t: Timestamp) -> Option<Timestamp> {
        let next = match schedule {
            Schedule::Once(at) => (*at > t).then_some(*at)?,
            Schedule::Cron(cron) => {
                let compiled = self.compiled(cron).ok()?;
                Timestamp::from_secs(compiled.timeline(cron).at_or_after(t.as_secs() + 1)?)
            }
        };
        assert!(next > t, "an occurrence after {t:?} cannot be {next:?}: searches only go forward");
        Some(next)
    }

    /// The last occurrence that is not after `t`; `None` as for [`next_after`](Self::next_after).
    #[must_use]
    pub fn last_at_or_before(&self, schedule: &Schedule, t: Timestamp) -> Option<Timestamp> {
        let last = match schedule {
            Schedule::Once(at) => (*at <= t).then_some(*at)?,
            Schedule::Cron(cron) => {
                let compiled = self.compiled(cron).ok()?;
                Timestamp::from_secs(compiled.timeline(cron).at_or_before(t.as_secs())?)
            }
        };
        assert!(last <= t, "the last occurrence by {t:?} cannot be {last:?}: searches go back");
        Some(last)
    }

    /// How many occurrences are after `after` and not after `until`.
    ///
    /// Days are multiplied, not walked: ten years of every second cost microseconds.
    #[must_use]
    pub fn count_between(&self, schedule: &Schedule, after: Timestamp, until: Timestamp) -> u64 {
        match schedule {
            Schedule::Once(at) => u64::from(after < *at && *at <= until),
            Schedule::Cron(cron) => self.compiled(cron).map_or(0, |compiled| {
                compiled.timeline(cron).count(after.as_secs() + 1, until.as_secs())
            }),
        }
    }

    /// How many local times of the schedule do not exist and are skipped for it
    /// ([`DstGap::Skip`](super::DstGap::Skip)), by clocks that jump forward after `after` and not
    /// after `until`. They are no occurrences: [`count_between`](Self::count_between) leaves them
    /// out.
    ///
    /// ```
    /// use xcron_core::Timestamp;
    /// use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};
    ///
    /// let twice = Schedule::cron("0,30 2 * * *", "Europe/Paris", DstGap::Skip, DstFold::First)?;
    /// // At 2026-03-29T02:00 clocks are set to 03:00.
    /// let noon = Timestamp::from_secs(1_774_695_600);
    /// let jump = Timestamp::from_secs(1_774_746_000);
    /// assert_eq!(Calendar::default().skipped_between(&twice, noon, jump), 2);
    /// assert_eq!(Calendar::default().skipped_between(&twice, jump, jump), 0);
    /// # Ok::<(), xcron_core::schedule::ScheduleError>(())
    /// ```
    #[must_use]
    pub fn skipped_between(&self, schedule: &Schedule, after: Timestamp, until: Timestamp) -> u64 {
        let Schedule::Cron(cron) = schedule else {
            return 0;
        };
        self.compiled(cron).map_or(0, |compiled| {
            compiled.timeline(cron).skipped(after.as_secs() + 1, until.as_secs())
        })
    }

    /// The first `count` (at most 1,000) occurrences after `after`, for people to read.
    #[must_use]
    pub fn preview(&self, schedule: &Schedule, after: Timestamp, count: usize) -> Vec<PreviewTime> {
        let mut times = Vec::new();
        let mut last = after;
        while times.len() < count.min(PREVIEW_MAX)
            && let Some(time) = self.next_after(schedule, last)
        {
            times.push(self.preview_of(schedule, time));
            last = time;
        }
        times
    }

    /// The schedule in English.
    #[must_use]
    pub fn describe(&self, schedule: &Schedule) -> String {
        match schedule {
            Schedule::Once(at) => format!("Once, at {}", local_time(&Zone::utc(), *at)),
            Schedule::Cron(cron) => {
                match Expression::read(&cron.expression).and_then(|read| read.describe()) {
                    Ok(words) => format!("{words} ({})", cron.timezone),
                    Err(error) => format!("Never: {error}"),
                }
            }
        }
    }

    fn preview_of(&self, schedule: &Schedule, time: Timestamp) -> PreviewTime {
        let cron = match schedule {
            Schedule::Cron(cron) => self.compiled(cron).ok().map(|compiled| (cron, compiled)),
            Schedule::Once(_) => None,
        };
        match cron {
            Some((cron, compiled)) => {
                let dst = compiled.timeline(cron).mark(time.as_secs());
                PreviewTime { time, local: local_time(&compiled.zone, time), dst }
            }
            None => PreviewTime { time, local: local_time(&Zone::utc(), time), dst: None },
        }
    }

    fn compiled(&self, cron: &CronSchedule) -> Result<Arc<Compiled>, ScheduleError> {
        let key = (cron.expression.clone(), cron.timezone.clone());
        if let Some(compiled) = self.lock().get(&key) {
            return Ok(compiled);
        }
        let pattern = Pattern::compile(&Expression::read(&cron.expression)?)?;
        let compiled = Arc::new(Compiled { pattern, zone: Zone::find(&cron.timezone)? });
        self.lock().put(key, compiled.clone());
        Ok(compiled)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        // No panic can leave the maps half-changed, so a poisoned lock is as good as another.
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Compiled {
    fn timeline(&self, cron: &CronSchedule) -> Timeline<'_> {
        Timeline::new(&self.pattern, &self.zone, cron.dst_gap, cron.dst_fold)
    }
}

/// The local time, or the count of seconds in a year of more than four digits.
fn local_time(zone: &Zone, time: Timestamp) -> String {
    let second = time.as_secs();
    match SECONDS.contains(&second) {
        true => zone.local(second),
        false => format!("{second} seconds after 1970"),
    }
}

impl Generations {
    fn get(&mut self, key: &Key) -> Option<Arc<Compiled>> {
        if let Some(compiled) = self.young.get(key) {
            return Some(compiled.clone());
        }
        let (key, compiled) = self.old.remove_entry(key)?;
        self.put(key, compiled.clone());
        Some(compiled)
    }

    fn put(&mut self, key: Key, compiled: Arc<Compiled>) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, compiled);
    }
}

#[cfg(test)]
mod tests {
    use super::{Calendar, Schedule, Timestamp};

    fn every_minute_of(hour: usize) -> Schedule {
        Schedule::parse_cron(&format!("* {hour} * * *"), "UTC").unwrap()
    }

    #[test]
    fn no_more_is_kept_than_the_capacity() {
        let calendar = Calendar::new(10);
        for round in 0..48 {
            // One is used all the time and must stay.
            for schedule in [every_minute_of(0), every_minute_of(round % 24)] {
                assert!(calendar.next_after(&schedule, Timestamp::from_secs(0)).is_some());
                let kept = calendar.lock();
                assert!(kept.young.len() + kept.old.len() <= 10);
            }
            let Schedule::Cron(first) = every_minute_of(0) else { unreachable!("it is cron") };
            assert!(calendar.lock().get(&(first.expression, first.timezone)).is_some());
        }
    }

    #[test]
    fn a_calendar_is_shared_between_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<Calendar>();
    }
}
