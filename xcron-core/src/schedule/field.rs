//! One field of a crontab expression: what may stand in it, and the check of what does.

use super::error::{ScheduleError, quoted};

/// What one field accepts.
#[derive(Debug)]
pub(super) struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    /// How many different values there are, the longest step that makes sense.
    values: u32,
    /// Names, in any case, for the values from `first` on.
    names: &'static [&'static str],
    extension: Extension,
}

/// The marks beyond cronie that a field accepts.
#[derive(Debug, PartialEq, Eq)]
enum Extension {
    None,
    /// `L`, `LW`, `15W`.
    Days,
    /// `5L`, `5#2`.
    Weekdays,
}

const MONTH_NAMES: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAY_NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The six fields in the order in which they are written, the optional seconds first.
pub(super) const FIELDS: [Field; 6] = [
    Field::plain("second", 0, 59),
    Field::plain("minute", 0, 59),
    Field::plain("hour", 0, 23),
    Field { extension: Extension::Days, ..Field::plain("day of month", 1, 31) },
    Field { names: &MONTH_NAMES, ..Field::plain("month", 1, 12) },
    Field {
        values: 7, // 0 and 7 are the same day
        names: &WEEKDAY_NAMES,
        extension: Extension::Weekdays,
        ..Field::plain("day of week", 0, 7)
    },
];

impl Field {
    const fn plain(name: &'static str, first: u32, last: u32) -> Self {
        let values = last - first + 1;
        Self { name, first, last, values, names: &[], extension: Extension::None }
    }

    /// Checks `text` and writes it again with numbers only, which is all that `croner` is
    /// trusted to read.
    pub(super) fn read(&self, text: &str) -> Result<String, ScheduleError> {
        if text == "*" {
            return Ok(text.to_owned());
        }
        let members: Vec<&str> = text.split(',').collect();
        if members.contains(&"") {
            return Err(self.refuse(text, "has an empty list member", "a value between commas"));
        }
        let read: Result<Vec<String>, _> = members.iter().map(|text| self.member(text)).collect();
        let read = read?;
        if self.extension == Extension::Days
            && ["L", "LW"].iter().all(|last| read.contains(&(*last).to_owned()))
        {
            return Err(self.refuse(text, "has both L and LW", "one of them"));
        }
        Ok(read.join(","))
    }

    fn member(&self, text: &str) -> Result<String, ScheduleError> {
        if let Some((range, step)) = text.split_once('/') {
            return self.stepped(text, range, step);
        }
        if text == "*" {
            return Ok(format!("{}-{}", self.first, self.last));
        }
        if let Some((from, to)) = text.split_once('-') {
            let (from, to) = self.range(text, from, to)?;
            return Ok(format!("{from}-{to}"));
        }
        let extended = match self.extension {
            Extension::None => None,
            Extension::Days => self.day(text)?,
            Extension::Weekdays => self.weekday(text)?,
        };
        match extended {
            Some(read) => Ok(read),
            None => Ok(self.value(text, text)?.to_string()),
        }
    }

    /// `*/step` or `a-b/step`.
    fn stepped(&self, text: &str, range: &str, step: &str) -> Result<String, ScheduleError> {
        let (read, values) = if range == "*" {
            ("*".to_owned(), self.values)
        } else if let Some((from, to)) = range.split_once('-') {
            let (from, to) = self.range(text, from, to)?;
            (format!("{from}-{to}"), (to - from + 1).min(self.values))
        } else {
            let expected = format!("`*/n` or `a-b/n` such as `{}-{}/2`", self.first, self.last);
            return Err(self.refuse(text, "has a step without a range", &expected));
        };
        match number(step) {
            Some(step) if (1..=values).contains(&step) => Ok(format!("{read}/{step}")),
            _ => Err(self.refuse(text, "has a bad step", &format!("a step of 1 to {values}"))),
        }
    }

    fn range(&self, text: &str, from: &str, to: &str) -> Result<(u32, u32), ScheduleError> {
        let (from, mut to) = (self.value(text, from)?, self.value(text, to)?);
        if self.extension == Extension::Weekdays && to == 0 && from > 0 {
            to = 7; // `FRI-SUN`: a Sunday that ends a range is the end of the week
        }
        if from > to {
            return Err(self.refuse(text, "ends before it starts", "a range from low to high"));
        }
        Ok((from, to))
    }

    /// `L`, `LW` or `15W`.
    fn day(&self, text: &str) -> Result<Option<String>, ScheduleError> {
        let upper = text.to_ascii_uppercase();
        if upper == "L" || upper == "LW" {
            return Ok(Some(upper));
        }
        match upper.strip_suffix('W') {
            Some(day) => Ok(Some(format!("{}W", self.value(text, day)?))),
            None => Ok(None),
        }
    }

    /// `5L` or `5#2`.
    fn weekday(&self, text: &str) -> Result<Option<String>, ScheduleError> {
        if let Some((weekday, nth)) = text.split_once('#') {
            let weekday = self.value(text, weekday)?;
            return match number(nth) {
                Some(nth) if (1..=5).contains(&nth) => Ok(Some(format!("{weekday}#{nth}"))),
                _ => Err(self.refuse(text, "has a bad ordinal", "`#1` to `#5`")),
            };
        }
        match text.strip_suffix(['L', 'l']) {
            Some(weekday) => Ok(Some(format!("{}L", self.value(text, weekday)?))),
            None => Ok(None),
        }
    }

    /// A number or a name of this field; `text` is the list member it stands in.
    fn value(&self, text: &str, word: &str) -> Result<u32, ScheduleError> {
        if let Some(named) = self.names.iter().position(|name| name.eq_ignore_ascii_case(word)) {
            return Ok(self.first + u32::try_from(named).expect("a field has at most 12 names"));
        }
        let all_digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        match number(word) {
            Some(value) if (self.first..=self.last).contains(&value) => Ok(value),
            _ if all_digits => Err(self.refuse(text, "is out of range", &self.expected())),
            _ => Err(self.refuse(text, "is not understood", &self.expected())),
        }
    }

    fn expected(&self) -> String {
        let numbers = format!("{} to {}", self.first, self.last);
        let names = match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        let marks = match self.extension {
            Extension::None => "",
            Extension::Days => ", `L`, `LW` or a day with `W`",
            Extension::Weekdays => ", one of them with `L` or `#1` to `#5`",
        };
        format!("{numbers}{names}{marks}")
    }

    fn refuse(&self, text: &str, problem: &str, expected: &str) -> ScheduleError {
        let text = quoted(text);
        ScheduleError::expression(format!("{}: {text} {problem}, expected {expected}", self.name))
    }
}

/// A number of digits only: no sign, no blanks, whatever its leading zeros.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::FIELDS;

    const MINUTE: usize = 1;
    const DAY: usize = 3;
    const MONTH: usize = 4;
    const WEEKDAY: usize = 5;

    #[test]
    fn a_field_is_rewritten_with_numbers_only() {
        for (field, text, read) in [
            (MINUTE, "*", "*"),
            (MINUTE, "*/5", "*/5"),
            (MINUTE, "*,007", "0-59,7"),
            (DAY, "l,lw", ""),
            (DAY, "lw,15w", "LW,15W"),
            (MONTH, "jan,Mar-DEC/3", "1,3-12/3"),
            (WEEKDAY, "fri-sun", "5-7"),
            (WEEKDAY, "sunl,MON#2", "0L,1#2"),
        ] {
            assert_eq!(FIELDS[field].read(text).unwrap_or_default(), read, "{text}");
        }
    }

    #[test]
    fn a_refusal_names_field_text_and_expectation() {
        let refused = FIELDS[WEEKDAY].read("FEB").unwrap_err().to_string();
        let expected = "day of week: `FEB` is not understood, \
                        expected 0 to 7 or SUN to SAT, one of them with `L` or `#1` to `#5`";
        assert_eq!(refused, expected);
        let refused = FIELDS[MINUTE].read("5/15").unwrap_err().to_string();
        let expected = "minute: `5/15` has a step without a range, \
                        expected `*/n` or `a-b/n` such as `0-59/2`";
        assert_eq!(refused, expected);
    }
}
