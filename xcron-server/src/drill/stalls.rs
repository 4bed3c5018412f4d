//! When the machine itself stood still: a drill shares it with whatever else runs there, and
//! nodes that get no time to run are as good as stopped.

use super::moment::{Micros, now};
use super::record::Recorder;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use xcron_checker::Unhealthy;

const PERIOD: Duration = Duration::from_millis(10);

/// Who wakes up so late has been kept from running. A leader that gets no time for twice that may
/// lose its lease.
const LATE_MAX: Micros = 100_000;

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: usize,
    pub(super) longest: Micros,
}

/// Sleeps for moments and looks how long they were, until it is dropped.
#[derive(Debug)]
pub(super) struct Stalls {
    seen: Arc<Mutex<Seen>>,
    _watching: JoinSet<()>,
}

impl Stalls {
    /// Notes every stall as a time in which nothing is owed.
    pub(super) fn watch(recorder: &Recorder) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut watching = JoinSet::new();
        watching.spawn(watch(recorder.clone(), Arc::clone(&seen)));
        Self { seen, _watching: watching }
    }

    pub(super) fn seen(&self) -> Seen {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn watch(recorder: Recorder, seen: Arc<Mutex<Seen>>) {
    let mut before = now();
    loop {
        sleep(PERIOD).await;
        let at = now();
        if let Some(late) = lateness(before, at) {
            recorder.note(Unhealthy { from_us: before, to_us: at });
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen = Seen { count: seen.count + 1, longest: seen.longest.max(late) };
        }
        before = at;
    }
}

/// How much too late somebody woke up who went to sleep at `before`, if it was a stall.
fn lateness(before: Micros, at: Micros) -> Option<Micros> {
    let late = at - before - PERIOD.as_micros() as Micros;
    (late > LATE_MAX).then_some(late)
}

#[cfg(test)]
mod tests {
    use super::lateness;

    #[test]
    fn a_stall_is_a_sleep_that_was_a_tenth_of_a_second_too_long() {
        assert_eq!(lateness(0, 10_000), None);
        assert_eq!(lateness(0, 110_000), None);
        assert_eq!(lateness(0, 110_001), Some(100_001));
    }
}
