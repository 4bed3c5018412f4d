//! A civil day and the marks of a crontab that name days by their place in the month.

/// A civil day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Day {
    /// From 1.
    pub(super) month: u32,
    /// From 1.
    pub(super) day: u32,
    /// From 0, Sunday.
    pub(super) weekday: u32,
    /// How many days its month has.
    pub(super) month_days: u32,
}

impl Day {
    /// The day that begins `number` days after 1 January 1970, by counting in years of 365 or
    /// 366 days; the days of 400 years repeat.
    pub(super) fn numbered(number: i64) -> Self {
        const CYCLE: i64 = 146_097;
        let weekday = u32::try_from((number + 4).rem_euclid(7)).unwrap_or(0);
        // 1 January 2000 is day 10,957, and the first of a cycle.
        let mut left = (number - 10_957).rem_euclid(CYCLE);
        // Never more years than have passed, so that few remain to be counted.
        let mut year = left / 366;
        left -= year * 365 + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
        while left >= year_days(year) {
            left -= year_days(year);
            year += 1;
        }
        let mut month = 1;
        while left >= i64::from(month_days(year, month)) {
            left -= i64::from(month_days(year, month));
            month += 1;
        }
        let day = u32::try_from(left).unwrap_or(0) + 1;
        Self { month, day, weekday, month_days: month_days(year, month) }
    }

    const fn is_workday(self) -> bool {
        self.weekday != 0 && self.weekday != 6
    }

    /// The day of the same month numbered `day`.
    const fn sibling(self, day: u32) -> Self {
        // Five weeks more, so that nothing goes below zero.
        Self { day, weekday: (self.weekday + 35 + day - self.day) % 7, ..self }
    }

    /// `L`.
    pub(super) const fn is_last(self) -> bool {
        self.day == self.month_days
    }

    /// `LW`.
    pub(super) fn is_last_workday(self) -> bool {
        let mut workdays = (1..=self.month_days).filter(|day| self.sibling(*day).is_workday());
        workdays.next_back() == Some(self.day)
    }

    /// `15W`: the workday of the month that is nearest to its day `wanted`.
    pub(super) fn is_workday_nearest(self, wanted: u32) -> bool {
        let workdays = (1..=self.month_days).filter(|day| self.sibling(*day).is_workday());
        let nearest = workdays.min_by_key(|day| day.abs_diff(wanted));
        wanted <= self.month_days && nearest == Some(self.day)
    }

    /// `5L`: the last `weekday` of the month.
    pub(super) const fn is_last_weekday(self, weekday: u32) -> bool {
        self.weekday == weekday && self.day + 7 > self.month_days
    }

    /// `5#2`: the `nth` such `weekday` of the month.
    pub(super) const fn is_nth_weekday(self, weekday: u32, nth: u32) -> bool {
        self.weekday == weekday && self.day.div_ceil(7) == nth
    }
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn year_days(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn month_days(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::Day;
    use jiff::ToSpan;
    use jiff::civil::date;

    #[test]
    fn days_agree_with_a_calendar() {
        let epoch = date(1970, 1, 1);
        for number in (-60_000..150_000).step_by(13).chain(10_900..11_400) {
            let civil = epoch.checked_add(number.days()).unwrap();
            let day = Day::numbered(number);
            let expected = Day {
                month: civil.month().unsigned_abs().into(),
                day: civil.day().unsigned_abs().into(),
                weekday: civil.weekday().to_sunday_zero_offset().unsigned_abs().into(),
                month_days: civil.days_in_month().unsigned_abs().into(),
            };
            assert_eq!(day, expected, "{civil}");
        }
    }
}
