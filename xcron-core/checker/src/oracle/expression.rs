//! A crontab expression, read as cronie reads it, with `L`, `W` and `#`.

use crate::oracle::day::Day;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What one member of a day field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// `L`
    Last,
    /// `LW`
    LastWorkday,
    /// `15W`
    Nearest(u32),
    /// `5L`
    LastWeekday(u32),
    /// `5#2`
    Nth(u32, u32),
}

/// An expression that was read.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    seconds: Vec<u32>,
    minutes: Vec<u32>,
    hours: Vec<u32>,
    days: Vec<u32>,
    day_marks: Vec<Mark>,
    months: Vec<u32>,
    weekdays: Vec<u32>,
    weekday_marks: Vec<Mark>,
    /// A day must match both fields, not one of them.
    both: bool,
    fixed_time: bool,
}

/// What may stand in one field.
struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    names: &'static [&'static str],
    marks: fn(&Field, &str) -> Option<Mark>,
}

impl Expression {
    /// Reads `text`, or says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let plain = match lower.as_str() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let mut fields: Vec<&str> = plain.split_ascii_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let [second, minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!("{} fields, expected 5 or 6", fields.len()));
        };
        let no_marks = |_: &Field, _: &str| None;
        let field = |name, first, last, names| Field { name, first, last, names, marks: no_marks };
        let (days, day_marks) =
            Field { marks: day_mark, ..field("day of month", 1, 31, &[]) }.read(day)?;
        let (mut weekdays, weekday_marks) =
            Field { marks: weekday_mark, ..field("day of week", 0, 7, &WEEKDAYS) }.read(weekday)?;
        for weekday in &mut weekdays {
            *weekday %= 7;
        }
        Ok(Self {
            seconds: field("second", 0, 59, &[]).read(second)?.0,
            minutes: field("minute", 0, 59, &[]).read(minute)?.0,
            hours: field("hour", 0, 23, &[]).read(hour)?.0,
            days,
            day_marks,
            months: field("month", 1, 12, &MONTHS).read(month)?.0,
            weekdays,
            weekday_marks,
            both: day.starts_with('*') || weekday.starts_with('*'),
            fixed_time: !minute.starts_with('*') && !hour.starts_with('*'),
        })
    }

    /// Whether neither its minute nor its hour field starts with `*`.
    pub(super) const fn is_fixed_time(&self) -> bool {
        self.fixed_time
    }

    /// Whether it names the day that begins `number` days after 1 January 1970.
    pub(super) fn is_on(&self, number: i64) -> bool {
        let day = Day::numbered(number);
        if !self.months.contains(&day.month) {
            return false;
        }
        let marked = |marks: &[Mark]| marks.iter().any(|mark| mark.names(day));
        let by_day = self.days.contains(&day.day) || marked(&self.day_marks);
        let by_weekday = self.weekdays.contains(&day.weekday) || marked(&self.weekday_marks);
        if self.both { by_day && by_weekday } else { by_day || by_weekday }
    }

    /// The seconds of a day that it names, those from `from` up to and including `to`.
    pub(super) fn seconds_of_day(&self, from: i64, to: i64) -> Vec<i64> {
        let mut found = Vec::new();
        for hour in &self.hours {
            let hour = i64::from(*hour) * 3_600;
            if hour + 3_600 <= from || hour > to {
                continue;
            }
            for minute in &self.minutes {
                let minute = hour + i64::from(*minute) * 60;
                if minute + 60 <= from || minute > to {
                    continue;
                }
                let seconds = self.seconds.iter().map(|second| minute + i64::from(*second));
                found.extend(seconds.filter(|second| (from..=to).contains(second)));
            }
        }
        found
    }
}

impl Mark {
    fn names(self, day: Day) -> bool {
        match self {
            Self::Last => day.is_last(),
            Self::LastWorkday => day.is_last_workday(),
            Self::Nearest(wanted) => day.is_workday_nearest(wanted),
            Self::LastWeekday(weekday) => day.is_last_weekday(weekday),
            Self::Nth(weekday, nth) => day.is_nth_weekday(weekday, nth),
        }
    }
}

impl Field {
    /// The values that `text` names, ascending and each once, and its marks.
    fn read(&self, text: &str) -> Result<(Vec<u32>, Vec<Mark>), String> {
        let (mut values, mut marks) = (Vec::new(), Vec::new());
        for member in text.split(',') {
            if let Some(mark) = (self.marks)(self, member) {
                marks.push(mark);
                continue;
            }
            let found = self.member(member);
            values.extend(found.ok_or_else(|| format!("{}: {member:?}", self.name))?);
        }
        values.sort_unstable();
        values.dedup();
        Ok((values, marks))
    }

    /// `*`, `a`, `a-b`, `*/n` or `a-b/n`.
    fn member(&self, text: &str) -> Option<Vec<u32>> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok()?)),
            None => (text, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.first, self.last),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None if step.is_none() => (self.value(range)?, self.value(range)?),
            None => return None,
        };
        // `fri-sun` ends with the Sunday after.
        let to = if self.last == 7 && to == 0 && from > 0 { 7 } else { to };
        let step = step.unwrap_or(1);
        if step == 0 || from > to {
            return None;
        }
        Some((from..=to).step_by(step).collect())
    }

    fn value(&self, text: &str) -> Option<u32> {
        if let Some(named) = self.names.iter().position(|name| *name == text) {
            return Some(self.first + u32::try_from(named).ok()?);
        }
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().filter(|value| (self.first..=self.last).contains(value))
    }
}

fn day_mark(field: &Field, text: &str) -> Option<Mark> {
    match text {
        "l" => Some(Mark::Last),
        "lw" => Some(Mark::LastWorkday),
        _ => field.value(text.strip_suffix('w')?).map(Mark::Nearest),
    }
}

fn weekday_mark(field: &Field, text: &str) -> Option<Mark> {
    if let Some((weekday, nth)) = text.split_once('#') {
        let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth))?;
        return Some(Mark::Nth(field.value(weekday)? % 7, nth));
    }
    Some(Mark::LastWeekday(field.value(text.strip_suffix('l')?)? % 7))
}
