//! What the sink received of a peer, and what that comes to, run by run.

use crate::wall;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Numbers from here on are those of the bare loop, of which nothing is noted.
const NUMBERS_END: usize = 1_000_000_000;
/// How much before it is due a run may come that does not say which it is, to be taken for it.
const EARLY_MAX: u64 = 500_000;

const MICROS_PER_SEC: u64 = 1_000_000;

/// One callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The task's number.
    pub task: usize,
    /// When its run was due, in microseconds since the Unix epoch, if the callback says so.
    pub due_at: Option<u64>,
    /// When it came, in microseconds since the Unix epoch.
    pub at: u64,
}

/// Every callback since they were last forgotten, in the order in which they came.
#[derive(Debug, Default)]
pub struct Arrivals(Mutex<Vec<Arrival>>);

/// The runs that are wanted: each of some tasks, at each of some instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The numbers of the tasks.
    pub tasks: Range<usize>,
    /// The first instant, in microseconds since the Unix epoch.
    pub from: u64,
    /// How far instants are apart, in microseconds.
    pub period: u64,
    /// How many there are.
    pub instants: u64,
}

/// What the runs of a plan came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Runs that came once and not early.
    pub good: u64,
    /// Runs that came before they were due.
    pub early: u64,
    /// Runs that came more than once.
    pub twice: u64,
    /// Runs that did not come while they were waited for.
    pub lost: u64,
    /// When the first run came, in microseconds since the Unix epoch.
    pub first_at: u64,
    /// When the last run came for the first time.
    pub last_at: u64,
    /// How late each was, in microseconds and ascending order; less than 0 is early.
    pub late: Vec<i64>,
}

impl Arrivals {
    /// A callback of `task` came just now; `scheduled` are the Unix seconds that it names.
    pub fn note<'a>(&self, task: usize, scheduled: impl FnOnce() -> Option<&'a [u8]>) {
        if task >= NUMBERS_END {
            return;
        }
        let secs = scheduled().and_then(|secs| std::str::from_utf8(secs).ok()?.parse::<u64>().ok());
        let due_at = secs.and_then(|secs| secs.checked_mul(MICROS_PER_SEC));
        self.noted().push(Arrival { task, due_at, at: wall::now_micros() });
    }

    /// How many came.
    #[must_use]
    pub fn count(&self) -> usize {
        self.noted().len()
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Arrival> {
        self.noted().clone()
    }

    /// Forgets them.
    pub fn forget(&self) {
        self.noted().clear();
    }

    fn noted(&self) -> MutexGuard<'_, Vec<Arrival>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runs of one task that came, by their instants: when first, and how often.
type Runs = BTreeMap<u64, (u64, u64)>;

impl Plan {
    /// One-shots that are all due at `due_at`.
    #[must_use]
    pub const fn together(tasks: Range<usize>, due_at: u64) -> Self {
        Self { tasks, from: due_at, period: MICROS_PER_SEC, instants: 1 }
    }

    /// How many runs it has.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.tasks.len() as u64 * self.instants
    }

    /// The last instant.
    #[must_use]
    pub const fn to(&self) -> u64 {
        self.from + self.period * self.instants.saturating_sub(1)
    }

    /// What the `arrivals`, in the order in which they came, are of it.
    #[must_use]
    pub fn judge(&self, arrivals: &[Arrival]) -> Outcome {
        let mut tasks = vec![Runs::new(); self.tasks.len()];
        for arrival in arrivals.iter().filter(|arrival| self.tasks.contains(&arrival.task)) {
            let runs = &mut tasks[arrival.task - self.tasks.start];
            let instant = arrival.due_at.unwrap_or_else(|| self.instant_of(arrival.at, runs));
            runs.entry(instant).or_insert((arrival.at, 0)).1 += 1;
        }
        let mut outcome = Outcome { first_at: u64::MAX, ..Outcome::default() };
        for runs in &tasks {
            let wanted = runs.range(self.from..=self.to()).filter(|(at, _)| self.has(**at));
            for (due_at, (at, times)) in wanted {
                outcome.add(*due_at, *at, *times);
            }
        }
        outcome.lost = self.runs() - outcome.late.len() as u64;
        outcome.late.sort_unstable();
        outcome
    }

    fn has(&self, instant: u64) -> bool {
        (self.from..=self.to()).contains(&instant)
            && (instant - self.from).is_multiple_of(self.period)
    }

    /// The instant that a run which came at `at` and does not say is taken for: the newest one
    /// passed if that did not come yet, else the next one if it is near, else the oldest wanted
    /// one that did not come, else the newest one passed, a second time.
    fn instant_of(&self, at: u64, runs: &Runs) -> u64 {
        if self.instants == 1 {
            return self.from;
        }
        // Also the instants before and after those that are wanted.
        let newest = at - (at + self.period - self.from % self.period) % self.period;
        let next = newest + self.period;
        if !runs.contains_key(&newest) {
            newest
        } else if !runs.contains_key(&next) && next - at <= EARLY_MAX {
            next
        } else {
            let wanted = (0..self.instants).map(|n| self.from + n * self.period);
            let mut passed = wanted.take_while(|instant| *instant <= newest);
            passed.find(|instant| !runs.contains_key(instant)).unwrap_or(newest)
        }
    }
}

impl Outcome {
    fn add(&mut self, due_at: u64, at: u64, times: u64) {
        let late = at.cast_signed() - due_at.cast_signed();
        self.early += u64::from(late < 0);
        self.twice += u64::from(times > 1);
        self.good += u64::from(late >= 0 && times == 1);
        self.first_at = self.first_at.min(at);
        self.last_at = self.last_at.max(at);
        self.late.push(late);
    }

    /// Runs per second, from the instant `due_at`, or the first run if that came before, to the
    /// last; 0 when none came.
    #[must_use]
    pub fn rate(&self, due_at: u64) -> f64 {
        let took = self.last_at.saturating_sub(self.first_at.min(due_at)).max(1);
        self.late.len() as f64 * MICROS_PER_SEC as f64 / took as f64
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Arrivals, Outcome, Plan};

    const S: u64 = 1_000_000;

    fn named(task: usize, due_at: u64, at: u64) -> Arrival {
        Arrival { task, due_at: Some(due_at), at }
    }

    fn nameless(task: usize, at: u64) -> Arrival {
        Arrival { task, due_at: None, at }
    }

    /// Good, early, twice, lost.
    fn counts(outcome: &Outcome) -> [u64; 4] {
        [outcome.good, outcome.early, outcome.twice, outcome.lost]
    }

    #[test]
    fn one_shots_are_good_early_twice_or_lost() {
        let due = 100 * S;
        let plan = Plan::together(10..14, due);
        let arrivals = [
            nameless(11, due - 3 * S),
            named(10, due, due + 5),
            named(12, due, due + 7),
            named(12, due, due + 9),
            named(99, due, due),
        ];
        let outcome = plan.judge(&arrivals);
        assert_eq!(counts(&outcome), [1, 1, 1, 1]);
        assert_eq!(outcome.late, [-3_000_000, 5, 7]);
        assert_eq!((outcome.first_at, outcome.last_at), (due - 3 * S, due + 7));
    }

    #[test]
    fn the_rate_begins_with_the_due_instant_or_what_came_before_it() {
        let due = 100 * S;
        let plan = Plan::together(0..2, due);
        let rate = |arrivals: &[Arrival]| plan.judge(arrivals).rate(due);
        assert!((rate(&[nameless(0, due + S), nameless(1, due + 2 * S)]) - 1.0).abs() < 1e-9);
        assert!((rate(&[nameless(0, due - S), nameless(1, due)]) - 2.0).abs() < 1e-9);
        assert!(rate(&[]).abs() < 1e-9);
    }

    #[test]
    fn runs_that_say_when_they_were_due_are_taken_at_their_word() {
        let plan = Plan { tasks: 0..1, from: 100 * S, period: S, instants: 3 };
        let at = [
            // Outside of what is wanted, however near.
            named(0, 99 * S, 100 * S),
            named(0, 103 * S, 103 * S),
            // Two periods late, and again.
            named(0, 100 * S, 102 * S + 1),
            named(0, 100 * S, 102 * S + 2),
            named(0, 101 * S, 101 * S - 1),
        ];
        let outcome = plan.judge(&at);
        assert_eq!(counts(&outcome), [0, 1, 1, 1]);
        assert_eq!(outcome.late, [-1, 2_000_001]);
    }

    #[test]
    fn runs_that_do_not_say_are_taken_for_the_likeliest() {
        let plan = Plan { tasks: 0..1, from: 100 * S, period: S, instants: 3 };
        let ms = 1_000;
        let cases: [(&str, &[u64], [u64; 4]); 6] = [
            ("on time", &[99_010, 100_010, 101_020, 102_030, 103_010], [3, 0, 0, 0]),
            ("two early", &[100_010, 100_900, 101_900], [1, 2, 0, 0]),
            ("one lost", &[99_010, 100_010, 102_010, 103_010], [2, 0, 0, 1]),
            ("one twice", &[100_010, 100_020, 101_010, 102_010], [2, 0, 1, 0]),
            ("two made up for", &[102_010, 102_020, 102_030], [3, 0, 0, 0]),
            ("none wanted", &[98_010, 99_010, 103_010], [0, 0, 0, 3]),
        ];
        for (what, at, expected) in cases {
            let arrivals: Vec<_> = at.iter().map(|at| nameless(0, at * ms)).collect();
            assert_eq!(counts(&plan.judge(&arrivals)), expected, "{what}");
        }
    }

    #[test]
    fn instants_need_not_be_whole_multiples_of_their_period() {
        let plan = Plan { tasks: 0..1, from: 130 * S, period: 60 * S, instants: 2 };
        let arrivals = [nameless(0, 130 * S + 1), nameless(0, 190 * S + 2)];
        assert_eq!(plan.judge(&arrivals).late, [1, 2]);
        assert_eq!((plan.runs(), plan.to()), (2, 190 * S));
    }

    #[test]
    fn the_bare_loop_and_what_was_forgotten_are_not_counted() {
        let arrivals = Arrivals::default();
        arrivals.note(1_000_000_000, || None);
        arrivals.note(3, || Some(b"7"));
        arrivals.note(4, || Some(b"soon"));
        let noted: Vec<_> = arrivals.all().iter().map(|a| (a.task, a.due_at)).collect();
        assert_eq!(noted, [(3, Some(7 * S)), (4, None)]);
        arrivals.forget();
        assert_eq!(arrivals.count(), 0);
    }
}
