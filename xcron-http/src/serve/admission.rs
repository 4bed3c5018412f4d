//! How many requests are answered at a time: fewer while answers take long.
//!
//! A fixed number bounds the memory, but not the wait: what is slow for one is slow for all of
//! them. So the number goes down by half when answers take much longer than they need, and up by a
//! sixty-fourth when they do not, as windows of TCP do. Of that only answers tell that were
//! begun since it last went down: those before it are what made it go down.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// An answer that takes longer than this, and [`SLOW_TIMES`] as long as the quickest, is slow.
const SLOW: Duration = Duration::from_millis(100);
const SLOW_TIMES: u32 = 3;
/// How often the number may change.
const WINDOW: Duration = Duration::from_millis(100);
/// How many answers it takes to judge by.
const ANSWERS_MIN: u32 = 64;
/// One of so many may be slow.
const SLOW_OF: u32 = 50;
/// The number does not fall below this: where a disk is slow it is so for few requests as well.
const PLACES_MIN: usize = 512;

/// The places of requests.
#[derive(Debug)]
pub(super) struct Admission {
    taken: AtomicUsize,
    places: AtomicUsize,
    places_max: usize,
    window: Mutex<Window>,
}

/// What was seen since the number was judged last.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Instant,
    /// When the number went down last.
    down_at: Instant,
    answers: u32,
    slow: u32,
    quickest: Duration,
}

/// A place; dropping it makes room.
#[derive(Debug)]
pub(super) struct Place<'a> {
    admission: &'a Admission,
    began: Instant,
    /// Whether its answer tells how busy the server is.
    is_measured: bool,
}

impl Admission {
    /// At most `places_max` places.
    pub(super) fn new(places_max: usize) -> Self {
        let places = AtomicUsize::new(places_max);
        let window = Mutex::new(Window::at(Instant::now()));
        Self { taken: AtomicUsize::new(0), places, places_max, window }
    }

    /// A place, if not all are taken. Who is not `is_limited` gets one always.
    pub(super) fn take(&self, is_limited: bool, is_measured: bool) -> Option<Place<'_>> {
        let began = Instant::now();
        let mut place = Place { admission: self, began, is_measured: false };
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let places = self.places.load(Ordering::Relaxed);
        if is_limited && taken >= places {
            return None;
        }
        place.is_measured = is_measured;
        Some(place)
    }

    fn answered(&self, began: Instant, now: Instant) {
        let mut window = self.window();
        if began < window.down_at {
            return;
        }
        let took = now.duration_since(began);
        window.answers += 1;
        window.quickest = window.quickest.min(took);
        window.slow += u32::from(took > SLOW.max(window.quickest * SLOW_TIMES));
        if now.duration_since(window.since) < WINDOW || window.answers < ANSWERS_MIN {
            return;
        }
        let places = self.places.load(Ordering::Relaxed);
        let is_slow = window.slow > window.answers / SLOW_OF;
        let next = if is_slow {
            (places / 2).max(PLACES_MIN.min(self.places_max))
        } else {
            (places + places / 64 + 1).min(self.places_max)
        };
        if next < places {
            tracing::warn!(places = next, "answers take long: fewer requests are let in");
        }
        self.places.store(next, Ordering::Relaxed);
        let down_at = if is_slow { now } else { window.down_at };
        *window = Window { down_at, ..Window::at(now) };
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn at(since: Instant) -> Self {
        Self { since, down_at: since, answers: 0, slow: 0, quickest: Duration::MAX / SLOW_TIMES }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.admission.taken.fetch_sub(1, Ordering::Relaxed);
        if self.is_measured {
            self.admission.answered(self.began, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers `count` requests that begin at `began`, each after `took` but the first, which takes
    /// no longer than `quickest`.
    fn answer(admission: &Admission, count: u32, took: Duration, quickest: Duration) -> usize {
        let began = Instant::now();
        admission.answered(began, began + took.min(quickest));
        for _ in 1..count {
            admission.answered(began, began + took);
        }
        admission.places.load(Ordering::Relaxed)
    }

    const QUICK: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_millis(1_500);

    #[tokio::test(start_paused = true)]
    async fn slow_answers_take_places_away_and_quick_ones_give_them_back() {
        let admission = Admission::new(1_000);
        assert_eq!(answer(&admission, ANSWERS_MIN, QUICK, QUICK), 1_000);
        tokio::time::advance(LONG).await;
        assert_eq!(answer(&admission, ANSWERS_MIN, LONG, QUICK), 512);
        for _ in 0..10 {
            tokio::time::advance(LONG).await;
            answer(&admission, ANSWERS_MIN, LONG, QUICK);
        }
        assert_eq!(admission.places.load(Ordering::Relaxed), PLACES_MIN);
        for _ in 0..80 {
            tokio::time::advance(LONG).await;
            answer(&admission, ANSWERS_MIN, QUICK, QUICK);
        }
        assert_eq!(admission.places.load(Ordering::Relaxed), 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn neither_few_answers_nor_a_slow_disk_take_places_away() {
        let admission = Admission::new(1_000);
        assert_eq!(answer(&admission, ANSWERS_MIN - 1, LONG, QUICK), 1_000, "too few to judge by");
        let admission = Admission::new(1_000);
        assert_eq!(answer(&admission, 100, LONG, LONG), 1_000, "all take as long");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_begun_before_a_change_changes_nothing_more() {
        let admission = Admission::new(1_000);
        tokio::time::advance(LONG).await;
        let began = Instant::now();
        assert_eq!(answer(&admission, ANSWERS_MIN, LONG, QUICK), 512);
        for _ in 0..1_000 {
            admission.answered(began, began + LONG * 2);
        }
        assert_eq!(admission.places.load(Ordering::Relaxed), 512);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_answers_are_seen_beside_quick_ones_that_began_later() {
        let admission = Admission::new(1_000);
        let began = Instant::now();
        for _ in 0..LONG.as_millis() / WINDOW.as_millis() {
            tokio::time::advance(WINDOW).await;
            assert_eq!(answer(&admission, ANSWERS_MIN, WINDOW / 2, WINDOW / 2), 1_000);
        }
        tokio::time::advance(WINDOW).await;
        let now = Instant::now();
        admission.answered(now, now + WINDOW / 2);
        for _ in 1..ANSWERS_MIN {
            admission.answered(began, began + LONG + WINDOW * 2);
        }
        assert_eq!(admission.places.load(Ordering::Relaxed), 512);
    }

    #[test]
    fn whoever_is_not_limited_gets_a_place_always() {
        let admission = Admission::new(1);
        let first = admission.take(true, true);
        assert!(first.is_some());
        assert!(admission.take(true, true).is_none());
        assert!(admission.take(false, false).is_some());
        drop(first);
        assert!(admission.take(true, false).is_some());
    }
}
