//! How fast a full lane moves, and when what does not fit into it is looked at again.

use crate::Timestamp;
use std::time::Duration;

/// A full lane is judged by what came back in this span.
const JUDGED_OVER: Duration = Duration::from_millis(500);
/// A judgement older than this is forgotten.
const JUDGED_FOR: Duration = Duration::from_secs(5);
/// What does not fit into a slow lane is put off for this long at the least,
const DEFER_MIN: Duration = Duration::from_secs(1);
/// and for this long at the most.
pub(super) const DEFER_MAX: Duration = Duration::from_secs(60);

/// How fast a full lane moves.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) full_since: Option<Timestamp>,
    pub(super) returned: u32,
    /// The time between two returns of a lane that hardly moves.
    slow: Option<Duration>,
    deferred_until: Option<Timestamp>,
}

impl Pace {
    /// Judges a lane of so many `places` that is full at `now`: how long one return takes, if it
    /// would take it more than a second to fill them all twice.
    pub(super) fn judge(&mut self, now: Timestamp, places: usize) -> Option<Duration> {
        let Some(full_since) = self.full_since else {
            self.full_since = Some(now);
            self.returned = 0;
            return self.slow;
        };
        let full_for = now.since(full_since);
        if full_for > JUDGED_FOR {
            *self = Self { full_since: Some(now), ..Self::default() };
        } else if full_for >= JUDGED_OVER {
            let each = full_for / self.returned.max(1);
            let slow = each * u32::try_from(places).unwrap_or(u32::MAX) > JUDGED_OVER;
            self.slow = slow.then_some(each);
            self.full_since = Some(now);
            self.returned = 0;
        }
        self.slow
    }

    /// When one more that has no room is looked at again, `each` after the one before. They are
    /// spread, or all of them would be due at the same instant.
    pub(super) fn put_off(&mut self, now: Timestamp, each: Duration) -> Timestamp {
        let earliest = now.plus(DEFER_MIN);
        let until = self.deferred_until.map_or(earliest, |at| at.plus(each).max(earliest));
        let until = if until > now.plus(DEFER_MAX) { earliest } else { until };
        self.deferred_until = Some(until);
        until
    }
}
