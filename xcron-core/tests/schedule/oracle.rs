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
pub(crate) struct Rule {
    seconds: Vec<bool>,
    minutes: Vec<bool>,
    hours: Vec<bool>,
    months: Vec<bool>,
    days: Vec<bool>,
    weekdays: Vec<bool>,
    /// `L`, `LW`, `15W`.
    day_marks: Vec<String>,
    /// `5L`, `5#2`.
    weekday_marks: Vec<String>,
    on_the_minute: bool,
    both: bool,
    fixed: bool,
}

impl Rule {
    /// Reads an expression that is known to be valid, names in upper case.
    pub(crate) fn read(text: &str) -> Self {
        let mut fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let starred = |field: usize| fields[field].starts_with('*');
        let (days, day_marks) = split_marks(fields[3], 1, 31);
        let (weekdays, weekday_marks) = split_marks(fields[5], 0, 7);
        let seconds = plain(fields[0], 0, 59);
        Self {
            on_the_minute: seconds[1..].iter().all(|set| !set),
            seconds,
            minutes: plain(fields[1], 0, 59),
            hours: plain(fields[2], 0, 23),
            months: plain(fields[4], 1, 12),
            days,
            weekdays,
            day_marks,
            weekday_marks,
            both: starred(3) || starred(5),
            fixed: !starred(1) && !starred(2),
        }
    }

    /// Whether it obeys the two settings.
    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Whether a civil date matches.
    pub(crate) fn day(&self, date: Date) -> bool {
        if !self.months[date.month() as usize] {
            return false;
        }
        let weekday = date.weekday().to_sunday_zero_offset() as usize;
        let by_day = self.days[date.day() as usize]
            || self.day_marks.iter().any(|mark| day_of_month(mark, date));
        let by_weekday = self.weekdays[weekday]
            || (weekday == 0 && self.weekdays[7])
            || self.weekday_marks.iter().any(|mark| day_of_week(mark, date));
        if self.both { by_day && by_weekday } else { by_day || by_weekday }
    }

    pub(crate) fn time(&self, second: usize) -> bool {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        self.hours[hour] && self.minutes[minute] && self.seconds[second]
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
        let to = if to == 0 && last == 7 && from > 0 { 7 } else { to };
        let mut value = from;
        while value <= to {
            set[value] = true;
            value += number(step);
        }
    }
    set
}

/// A list with its marks set apart.
fn split_marks(field: &str, first: usize, last: usize) -> (Vec<bool>, Vec<String>) {
    let is_mark = |member: &&str| member.contains('#') || member.ends_with(['L', 'W']);
    let (marks, values): (Vec<&str>, Vec<&str>) = field.split(',').partition(is_mark);
    let set =
        if values.is_empty() { vec![false; 60] } else { plain(&values.join(","), first, last) };
    (set, marks.into_iter().map(str::to_owned).collect())
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
    let day = number(member.strip_suffix('W').expect("no other mark is left"));
    let far = |date: &&Date| (i64::from(date.day()) - day as i64).abs();
    let nearest = month.iter().filter(|date| is_workday(date)).min_by_key(far);
    day <= month.len() && nearest == Some(&date)
}

fn day_of_week(member: &str, date: Date) -> bool {
    let weekday = date.weekday().to_sunday_zero_offset() as usize;
    if let Some((word, nth)) = member.split_once('#') {
        let same_before = (1..=date.day()).rev().step_by(7).count();
        return number(word) % 7 == weekday && same_before == number(nth);
    }
    let word = member.strip_suffix('L').expect("no other mark is left");
    let week_later = date.checked_add(7.days()).unwrap();
    number(word) % 7 == weekday && week_later.month() != date.month()
}

/// Finds a zone.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).expect("the zone is in the database")
}

/// The offset in seconds at a second.
pub(crate) fn offset(zone: &TimeZone, second: i64) -> i64 {
    let at = Timestamp::from_second(second).expect("tests keep to the database's range");
    zone.to_offset(at).seconds().into()
}

/// All occurrences after `after` and up to `until`.
pub(crate) fn occurrences(
    rule: &Rule,
    zone: &TimeZone,
    settings: (DstGap, DstFold),
    (after, until): (i64, i64),
) -> Vec<i64> {
    occurring(rule, &steps(rule, zone, after, until), settings)
}

/// Those of `steps` at which something occurs, for settings that are `(gap, fold)`.
pub(crate) fn occurring(rule: &Rule, steps: &[Step], settings: (DstGap, DstFold)) -> Vec<i64> {
    let shift = settings.0 == DstGap::Shift;
    let once = rule.fixed && settings.1 == DstFold::First;
    let occurs = |step: &&Step| (step.lost && shift) || (step.matches && !(step.repeated && once));
    steps.iter().filter(occurs).map(|step| step.second).collect()
}

/// Every step after `after` and up to `until` at which any settings would see an occurrence.
pub(crate) fn steps(rule: &Rule, zone: &TimeZone, after: i64, until: i64) -> Vec<Step> {
    let mut found = Vec::new();
    let mut walk = Walk::new(rule, zone, after + 1);
    while walk.second <= until {
        if walk.skip_idle_day() {
            continue;
        }
        let step = walk.step();
        if step.matches || step.lost {
            found.push(step);
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
pub(crate) struct Step {
    second: i64,
    matches: bool,
    repeated: bool,
    /// A match of a fixed-time expression was jumped over just before.
    lost: bool,
}

impl<'a> Walk<'a> {
    /// Stands at `second` and knows what the wall clock has shown on the day before.
    fn new(rule: &'a Rule, zone: &'a TimeZone, second: i64) -> Self {
        let start = second - 27 * 3600;
        let seen = start + offset(zone, start);
        let mut walk =
            Self { rule, zone, second: start, seen, constant: (start, 0), days: BTreeMap::new() };
        while walk.second < second {
            let offset = walk.offset();
            walk.second = walk.constant.0.min(second);
            walk.seen = walk.seen.max(walk.second + offset);
        }
        walk
    }

    fn offset(&mut self) -> i64 {
        if self.second >= self.constant.0 {
            let now = offset(self.zone, self.second);
            // Nowhere does a clock change twice within six hours.
            let lasts = |span: &i64| offset(self.zone, self.second + span) == now;
            let span = [6 * 3600, 900, 60].into_iter().find(lasts).unwrap_or(1);
            self.constant = (self.second + span, now);
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
            self.seen = self.seen.max(self.second + offset(self.zone, self.second - 1));
        }
        idle
    }

    fn step(&mut self) -> Step {
        let second = self.second;
        let civil = second + self.offset();
        let jumped = self.rule.fixed && civil > self.seen;
        let by_minute = self.rule.on_the_minute && self.seen % 60 == 0;
        let mut missed = (self.seen..civil).step_by(if by_minute { 60 } else { 1 });
        let lost = jumped && missed.any(|civil| self.matches(civil));
        let step = Step { second, matches: self.matches(civil), repeated: civil < self.seen, lost };
        self.seen = self.seen.max(civil + 1);
        let pause = self.pause(civil);
        self.second += pause;
        self.seen = self.seen.max(civil + pause);
        step
    }

    /// How far to go on from `civil` without passing anything: a quarter of an hour or a minute
    /// where nothing can match and nothing changes, else a second.
    fn pause(&mut self, civil: i64) -> i64 {
        let hour = civil.rem_euclid(DAY) as usize / 3600;
        let idle_hour = !self.rule.hours[hour] || !self.matches_day(civil.div_euclid(DAY));
        let quiet = |pause: i64| {
            let unseen = self.seen == civil + 1;
            let repeated = civil + pause <= self.seen;
            civil % pause == 0 && self.second + pause <= self.constant.0 && (unseen || repeated)
        };
        if idle_hour && quiet(900) {
            900
        } else if self.rule.on_the_minute && quiet(60) {
            60
        } else {
            1
        }
    }

    fn matches(&mut self, civil: i64) -> bool {
        self.rule.time(civil.rem_euclid(DAY) as usize) && self.matches_day(civil.div_euclid(DAY))
    }

    fn matches_day(&mut self, day: i64) -> bool {
        let rule = self.rule;
        *self.days.entry(day).or_insert_with(|| {
            let epoch = Date::constant(1970, 1, 1);
            rule.day(epoch.checked_add(day.days()).expect("tests keep to the database's range"))
        })
    }
}
