//! An independent answer to when an expression occurs, by brute force.
//!
//! It shares nothing with the code under test but the time zone database, of which it asks one
//! thing only: the offset at an instant. It walks real time, reads the wall clock at each step,
//! and keeps the furthest reading seen so far: a reading beyond the next one is a gap, a reading
//! that is not beyond it is a repetition.

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use std::collections::BTreeMap;
use xcron_core::schedule::{DstFold, DstGap};

const DAY: i64 = 86_400;

/// An expression, read in the simplest way that could work.
#[derive(Clone, Debug)]
pub struct Rule {
    seconds: Vec<bool>,
    minutes: Vec<bool>,
    hours: Vec<bool>,
    months: Vec<bool>,
    days: Vec<String>,
    weekdays: Vec<String>,
    both: bool,
    fixed: bool,
}

impl Rule {
    /// Reads an expression that is known to be valid, names in upper case.
    pub fn read(text: &str) -> Self {
        let mut fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let starred = |field: usize| fields[field].starts_with('*');
        let list = |field: usize| fields[field].split(',').map(str::to_owned).collect();
        Self {
            seconds: plain(fields[0], 0, 59),
            minutes: plain(fields[1], 0, 59),
            hours: plain(fields[2], 0, 23),
            months: plain(fields[4], 1, 12),
            days: list(3),
            weekdays: list(5),
            both: starred(3) || starred(5),
            fixed: !starred(1) && !starred(2),
        }
    }

    /// Whether it obeys the two settings.
    pub fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Whether a civil date matches.
    pub fn day(&self, date: Date) -> bool {
        let day = self.days.iter().any(|member| day_of_month(member, date));
        let weekday = self.weekdays.iter().any(|member| day_of_week(member, date));
        let days = if self.both {
            day && weekday
        } else {
            day || weekday
        };
        self.months[date.month() as usize] && days
    }

    fn time(&self, second: usize) -> bool {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        self.hours[hour] && self.minutes[minute] && self.seconds[second]
    }

    fn on_the_minute(&self) -> bool {
        self.seconds[1..].iter().all(|set| !set)
    }
}

fn number(word: &str) -> usize {
    const NAMES: [&str; 19] = [
        "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "JAN", "FEB", "MAR", "APR", "MAY", "JUN",
        "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ];
    match NAMES.iter().position(|name| *name == word) {
        Some(weekday @ 0..7) => weekday,
        Some(month) => month - 6,
        None => word.parse().expect("the oracle is given valid expressions"),
    }
}

/// A list of `*`, values and ranges, with or without steps.
fn plain(field: &str, first: usize, last: usize) -> Vec<bool> {
    let mut set = vec![false; 60];
    for member in field.split(',') {
        let (range, step) = member.split_once('/').unwrap_or((member, "1"));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((from, to)) => (number(from), number(to)),
            None => (number(range), number(range)),
        };
        // A Sunday may end a range of weekdays.
        let to = if to == 0 && last == 7 && from > 0 {
            7
        } else {
            to
        };
        let mut value = from;
        while value <= to {
            set[value] = true;
            value += number(step);
        }
    }
    set
}

fn day_of_month(member: &str, date: Date) -> bool {
    let is_workday = |date: &Date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    let month: Vec<Date> = (1..=date.days_in_month())
        .map(|day| Date::new(date.year(), date.month(), day).unwrap())
        .collect();
    if member == "L" {
        return date == month[month.len() - 1];
    }
    if member == "LW" {
        return Some(&date) == month.iter().rfind(|date| is_workday(date));
    }
    match member.strip_suffix('W') {
        Some(day) if number(day) > month.len() => false,
        Some(day) => {
            let far = |date: &&Date| (i64::from(date.day()) - number(day) as i64).abs();
            month.iter().filter(|date| is_workday(date)).min_by_key(far) == Some(&date)
        }
        None => plain(member, 1, 31)[date.day() as usize],
    }
}

fn day_of_week(member: &str, date: Date) -> bool {
    let weekday = date.weekday().to_sunday_zero_offset() as usize;
    if let Some((word, nth)) = member.split_once('#') {
        let same_before = (1..=date.day()).rev().step_by(7).count();
        return number(word) % 7 == weekday && same_before == number(nth);
    }
    if let Some(word) = member.strip_suffix('L') {
        let week_later = date.checked_add(7.days()).unwrap();
        return number(word) % 7 == weekday && week_later.month() != date.month();
    }
    let set = plain(member, 0, 7);
    set[weekday] || (weekday == 0 && set[7])
}

/// Finds a zone.
pub fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled()
        .get(name)
        .expect("the zone is in the database")
}

/// The offset in seconds at a second.
pub fn offset(zone: &TimeZone, second: i64) -> i64 {
    let at = Timestamp::from_second(second).expect("tests keep to the database's range");
    zone.to_offset(at).seconds().into()
}

/// All occurrences after `after` and up to `until`.
pub fn occurrences(
    rule: &Rule,
    zone: &TimeZone,
    (gap, fold): (DstGap, DstFold),
    after: i64,
    until: i64,
) -> Vec<i64> {
    let mut found = Vec::new();
    let mut walk = Walk::new(rule, zone, after - 27 * 3600);
    while walk.second <= until {
        if walk.skip_idle_day() {
            continue;
        }
        let step = walk.step();
        let shifted = rule.fixed && gap == DstGap::Shift && step.lost;
        let regular = step.matches && !(rule.fixed && fold == DstFold::First && step.repeated);
        if (shifted || regular) && step.second > after && step.second <= until {
            found.push(step.second);
        }
    }
    found
}

/// A walk through real time.
struct Walk<'a> {
    rule: &'a Rule,
    zone: &'a TimeZone,
    second: i64,
    /// The wall clock has shown everything before this.
    seen: i64,
    /// Where the offset is known to last until, and that offset.
    constant: (i64, i64),
    days: BTreeMap<i64, bool>,
}

/// What one step of the walk has met.
struct Step {
    second: i64,
    matches: bool,
    repeated: bool,
    /// A match was jumped over just before.
    lost: bool,
}

impl<'a> Walk<'a> {
    fn new(rule: &'a Rule, zone: &'a TimeZone, second: i64) -> Self {
        let seen = second + offset(zone, second);
        Self {
            rule,
            zone,
            second,
            seen,
            constant: (second, 0),
            days: BTreeMap::new(),
        }
    }

    fn offset(&mut self) -> i64 {
        if self.second >= self.constant.0 {
            let now = offset(self.zone, self.second);
            // Nowhere does a clock change twice within a quarter of an hour.
            let lasts = offset(self.zone, self.second + 900) == now;
            self.constant = (self.second + if lasts { 900 } else { 1 }, now);
        }
        self.constant.1
    }

    /// Passes over a day when no date near it matches, whatever the clocks do.
    fn skip_idle_day(&mut self) -> bool {
        let civil = self.second + self.offset();
        let day = civil.div_euclid(DAY);
        let idle = civil % 3600 == 0 && (day - 2..=day + 3).all(|day| !self.matches_day(day));
        if idle {
            self.second += DAY;
            self.constant = (self.second, 0);
            self.seen = self
                .seen
                .max(self.second + offset(self.zone, self.second - 1));
        }
        idle
    }

    fn step(&mut self) -> Step {
        let second = self.second;
        let civil = second + self.offset();
        let lost = civil > self.seen && (self.seen..civil).any(|civil| self.matches(civil));
        let repeated = civil < self.seen;
        self.seen = self.seen.max(civil + 1);
        // Whole minutes are enough when the offset lasts and nothing happens in between.
        let minute = self.rule.on_the_minute()
            && civil % 60 == 0
            && self.second + 60 <= self.constant.0
            && self.seen == civil + 1;
        let pause = if minute { 60 } else { 1 };
        self.second += pause;
        self.seen += pause - 1;
        Step {
            second,
            matches: self.matches(civil),
            repeated,
            lost,
        }
    }

    fn matches(&mut self, civil: i64) -> bool {
        self.rule.time(civil.rem_euclid(DAY) as usize) && self.matches_day(civil.div_euclid(DAY))
    }

    fn matches_day(&mut self, day: i64) -> bool {
        let rule = self.rule;
        *self.days.entry(day).or_insert_with(|| {
            let epoch = Date::constant(1970, 1, 1);
            rule.day(
                epoch
                    .checked_add(day.days())
                    .expect("tests keep to the database's range"),
            )
        })
    }
}
