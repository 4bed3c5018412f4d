//! Times of day that a pattern matches, as three bit masks.

/// Seconds of a civil day.
pub(super) const DAY: u32 = 86_400;

/// The seconds, minutes and hours that match; a time matches when all three do.
#[derive(Clone, Debug)]
pub(super) struct Times {
    seconds: u64,
    minutes: u64,
    hours: u64,
}

impl Times {
    /// None of the three may be empty, so that every day has a first and a last time.
    pub(super) fn new(seconds: u64, minutes: u64, hours: u64) -> Option<Self> {
        let all_set = seconds != 0 && minutes != 0 && hours != 0;
        all_set.then_some(Self { seconds, minutes, hours })
    }

    pub(super) fn first(&self) -> u32 {
        second_of_day(lowest(self.hours), lowest(self.minutes), lowest(self.seconds))
    }

    pub(super) fn last(&self) -> u32 {
        second_of_day(highest(self.hours), highest(self.minutes), highest(self.seconds))
    }

    /// The earliest matching second of the day that is not before `second`.
    pub(super) fn at_or_after(&self, second: u32) -> Option<u32> {
        let (hour, minute, second) = split(second);
        if has(self.hours, hour) {
            if has(self.minutes, minute)
                && let Some(second) = from(self.seconds, second)
            {
                return Some(second_of_day(hour, minute, second));
            }
            if let Some(minute) = from(self.minutes, minute + 1) {
                return Some(second_of_day(hour, minute, lowest(self.seconds)));
            }
        }
        let hour = from(self.hours, hour + 1)?;
        Some(second_of_day(hour, lowest(self.minutes), lowest(self.seconds)))
    }

    /// The latest matching second of the day that is not after `second`.
    pub(super) fn at_or_before(&self, second: u32) -> Option<u32> {
        let (hour, minute, second) = split(second);
        if has(self.hours, hour) {
            if has(self.minutes, minute)
                && let Some(second) = below(self.seconds, second + 1)
            {
                return Some(second_of_day(hour, minute, second));
            }
            if let Some(minute) = below(self.minutes, minute) {
                return Some(second_of_day(hour, minute, highest(self.seconds)));
            }
        }
        let hour = below(self.hours, hour)?;
        Some(second_of_day(hour, highest(self.minutes), highest(self.seconds)))
    }

    /// How many times a whole day has.
    pub(super) fn count(&self) -> u64 {
        count(self.hours) * count(self.minutes) * count(self.seconds)
    }

    /// How many matching times lie before `second` (0 to [`DAY`]) of a day.
    pub(super) fn count_before(&self, second: u32) -> u64 {
        let (hour, minute, second) = split(second);
        let in_hour = count(self.minutes) * count(self.seconds);
        let mut times = count(self.hours & mask_below(hour)) * in_hour;
        if has(self.hours, hour) {
            times += count(self.minutes & mask_below(minute)) * count(self.seconds);
            if has(self.minutes, minute) {
                times += count(self.seconds & mask_below(second));
            }
        }
        times
    }
}

fn split(second: u32) -> (u32, u32, u32) {
    (second / 3_600, second / 60 % 60, second % 60)
}

fn second_of_day(hour: u32, minute: u32, second: u32) -> u32 {
    hour * 3_600 + minute * 60 + second
}

fn has(mask: u64, bit: u32) -> bool {
    mask >> bit & 1 == 1
}

fn count(mask: u64) -> u64 {
    u64::from(mask.count_ones())
}

/// The bits below `bit`, which is at most 60.
fn mask_below(bit: u32) -> u64 {
    (1 << bit) - 1
}

/// The lowest bit of `mask` from `bit` on.
fn from(mask: u64, bit: u32) -> Option<u32> {
    let rest = mask & !mask_below(bit);
    (rest != 0).then(|| lowest(rest))
}

/// The highest bit of `mask` below `bit`.
fn below(mask: u64, bit: u32) -> Option<u32> {
    let rest = mask & mask_below(bit);
    (rest != 0).then(|| highest(rest))
}

fn lowest(mask: u64) -> u32 {
    mask.trailing_zeros()
}

fn highest(mask: u64) -> u32 {
    63 - mask.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::{DAY, Times};

    #[test]
    fn searches_and_counts_agree_with_a_walk_over_the_day() {
        let sparse = Times::new(1 << 30 | 1, 1 << 59 | 1 << 15, 1 << 23 | 1 << 2).unwrap();
        let dense = Times::new((1 << 60) - 1, (1 << 60) - 1, (1 << 24) - 1).unwrap();
        for times in [sparse, dense] {
            let (mut last, mut before) = (None, 0);
            for second in 0..DAY {
                assert_eq!(times.count_before(second), before, "{times:?} at {second}");
                if times.at_or_after(second) == Some(second) {
                    (last, before) = (Some(second), before + 1);
                }
                assert_eq!(times.at_or_before(second), last, "{times:?} at {second}");
            }
            assert_eq!(times.count(), before);
            assert_eq!(times.count_before(DAY), before);
            assert_eq!(Some(times.last()), last);
            assert_eq!(times.at_or_after(0), Some(times.first()));
        }
    }
}
