//! The phases of a connection and how long each may last.

use super::settings::ServerSettings;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The bytes of a streamed answer that must go out within
/// [`ServerSettings::idle_max`](super::ServerSettings::idle_max): a client that reads more slowly
/// would hold on to what the answer is made from for as long as it likes.
const SENT_BYTES_MIN: u64 = 65_536;

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
    /// An answer is being sent while it is being made.
    Sending = 4,
}

/// More than there are phases.
const PHASES: u64 = 8;

/// The phase of one connection, shared by its socket, its service and whoever watches both.
#[derive(Debug)]
pub(super) struct Phases {
    opened: Instant,
    /// Milliseconds from `opened` to the start of the phase, times [`PHASES`], plus the phase.
    now: AtomicU64,
    /// Bytes sent since the phase began, while it is [`Phase::Sending`].
    sent: AtomicU64,
}

impl Phases {
    pub(super) fn new() -> Self {
        let now = AtomicU64::new(Phase::Silent as u64);
        Self { opened: Instant::now(), now, sent: AtomicU64::new(0) }
    }

    /// What came so far was a handshake: what is said inside has not begun.
    pub(super) fn handshake_ended(&self) {
        self.set(Phase::Silent);
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

    /// The head of an answer is ready to be sent, its body will be made meanwhile.
    pub(super) fn sending_began(&self) {
        self.sent.store(0, Ordering::Relaxed);
        self.set(Phase::Sending);
    }

    /// Bytes were taken over by the kernel.
    pub(super) fn bytes_went(&self, count: usize) {
        let (phase, _since) = self.get();
        if phase == Phase::Sending {
            let before = self.sent.fetch_add(count as u64, Ordering::Relaxed);
            if before + count as u64 >= SENT_BYTES_MIN {
                self.sending_began();
            }
        }
    }

    /// The whole answer is ready to be sent.
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
            Phase::Idle | Phase::Sending => settings.idle_max,
        };
        self.opened.elapsed().saturating_sub(since) >= max
    }

    fn get(&self) -> (Phase, Duration) {
        let now = self.now.load(Ordering::Relaxed);
        let phase = match now % PHASES {
            0 => Phase::Silent,
            1 => Phase::Head,
            2 => Phase::Busy,
            3 => Phase::Idle,
            _ => Phase::Sending,
        };
        (phase, Duration::from_millis(now / PHASES))
    }

    fn set(&self, phase: Phase) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX / PHASES);
        self.now.store(since * PHASES + phase as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Phases, SENT_BYTES_MIN, ServerSettings};
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
    #[tokio::test(start_paused = true)]
    async fn an_answer_on_its_way_lasts_as_long_as_enough_of_it_goes_out() {
        let settings = ServerSettings::default();
        let almost = settings.idle_max.saturating_sub(Duration::from_millis(1));
        let phases = Phases::new();
        phases.bytes_came();
        phases.request_began();
        phases.sending_began();
        let min = usize::try_from(SENT_BYTES_MIN).unwrap();
        for pieces in [&[min][..], &[1, min - 1], &[min + 1]] {
            advance(almost).await;
            phases.bytes_came(); // the next request waits its turn
            for piece in pieces {
                phases.bytes_went(*piece);
            }
            assert!(!phases.is_overdue(&settings), "{pieces:?}");
        }
        advance(almost).await;
        phases.bytes_went(min - 1);
        advance(Duration::from_millis(1)).await;
        assert!(phases.is_overdue(&settings), "a client that reads too slowly");
        phases.request_ended();
        phases.bytes_went(min);
        assert!(!phases.is_overdue(&settings));
    }
}
