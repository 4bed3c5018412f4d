//! How far ahead of the due instant a claim is decided and committed, so that what that takes does
//! not become lateness.

use std::time::Duration;

/// The least lookahead: enough for a commit on a quiet machine, and for a timer that is late.
const MIN: Duration = Duration::from_millis(50);
/// The most: what a crash may strand of at-most-once runs.
const MAX: Duration = Duration::from_millis(500);

/// How long a step is taken to last before there was one: the first burst meets a cold machine.
const FIRST: Duration = Duration::from_millis(100);

/// Follows how long it takes to read what is due, to decide on it, and to commit that.
#[derive(Debug)]
pub(super) struct Lookahead {
    step: Duration,
}

impl Lookahead {
    pub(super) const fn new() -> Self {
        Self { step: FIRST }
    }

    /// Learns that a step took `took`: slower ones count at once, faster ones by an eighth.
    pub(super) fn learn(&mut self, took: Duration) {
        let slowly = (self.step * 7 + took) / 8;
        self.step = took.max(slowly);
    }

    /// How far ahead to claim now: about two steps.
    pub(super) fn span(&self) -> Duration {
        (self.step * 2).clamp(MIN, MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_step_widens_the_lookahead_at_once_and_fast_ones_narrow_it_slowly() {
        let mut lookahead = Lookahead::new();
        assert_eq!(lookahead.span(), FIRST * 2);
        (0..50).for_each(|_| lookahead.learn(Duration::from_millis(4)));
        assert_eq!(lookahead.span(), MIN);
        lookahead.learn(Duration::from_millis(100));
        assert_eq!(lookahead.span(), Duration::from_millis(200));
        lookahead.learn(Duration::from_millis(4));
        assert_eq!(lookahead.span(), Duration::from_millis(176));
        lookahead.learn(Duration::from_secs(60));
        assert_eq!(lookahead.span(), MAX);
    }
}
