//! What the lanes from which nothing comes back have taken together.

use crate::Timestamp;
use std::iter::Sum;
use std::time::Duration;

/// How often it is added up: in between it is at most that much too low or too high.
const ADDED_UP_EVERY: Duration = Duration::from_millis(20);

/// Claims and places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) claimed: usize,
    pub(super) in_flight: usize,
}

impl Sum for Taken {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            claimed: sum.claimed + one.claimed,
            in_flight: sum.in_flight + one.in_flight,
        })
    }
}

/// The sum over quiet lanes, kept between two looks at all of them.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    taken: Taken,
    added_up_at: Option<Timestamp>,
}

impl Quiet {
    /// The sum at `now`, which `add_up` gives anew if it is old.
    pub(super) fn at(&mut self, now: Timestamp, add_up: impl FnOnce() -> Taken) -> Taken {
        let is_fresh = |at: Timestamp| at <= now && now.since(at) < ADDED_UP_EVERY;
        if !self.added_up_at.is_some_and(is_fresh) {
            self.taken = add_up();
            self.added_up_at = Some(now);
        }
        self.taken
    }

    /// A lane took more; it counts at once if the lane is quiet.
    pub(super) fn took(&mut self, is_quiet: bool, more: Taken) {
        if is_quiet {
            self.taken = [self.taken, more].into_iter().sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_added_up_now_and_then_and_counts_what_is_taken_meanwhile() {
        let at = Timestamp::from_millis;
        let taken = |claimed| Taken { claimed, in_flight: 1 };
        let mut quiet = Quiet::default();
        assert_eq!(quiet.at(at(100), || taken(5)), taken(5));
        assert_eq!(quiet.at(at(119), || panic!("too early")), taken(5));
        quiet.took(true, Taken { claimed: 2, in_flight: 0 });
        quiet.took(false, Taken { claimed: 9, in_flight: 9 });
        assert_eq!(quiet.at(at(119), || panic!("too early")), taken(7));
        assert_eq!(quiet.at(at(120), || taken(3)), taken(3));
        assert_eq!(quiet.at(at(60), || taken(4)), taken(4), "a clock that was set back");
    }
}
