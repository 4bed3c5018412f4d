//! One direction between two hosts: how long what is sent takes, and whether it gets through.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

/// How long a packet takes on a way.
///
/// ```
/// use std::time::Duration;
/// use xcron_raft::net::memory::Weather;
/// let calm = Weather::default();
/// assert_eq!(calm.least, Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// The least that it takes.
    pub least: Duration,
    /// It takes up to so much longer.
    pub spread: Duration,
    /// Of a thousand packets so many are lost and sent anew.
    pub lost_per_mille: u32,
    /// How much longer a packet takes that is sent anew.
    pub resend: Duration,
}

/// A way; it begins calm and open.
#[derive(Debug, Default)]
pub(super) struct Way(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    weather: Weather,
    is_blocked: bool,
    /// Those who wait for what is held up.
    waiting: Vec<Waker>,
    random: u64,
}

impl Way {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A way whose chances follow from `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(State { random: seed, ..State::default() }))
    }

    pub(super) fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.state().is_blocked
    }

    /// Holds up all that is on its way and that is sent from now on.
    pub(super) fn block(&self) {
        self.state().is_blocked = true;
    }

    /// Lets it arrive.
    pub(super) fn open(&self) {
        let waiting = {
            let mut state = self.state();
            state.is_blocked = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether arrivals are held up; then the caller is woken once they are not.
    pub(super) fn holds_up(&self, cx: &Context<'_>) -> bool {
        let mut state = self.state();
        if state.is_blocked {
            state.waiting.retain(|waker| !waker.will_wake(cx.waker()));
            state.waiting.push(cx.waker().clone());
        }
        state.is_blocked
    }

    /// How long the next packet takes.
    pub(super) fn delay(&self) -> Duration {
        let mut state = self.state();
        let weather = state.weather;
        if weather == Weather::default() {
            return Duration::ZERO;
        }
        let spread = weather.spread.as_micros() as u64;
        let drawn = crate::disk::memory::next_random(&mut state.random) % (spread + 1);
        let mut delay = weather.least + Duration::from_micros(drawn);
        // Each resend may be lost too, but not for ever.
        for _ in 0..4 {
            let chance = crate::disk::memory::next_random(&mut state.random) % 1_000;
            if chance >= u64::from(weather.lost_per_mille) {
                break;
            }
            delay += weather.resend;
        }
        delay
    }
}
