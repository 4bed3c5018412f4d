//! The text of a crontab expression: split, checked, and handed to `croner` to read.
//!
//! Nothing reaches `croner` that this file and `field` have not read themselves, because some
//! texts that it accepts cost it seconds (`, * * * *`), never match (`0 0 * * L`) or mean
//! something else than they say (a month's name as a weekday).

use super::error::{ScheduleError, quoted};
use super::field::FIELDS;
use croner::CronPattern;
use croner::parser::CronParser;

/// The longest text that is looked at.
const BYTES_MAX: usize = 256;

const MACROS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// An expression of which every field has been checked.
#[derive(Debug)]
pub(super) struct Expression {
    /// Six fields, seconds first, of digits and marks only.
    fields: String,
    /// Whether a day must match both the day of month and the day of week.
    both_days: bool,
    /// Whether neither the minute nor the hour field starts with `*`.
    fixed_time: bool,
}

impl Expression {
    /// Reads `text`, which has no blanks around it.
    pub(super) fn read(text: &str) -> Result<Self, ScheduleError> {
        check_characters(text)?;
        let text = expand_macro(text)?;
        if let Some((name, _)) = text.split_once('=') {
            return Err(ScheduleError::expression(format!(
                "expression: the assignment of {} is not understood, expected 5 or 6 fields; a \
                 time zone has its own setting",
                quoted(name),
            )));
        }
        let mut fields: Vec<&str> = text.split([' ', '\t']).filter(|f| !f.is_empty()).collect();
        match fields.len() {
            5 => fields.insert(0, "0"),
            6 => {}
            found => {
                return Err(ScheduleError::expression(format!(
                    "expression: {} has {found} fields, expected 5 (minute, hour, day of month, \
                     month, day of week) or 6 (second first)",
                    quoted(text),
                )));
            }
        }
        let read: Result<Vec<String>, _> =
            FIELDS.iter().zip(&fields).map(|(field, text)| field.read(text)).collect();
        let open = |field: usize| fields[field].starts_with('*');
        Ok(Self {
            fields: read?.join(" "),
            both_days: open(3) || open(5),
            fixed_time: !open(1) && !open(2),
        })
    }

    /// Whether this expression obeys the two settings for gaps and folds.
    pub(super) fn is_fixed_time(&self) -> bool {
        self.fixed_time
    }

    /// The values of each field, as `croner` reads them.
    pub(super) fn values(&self) -> Result<CronPattern, ScheduleError> {
        // Years are not ours to restrict, and one is read faster than all 5,000.
        self.parse("2000")
    }

    /// The expression in English, without a full stop.
    pub(super) fn describe(&self) -> Result<String, ScheduleError> {
        let words = self.parse("*")?.describe();
        let words = words.trim_end_matches('.');
        // croner 4.0.3 says of `LW` what is true of `L` (the two do not share a field).
        let days = self.fields.split(' ').nth(3).unwrap_or_default();
        Ok(match days.split(',').any(|day| day == "LW") {
            true => words.replace("the last day of the month", "the last weekday of the month"),
            false => words.to_owned(),
        })
    }

    /// The refusal of this expression when no date ever matches.
    pub(super) fn never_fires(&self) -> ScheduleError {
        let mut fields = self.fields.split(' ').map(quoted).skip(3);
        let mut next = || fields.next().unwrap_or_default();
        let (days, months, weekdays) = (next(), next(), next());
        ScheduleError::never_fires(format!(
            "day of month: {days} with month {months} and day of week {weekdays} is on no \
             calendar, so the expression never fires",
        ))
    }

    fn parse(&self, year: &str) -> Result<CronPattern, ScheduleError> {
        let parser = CronParser::builder().dom_and_dow(self.both_days).build();
        match parser.parse(&format!("{} {year}", self.fields)) {
            Ok(cron) => Ok(cron.pattern),
            Err(error) => Err(ScheduleError::expression(format!("expression: {error}"))),
        }
    }
}

fn check_characters(text: &str) -> Result<(), ScheduleError> {
    if text.len() > BYTES_MAX {
        return Err(ScheduleError::expression(format!(
            "expression: {} bytes are too long, expected at most {BYTES_MAX}",
            text.len(),
        )));
    }
    let printable = |c: char| c.is_ascii_graphic() || c == ' ' || c == '\t';
    match text.char_indices().find(|(_, c)| !printable(*c)) {
        None => Ok(()),
        Some((at, c)) => Err(ScheduleError::expression(format!(
            "expression: the character {} at byte {at} is not understood, expected printable \
             ASCII, spaces and tabs",
            quoted(&c.to_string()),
        ))),
    }
}

fn expand_macro(text: &str) -> Result<&str, ScheduleError> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    match MACROS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some((_, fields)) => Ok(fields),
        None => Err(ScheduleError::expression(format!(
            "expression: the macro {} is not understood, expected one of {}",
            quoted(text),
            MACROS.map(|(name, _)| name).join(" "),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::Expression;

    #[test]
    fn a_field_that_starts_with_a_star_is_open() {
        for (text, both_days, fixed_time) in [
            ("0 0 1 * 1", false, true),
            ("0 0 */2 * 1", true, true),
            ("0 0 1 * *,1", true, true),
            ("0 0 1,* * 1", false, true),
            ("*/5 2 * * *", true, false),
            ("0 *,2 * * *", true, false),
            ("* 0 2 * * *", true, true),
            ("@hourly", true, false),
            ("@Daily", true, true),
        ] {
            let read = Expression::read(text).unwrap();
            assert_eq!((read.both_days, read.fixed_time), (both_days, fixed_time), "{text}");
        }
    }

    #[test]
    fn tabs_and_many_blanks_separate_fields() {
        let read = Expression::read("0\t9   * *\t\t*").unwrap();
        assert_eq!(read.fields, "0 0 9 * * *");
    }
}
