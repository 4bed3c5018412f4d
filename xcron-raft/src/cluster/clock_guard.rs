//! Whether this node's wall clock can be trusted: compared with the others', and watched for
//! steps in between.
//!
//! A node whose clock is off the members' median neither leads nor creates tasks. A step is
//! noticed at once, because wall clock and monotonic clock part; whether the step was right shows
//! only the next comparison. A cluster of one has nobody to compare itself with and believes its
//! clock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use xcron_core::Timestamp;

/// The most that a clock may be off the members' median.
pub(crate) const OFFSET_MAX_MS: i64 = 500;

/// The most that wall clock and monotonic clock may part between two comparisons.
const STEP_MAX_MS: i64 = 400;

/// How old a comparison may be.
pub(crate) const COMPARED_MAX: Duration = Duration::from_secs(3);

/// The last comparison that found the clock right: both clocks, at one moment.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    at: Instant,
    wall: Timestamp,
}

#[derive(Debug, Default)]
struct State {
    /// A cluster of one needs no comparison.
    is_alone: bool,
    anchor: Option<Anchor>,
    /// How far the clock was off at the last comparison.
    off: i64,
}

/// Judges this node's clock.
#[derive(Debug, Default)]
pub(crate) struct ClockGuard {
    state: Mutex<State>,
}

impl ClockGuard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares with the clocks of other members, of which there are `others` in all; `offsets`
    /// are how far those that were asked lately are ahead. Too few of them change nothing.
    pub(crate) fn compare(&self, others: usize, offsets: &[i64], at: Instant, wall: Timestamp) {
        let mut state = self.state();
        state.is_alone = others == 0;
        let majority = others.div_ceil(2);
        if others == 0 || offsets.len() < majority {
            return;
        }
        state.off = median(offsets);
        state.anchor = (state.off.abs() <= OFFSET_MAX_MS).then_some(Anchor { at, wall });
    }

    /// Whether there has been a comparison at all, however it went.
    pub(crate) fn is_compared(&self) -> bool {
        let state = self.state();
        state.is_alone || state.anchor.is_some() || state.off != 0
    }

    /// Why the clock cannot be trusted now, if it cannot.
    pub(crate) fn fault(&self, at: Instant, wall: Timestamp) -> Option<String> {
        let state = self.state();
        if state.is_alone {
            return None;
        }
        let Some(anchor) = state.anchor else {
            if state.off.abs() <= OFFSET_MAX_MS {
                return Some("this node's clock has not been compared with the others' yet".into());
            }
            let seconds = state.off.abs() as f64 / 1_000.0;
            let which = if state.off > 0 { "behind" } else { "ahead of" };
            return Some(format!(
                "this node's clock is {seconds:.1} s {which} the median of the cluster's: set it \
                 right, for instance by NTP"
            ));
        };
        let monotonic = at.duration_since(anchor.at).as_millis() as i64;
        let step = wall.as_millis().saturating_sub(anchor.wall.as_millis()) - monotonic;
        (step.abs() > STEP_MAX_MS).then(|| {
            let seconds = step as f64 / 1_000.0;
            format!("this node's clock was set by {seconds:.1} s and is being compared")
        })
    }
}

/// How far the median of all clocks is ahead of this node's, which counts as one of them.
fn median(offsets: &[i64]) -> i64 {
    let mut all = offsets.to_vec();
    all.push(0);
    all.sort_unstable();
    let middle = all.len() / 2;
    if all.len() % 2 == 1 { all[middle] } else { i64::midpoint(all[middle - 1], all[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000_000 + millis)
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_is_off_knows_it_and_the_others_do_not_mind() {
        let now = Instant::now();
        // How far the others are ahead, and whether this node is right.
        let cases: [(&[i64], bool); 8] = [
            (&[0, 0], true),
            (&[500, 500], true),
            (&[501, 501], false),
            (&[-10_000, -10_001], false),
            (&[3, 1_000_000], true),
            (&[900], true),
            (&[1_100], false),
            (&[700, 800, 0, 0], true),
        ];
        for (offsets, is_right) in cases {
            let guard = ClockGuard::default();
            guard.compare(offsets.len(), offsets, now, wall(0));
            assert_eq!(guard.fault(now, wall(0)).is_none(), is_right, "{offsets:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_is_noticed_at_once_and_forgiven_by_the_next_comparison() {
        let guard = ClockGuard::default();
        let now = Instant::now();
        assert!(guard.fault(now, wall(0)).is_some(), "never compared");
        guard.compare(2, &[0, 0], now, wall(0));
        let later = now + Duration::from_secs(1);
        assert!(guard.fault(later, wall(1_399)).is_none());
        for stepped in [1_401, 599, 86_400_000, -5_000] {
            assert!(guard.fault(later, wall(stepped)).is_some(), "{stepped}");
        }
        guard.compare(2, &[10, 10], later, wall(5_000));
        assert!(guard.fault(later, wall(5_000)).is_none());
        guard.compare(2, &[], later, wall(9_000));
        assert!(guard.fault(later, wall(9_000)).is_some(), "nobody was asked");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_of_one_believes_its_clock() {
        let guard = ClockGuard::default();
        guard.compare(0, &[], Instant::now(), wall(0));
        assert!(guard.fault(Instant::now(), wall(1_000_000)).is_none());
    }
}
