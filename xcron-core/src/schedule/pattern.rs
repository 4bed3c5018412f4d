//! What remains of an expression: the set of civil times that it matches.
//!
//! A civil time is a wall-clock reading without a zone. Here it is a count of seconds: those
//! that would have passed since 1970-01-01 00:00:00 on a clock that is never put forward or back.

use super::days::Days;
use super::error::ScheduleError;
use super::expression::Expression;
use super::times::{DAY, Times};
use std::ops::Range;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    times: Times,
    days: Days,
    fixed_time: bool,
}

impl Pattern {
    /// Refuses an expression that no date ever matches.
    pub(super) fn compile(expression: &Expression) -> Result<Self, ScheduleError> {
        let values = expression.values()?;
        let never = || expression.never_fires();
        let mask = |values: Vec<u16>| values.iter().fold(0_u64, |mask, value| mask | 1 << value);
        let seconds = mask(values.seconds.values());
        let minutes = mask(values.minutes.values());
        let times = Times::new(seconds, minutes, mask(values.hours.values())).ok_or_else(never)?;
        let months = mask(values.months.values()) as u16; // bits 1 to 12
        let days = Days::new(months, &values).ok_or_else(never)?;
        Ok(Self { times, days, fixed_time: expression.is_fixed_time() })
    }

    /// Whether this pattern obeys the two settings for gaps and folds.
    pub(super) fn is_fixed_time(&self) -> bool {
        self.fixed_time
    }

    /// The first match from `civil` on.
    pub(super) fn at_or_after(&self, civil: i64) -> Option<i64> {
        let (day, second) = split(civil);
        let next = self.days.at_or_after(day)?;
        if next > day {
            return Some(join(next, self.times.first()));
        }
        match self.times.at_or_after(second) {
            Some(second) => Some(join(day, second)),
            None => Some(join(self.days.at_or_after(day + 1)?, self.times.first())),
        }
    }

    /// The last match up to `civil`.
    pub(super) fn at_or_before(&self, civil: i64) -> Option<i64> {
        let (day, second) = split(civil);
        let previous = self.days.at_or_before(day)?;
        if previous < day {
            return Some(join(previous, self.times.last()));
        }
        match self.times.at_or_before(second) {
            Some(second) => Some(join(day, second)),
            None => Some(join(self.days.at_or_before(day - 1)?, self.times.last())),
        }
    }

    /// Whether there is a match in `civil`.
    pub(super) fn matches_in(&self, civil: Range<i64>) -> bool {
        self.at_or_after(civil.start).is_some_and(|found| found < civil.end)
    }

    /// How many matches there are in `civil`: by whole days, and by times at both ends.
    pub(super) fn count(&self, civil: Range<i64>) -> u64 {
        if civil.is_empty() {
            return 0;
        }
        let ((first, from), (last, until)) = (split(civil.start), split(civil.end));
        let before = |day, second| self.days.count(day..day + 1) * self.times.count_before(second);
        let whole_days = self.days.count(first..last) * self.times.count();
        whole_days + before(last, until) - before(first, from)
    }
}

/// The day and the second of that day.
fn split(civil: i64) -> (i64, u32) {
    let day = i64::from(DAY);
    (civil.div_euclid(day), civil.rem_euclid(day) as u32)
}

fn join(day: i64, second: u32) -> i64 {
    day * i64::from(DAY) + i64::from(second)
}
