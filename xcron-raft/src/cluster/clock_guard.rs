//! Whether this node's wall clock can be trusted: compared with what the others' show by now.
//!
//! A node whose clock is off the members' median neither leads nor decides on what somebody
//! wishes. What it has to decide all the same, such as when an attempt of its own is repeated, it
//! decides by the median; where the clocks do not tell which of them are right, by what they told
//! last.
//!
//! What another's clock showed at some moment is carried on by the monotonic clock, so this node's
//! own wall clock has no part in it: a step of it shows at once, without asking anybody again. A
//! cluster of one has nobody to compare itself with and believes its clock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use xcron_core::Timestamp;
use xcron_core::mutant::{self, Mutant};

/// The most that a clock may be off the members' median.
pub(crate) const OFFSET_MAX_MS: i64 = 500;

/// For how long a reading is carried on; clocks drift by less than a millisecond a second.
pub(crate) const READING_MAX: Duration = Duration::from_secs(30);

/// For how long what the clocks agreed on is carried on while they do not agree.
const AGREED_MAX: Duration = Duration::from_secs(600);

/// What another clock showed, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// In milliseconds since the Unix epoch.
    pub(crate) shown: i64,
    pub(crate) at: Instant,
}

impl Reading {
    /// How many milliseconds that clock is ahead of one that shows `wall` at `now`.
    pub(crate) fn ahead_of(&self, now: Instant, wall: Timestamp) -> i64 {
        let since = now.saturating_duration_since(self.at).as_millis() as i64;
        self.shown.saturating_add(since).saturating_sub(wall.as_millis())
    }
}

#[derive(Debug, Default)]
struct State {
    /// How many others vote; none while that is not known.
    others: Option<usize>,
    /// Of those that vote.
    readings: Vec<Reading>,
    /// What the members' clocks showed when they agreed last.
    agreed: Option<Reading>,
}

impl State {
    /// The clocks in the middle of all, as how far they are ahead of this one, which counts as one
    /// of them and shows `wall` at `now`; none where too few are known. Of an odd number there is
    /// one such clock, which counts twice.
    fn middle(&self, now: Instant, wall: Timestamp) -> Option<(i64, i64)> {
        let fresh = self.readings.iter().filter(|reading| is_fresh(reading, now));
        let mut ahead: Vec<i64> = fresh.map(|reading| reading.ahead_of(now, wall)).collect();
        let is_enough = self.others.is_some_and(|others| ahead.len() >= others.div_ceil(2));
        if ahead.is_empty() || !is_enough || mutant::is_on(Mutant::NoClockCheck) {
            return None;
        }
        ahead.push(0);
        ahead.sort_unstable();
        Some((ahead[(ahead.len() - 1) / 2], ahead[ahead.len() / 2]))
    }

    /// How far the members' clocks are ahead of this one, if those in the middle agree.
    fn agreed_off(&self, now: Instant, wall: Timestamp) -> Option<i64> {
        let (lower, upper) = self.middle(now, wall)?;
        (upper - lower <= OFFSET_MAX_MS).then(|| farther(lower, upper))
    }
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

    /// Takes in what the clocks of the `others` that vote showed, as far as that is known, while
    /// this node's shows `wall` at `now`.
    pub(crate) fn compare(
        &self,
        others: usize,
        readings: Vec<Reading>,
        now: Instant,
        wall: Timestamp,
    ) {
        let mut state = self.state();
        (state.others, state.readings) = (Some(others), readings);
        if let Some(off) = state.agreed_off(now, wall) {
            state.agreed = Some(Reading { shown: wall.as_millis().saturating_add(off), at: now });
        }
    }

    /// Whether enough clocks are known to judge by.
    pub(crate) fn is_compared(&self, now: Instant) -> bool {
        let state = self.state();
        let known = state.readings.iter().filter(|reading| is_fresh(reading, now)).count();
        state.others.is_some_and(|others| known >= others.div_ceil(2))
    }

    /// How many milliseconds the median is ahead of this clock, which shows `wall` at `now`; none
    /// while it is right, or nobody can tell. Of an even number of clocks two are in the middle,
    /// and either may be the right one: the farther counts, so that of two clocks that disagree
    /// neither is believed.
    fn off(&self, now: Instant, wall: Timestamp) -> Option<i64> {
        let (lower, upper) = self.state().middle(now, wall)?;
        Some(farther(lower, upper)).filter(|off| off.abs() > OFFSET_MAX_MS)
    }

    /// How many milliseconds to add to this clock, which shows `wall` at `now`, so as not to go by
    /// one that is off.
    pub(crate) fn correction(&self, now: Instant, wall: Timestamp) -> i64 {
        let state = self.state();
        let held = || {
            let agreed = state.agreed.filter(|_| state.others.is_some_and(|others| others > 0))?;
            let is_held = now.saturating_duration_since(agreed.at) <= AGREED_MAX;
            is_held.then(|| agreed.ahead_of(now, wall))
        };
        let off = state.agreed_off(now, wall).or_else(held);
        off.filter(|off| off.abs() > OFFSET_MAX_MS).unwrap_or(0)
    }

    /// Why this clock, which shows `wall` at `now`, cannot be trusted, if it cannot.
    pub(crate) fn fault(&self, now: Instant, wall: Timestamp) -> Option<String> {
        if !self.is_compared(now) && !mutant::is_on(Mutant::NoClockCheck) {
            return Some("this node's clock has not been compared with the others' yet".into());
        }
        self.off(now, wall).map(|off| {
            let seconds = off.abs() as f64 / 1_000.0;
            let which = if off > 0 { "behind" } else { "ahead of" };
            format!(
                "this node's clock is {seconds:.1} s {which} the median of the cluster's: set it \
                 right, for instance by NTP"
            )
        })
    }
}

fn is_fresh(reading: &Reading, now: Instant) -> bool {
    now.saturating_duration_since(reading.at) <= READING_MAX
}

/// The one of the two that is farther from this node's clock.
const fn farther(lower: i64, upper: i64) -> i64 {
    if lower.abs() > upper.abs() { lower } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000_000 + millis)
    }

    fn readings(at: Instant, ahead: &[i64]) -> Vec<Reading> {
        let reading = |millis: &i64| Reading { shown: wall(*millis).as_millis(), at };
        ahead.iter().map(reading).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_is_off_knows_it_and_the_others_do_not_mind() {
        let now = Instant::now();
        // How far the others are ahead, and whether this node is right.
        let cases: [(&[i64], bool); 13] = [
            (&[0, 0], true),
            (&[500, 500], true),
            (&[501, 501], false),
            (&[-10_000, -10_001], false),
            (&[3, 1_000_000], true),
            (&[500], true),
            (&[501], false),
            (&[-501], false),
            (&[0, 0, 900], true),
            (&[0, 900, 900], false),
            (&[900, 900, 900], false),
            (&[0, -900, -900], false),
            (&[700, 800, 0, 0], true),
        ];
        for (ahead, is_right) in cases {
            let guard = ClockGuard::default();
            guard.compare(ahead.len(), readings(now, ahead), now, wall(0));
            assert_eq!(guard.fault(now, wall(0)).is_none(), is_right, "{ahead:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_shows_at_once_and_no_older_reading_excuses_it() {
        let guard = ClockGuard::default();
        let now = Instant::now();
        assert!(guard.fault(now, wall(0)).is_some(), "never compared");
        guard.compare(2, readings(now, &[0, 0]), now, wall(0));
        let later = now + Duration::from_secs(1);
        assert!(guard.fault(later, wall(1_499)).is_none());
        for stepped in [1_501, 499, 86_400_000, -5_000] {
            assert!(guard.fault(later, wall(stepped)).is_some(), "{stepped}");
            guard.compare(2, readings(now, &[0, 0]), later, wall(stepped));
            assert!(guard.fault(later, wall(stepped)).is_some(), "{stepped}, compared as before");
        }
        // All have been set: the next readings say so.
        guard.compare(2, readings(later, &[86_400_000, 86_400_000]), later, wall(86_400_000));
        assert!(guard.fault(later, wall(86_400_000)).is_none());
        assert!(guard.fault(now + READING_MAX * 2, wall(0)).is_some(), "nobody was asked for long");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_of_one_believes_its_clock() {
        let guard = ClockGuard::default();
        guard.compare(0, Vec::new(), Instant::now(), wall(0));
        assert!(guard.fault(Instant::now(), wall(1_000_000)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_must_be_decided_goes_by_what_most_clocks_show_or_showed_last() {
        let now = Instant::now();
        // How far the others are ahead, what was agreed on before, and what is added.
        let cases: [(&[i64], bool, i64); 9] = [
            (&[0, 0], true, 0),
            (&[3_600_000, 3_600_001], true, 3_600_000),
            (&[3_600_000, 3_600_001], false, 3_600_000),
            (&[3, 3_600_000], true, 0),
            (&[-3_600_000, 3_600_000], true, 0),
            // Two that differ: nobody can tell which of them is right.
            (&[3_600_000], true, 0),
            (&[3_600_000], false, 0),
            (&[0, 3_600_000, 3_600_000], true, 0),
            (&[3_600_000, 3_600_000, 3_600_000], true, 3_600_000),
        ];
        for (ahead, agreed_before, correction) in cases {
            let guard = ClockGuard::default();
            let others = ahead.len();
            if agreed_before {
                guard.compare(others, readings(now, &vec![0; others]), now, wall(0));
            }
            let later = now + Duration::from_secs(2);
            let ahead_now = readings(later, &ahead.iter().map(|it| it + 2_000).collect::<Vec<_>>());
            guard.compare(others, ahead_now, later, wall(2_000));
            assert_eq!(guard.correction(later, wall(2_000)), correction, "{ahead:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_of_a_clock_that_nobody_can_judge_any_more_changes_nothing() {
        let guard = ClockGuard::default();
        let now = Instant::now();
        guard.compare(2, readings(now, &[0, 0]), now, wall(0));
        let later = now + READING_MAX * 2;
        let passed = 2 * READING_MAX.as_millis() as i64;
        assert_eq!(guard.correction(later, wall(passed + 3_600_000)), -3_600_000);
        assert_eq!(guard.correction(later, wall(passed)), 0);
        guard.compare(0, Vec::new(), later, wall(passed + 3_600_000));
        assert_eq!(guard.correction(later, wall(passed + 3_600_000)), 0, "alone it is believed");
    }
}
