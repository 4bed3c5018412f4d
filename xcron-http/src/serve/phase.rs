//! The phases of a connection and how long each may last.

use super::settings::ServerSettings;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has come yet.
    Silent = 0,
    /// Some of a request's head has come.
    Head = 1,
    /// A request is being answered.
    Busy = 2,
    /// The last request is answered, and nothing of the next one has come.
    Idle = 3,
}

/// The phase of one connection, shared by its socket, its service and whoever watches both.
#[derive(Debug)]
pub(super) struct Phases {
    opened: Instant,
    /// Milliseconds from `opened` to the start of the phase, times four, plus the phase.
    now: AtomicU64,
}

impl Phases {
    pub(super) fn new() -> Self {
        Self { opened: Instant::now(), now: AtomicU64::new(Phase::Silent as u64) }
    }

    /// Bytes have come.
    pub(super) fn bytes_came(&self) {
        let (phase, _since) = self.get();
        if matches!(phase, Phase::Silent | Phase::Idle) {
            self.set(Phase::Head);
        }
    }

    /// A request's head is complete.
    pub(super) fn request_began(&self) {
        self.set(Phase::Busy);
    }

    /// The answer is ready to be sent.
    pub(super) fn request_ended(&self) {
        self.set(Phase::Idle);
    }

    /// Whether the phase has lasted longer than `settings` allow.
    pub(super) fn is_overdue(&self, settings: &ServerSettings) -> bool {
        let (phase, since) = self.get();
        let max = match phase {
            Phase::Silent => settings.silence_max,
            Phase::Head => settings.head_max,
            Phase::Busy => return false,
            Phase::Idle => settings.idle_max,
        };
        self.opened.elapsed().saturating_sub(since) >= max
    }

    fn get(&self) -> (Phase, Duration) {
        let now = self.now.load(Ordering::Relaxed);
        let phase = match now % 4 {
            0 => Phase::Silent,
            1 => Phase::Head,
            2 => Phase::Busy,
            _ => Phase::Idle,
        };
        (phase, Duration::from_millis(now / 4))
    }

    fn set(&self, phase: Phase) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX / 4);
        self.now.store(since * 4 + phase as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Phases, ServerSettings};
    use std::time::Duration;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn each_phase_but_the_busy_one_has_its_deadline() {
        let settings = ServerSettings::default();
        let almost = |max: Duration| max.saturating_sub(Duration::from_millis(1));
        let phases = Phases::new();
        advance(almost(settings.silence_max)).await;
        assert!(!phases.is_overdue(&settings));
        advance(Duration::from_millis(1)).await;
        assert!(phases.is_overdue(&settings));

        phases.bytes_came();
        advance(almost(settings.head_max)).await;
        phases.bytes_came(); // a slow head gains nothing by its later bytes
        assert!(!phases.is_overdue(&settings));
        advance(Duration::from_millis(1)).await;
        assert!(phases.is_overdue(&settings));

        phases.request_began();
        advance(Duration::from_secs(3_600)).await;
        assert!(!phases.is_overdue(&settings));

        phases.request_ended();
        advance(almost(settings.idle_max)).await;
        assert!(!phases.is_overdue(&settings));
        advance(Duration::from_millis(1)).await;
        assert!(phases.is_overdue(&settings));
    }
}
