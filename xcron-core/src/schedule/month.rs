//! Months of the proleptic Gregorian calendar, reckoned in days from 1970-01-01.

/// One month of one year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Month {
    pub(super) year: i64,
    /// 1 is January.
    pub(super) month: u32,
    /// Days in the month.
    pub(super) length: u32,
    /// The first day, counted from 1970-01-01.
    pub(super) first_day: i64,
}

impl Month {
    /// The first of `month` in `year`, by Howard Hinnant's `days_from_civil`
    /// (<https://howardhinnant.github.io/date_algorithms.html>).
    #[cfg(test)]
    pub(super) fn first_of(year: i64, month: u32) -> Self {
        // Years are counted from March, so that the leap day comes last.
        let counted = if month <= 2 { year - 1 } else { year };
        let era = counted.div_euclid(400);
        let year_of_era = counted.rem_euclid(400);
        let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let first_day = era * 146_097 + day_of_era - 719_468;
        Self { year, month, length: month_length(year, month), first_day }
    }

    /// The month of `day`, and which of its days, from 1, that is (`civil_from_days`, same
    /// source).
    pub(super) fn of(day: i64) -> (Self, u32) {
        let shifted = day + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day_of_month = day_of_year - (153 * from_march + 2) / 5;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let month = month as u32; // 1 to 12
        let length = month_length(year, month);
        let found = Self { year, month, length, first_day: day - day_of_month };
        (found, day_of_month as u32 + 1)
    }

    pub(super) fn next(&self) -> Self {
        let (year, month) = match self.month {
            12 => (self.year + 1, 1),
            month => (self.year, month + 1),
        };
        let first_day = self.first_day + i64::from(self.length);
        Self { year, month, length: month_length(year, month), first_day }
    }

    pub(super) fn previous(&self) -> Self {
        let (year, month) = match self.month {
            1 => (self.year - 1, 12),
            month => (self.year, month - 1),
        };
        let length = month_length(year, month);
        Self { year, month, length, first_day: self.first_day - i64::from(length) }
    }

    /// The weekday of the first day, 0 being Sunday.
    pub(super) fn first_weekday(&self) -> usize {
        const THURSDAY: i64 = 4; // 1970-01-01
        (self.first_day + THURSDAY).rem_euclid(7) as usize
    }
}

pub(super) fn month_length(year: i64, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::Month;
    use jiff::civil::{Date, Weekday};

    #[test]
    fn every_month_agrees_with_an_independent_calendar() {
        let epoch = Date::constant(1970, 1, 1);
        let mut month = Month::first_of(-9_999, 1);
        while month.year <= 9_999 {
            let date = Date::new(month.year as i16, month.month as i8, 1).unwrap();
            let day = i64::from((date - epoch).get_days());
            assert_eq!(month.first_day, day, "{date}");
            assert_eq!(month.length, date.days_in_month() as u32, "{date}");
            assert_eq!(
                Weekday::from_sunday_zero_offset(month.first_weekday() as i8).unwrap(),
                date.weekday(),
                "{date}"
            );
            assert_eq!(Month::first_of(month.year, month.month), month);
            for day_of_month in [1, month.length] {
                let day = month.first_day + i64::from(day_of_month) - 1;
                assert_eq!(Month::of(day), (month, day_of_month), "{date}");
            }
            assert_eq!(month.next().previous(), month);
            month = month.next();
        }
    }
}
