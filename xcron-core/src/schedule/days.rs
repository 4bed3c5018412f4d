//! Days that a pattern matches, as masks over whole months.

use super::month::{Month, month_length};
use croner::{CronPattern, Weekday};
use std::ops::Range;

/// The longest that a pattern which fires at all can go without a matching day, in months:
/// 40 years, between two 29ths of February on one weekday around a century that is no leap year
/// (2088 and 2128, say), and the year in which the search starts.
const MONTHS_MAX: u32 = 41 * 12;

/// A year and a month of 1 to 12 for each length of month, 28 to 31 days.
const MONTH_OF_LENGTH: [(i32, u32); 4] = [(2001, 2), (2000, 2), (2001, 4), (2001, 1)];

const WEEKDAYS: [Weekday; 7] = [
    Weekday::Sunday,
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
];

/// The matching days of every month there can be.
///
/// Which days of a month match depends on its length and on the weekday of its first day only,
/// `L`, `W` and `#` included.
#[derive(Clone, Debug)]
pub(super) struct Days {
    /// Bit 1 is January.
    months: u16,
    /// By length less 28, then by first weekday from Sunday; bit 1 of each is the first day.
    matching: [[u32; 7]; 4],
}

impl Days {
    /// `None` when no day ever matches.
    pub(super) fn new(months: u16, pattern: &CronPattern) -> Option<Self> {
        let mut matching = [[0; 7]; 4];
        for (row, (year, month)) in matching.iter_mut().zip(MONTH_OF_LENGTH) {
            for (first, mask) in row.iter_mut().enumerate() {
                for day in 1..=month_length(year.into(), month) {
                    let weekday = WEEKDAYS[(first + day as usize - 1) % 7];
                    let matches = pattern.day_match(year, month, day, weekday);
                    *mask |= u32::from(matches.expect("the day is one of its month")) << day;
                }
            }
        }
        let days = Self { months, matching };
        days.fires().then_some(days)
    }

    /// Every month begins on every weekday sooner or later, February of leap years included.
    fn fires(&self) -> bool {
        let of_length = |length: u32| self.matching[length as usize - 28];
        (1..=12).filter(|month| self.months >> month & 1 == 1).any(|month| {
            let lengths = [month_length(2000, month), month_length(2001, month)];
            lengths.into_iter().flat_map(of_length).any(|mask| mask != 0)
        })
    }

    /// The first matching day from `day` on, days being counted from 1970-01-01.
    pub(super) fn at_or_after(&self, day: i64) -> Option<i64> {
        let (mut month, day_of_month) = Month::of(day);
        let mut mask = self.mask(&month) & (!0 << day_of_month);
        for _ in 0..=MONTHS_MAX {
            if mask != 0 {
                return Some(month.first_day + i64::from(mask.trailing_zeros()) - 1);
            }
            month = month.next();
            mask = self.mask(&month);
        }
        None
    }

    /// The last matching day up to `day`.
    pub(super) fn at_or_before(&self, day: i64) -> Option<i64> {
        let (mut month, day_of_month) = Month::of(day);
        let mut mask = self.mask(&month) & (!0 >> (31 - day_of_month));
        for _ in 0..=MONTHS_MAX {
            if mask != 0 {
                return Some(month.first_day + i64::from(31 - mask.leading_zeros()) - 1);
            }
            month = month.previous();
            mask = self.mask(&month);
        }
        None
    }

    /// How many days of `days` match.
    pub(super) fn count(&self, days: Range<i64>) -> u64 {
        if days.is_empty() {
            return 0;
        }
        let (mut month, from) = Month::of(days.start);
        let mut mask = self.mask(&month) & (!0 << from);
        let mut count = 0;
        while month.first_day + i64::from(month.length) <= days.end {
            count += u64::from(mask.count_ones());
            month = month.next();
            mask = self.mask(&month);
        }
        let left = days.end - month.first_day;
        count + u64::from((mask & ((1 << (left + 1)) - 1)).count_ones())
    }

    fn mask(&self, month: &Month) -> u32 {
        if self.months >> month.month & 1 == 0 {
            return 0;
        }
        self.matching[month.length as usize - 28][month.first_weekday()]
    }
}

#[cfg(test)]
mod tests {
    use super::Days;
    use crate::schedule::expression::Expression;
    use crate::schedule::month::Month;

    fn days(expression: &str) -> Option<Days> {
        let values = Expression::read(expression).unwrap().values().unwrap();
        let months = values.months.values().iter().fold(0, |mask, month| mask | 1 << month);
        Days::new(months, &values)
    }

    #[test]
    fn searches_and_counts_agree_with_a_walk_over_a_century() {
        for expression in ["0 0 29 2 *", "0 0 13 * */5", "0 0 L 1-6 *", "0 0 1W,LW * 3#5"] {
            let days = days(expression).unwrap();
            let start = Month::first_of(2000, 1).first_day;
            let (mut last, mut count) = (days.at_or_before(start - 1), 0);
            for day in start..start + 36_525 {
                assert_eq!(days.count(start..day), count, "{expression} on day {day}");
                if days.at_or_after(day) == Some(day) {
                    (last, count) = (Some(day), count + 1);
                }
                assert_eq!(days.at_or_before(day), last, "{expression} on day {day}");
            }
        }
    }

    #[test]
    fn the_longest_pause_between_two_days_is_bridged() {
        // `*/28` is the 1st and the 29th, so with `2-` excluded only leap days are left.
        let rare = days("0 0 29 2 *").unwrap();
        let mut longest = 0;
        for first in 0..7 {
            let on_weekday = days(&format!("0 0 */28 2 {first}")).unwrap();
            let mut day = Month::first_of(2000, 1).first_day;
            let mut previous = None;
            while day < Month::first_of(2400, 1).first_day {
                day = on_weekday.at_or_after(day).unwrap();
                if rare.at_or_after(day) == Some(day) {
                    longest = longest.max(day - previous.unwrap_or(day));
                    previous = Some(day);
                }
                day += 1;
            }
        }
        assert_eq!(longest, 40 * 365 + 9);
    }

    #[test]
    fn a_date_that_never_is_never_fires() {
        for expression in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30W 2 *", "0 0 */30 2 2#5"] {
            assert!(days(expression).is_none(), "{expression}");
        }
        assert!(days("0 0 30 2 1").is_some(), "a Monday in February will do");
    }
}
