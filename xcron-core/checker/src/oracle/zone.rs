//! A time zone: which instants a civil time is.
//!
//! A civil time is a number here too: the seconds that a clock which shows it would show after
//! midnight of 1 January 1970.

use crate::history::definition::{DstFold, DstGap};
use jiff::civil::{DateTime, date};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// Nowhere does a clock change twice within this.
const STEADY_S: usize = 6 * 3_600;

/// A time zone of the bundled database.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    zone: TimeZone,
}

impl Zone {
    /// The zone of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        TimeZoneDatabase::bundled().get(name).ok().map(|zone| Self { zone })
    }

    /// Civil times between which lie all that are due from `from_s` to `to_s`.
    pub(super) fn civil_span(&self, from_s: i64, to_s: i64) -> (i64, i64) {
        // A gap at `from_s` itself begins with the civil time just before.
        let looks = (from_s - 1..=to_s).step_by(STEADY_S).chain([from_s, to_s]);
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for offset in looks.map(|at| self.offset(at)) {
            (least, most) = (least.min(offset), most.max(offset));
        }
        (from_s + least, to_s + most)
    }

    /// The instants at which something named by the civil time `civil` is due.
    pub(super) fn instants(
        &self,
        civil: i64,
        fixed_time: bool,
        gap: DstGap,
        fold: DstFold,
    ) -> Vec<i64> {
        let Some(time) = date_time(civil) else {
            return Vec::new();
        };
        let by = |offset: Offset| civil - i64::from(offset.seconds());
        match self.zone.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => vec![by(offset)],
            AmbiguousOffset::Gap { before, after } if fixed_time && gap == DstGap::Shift => {
                vec![self.change_between(by(after), by(before))]
            }
            AmbiguousOffset::Gap { .. } => Vec::new(),
            AmbiguousOffset::Fold { before, .. } if fixed_time && fold == DstFold::First => {
                vec![by(before)]
            }
            AmbiguousOffset::Fold { before, after } => vec![by(before), by(after)],
        }
    }

    /// The first second with the offset of `late`, when `early` has another and there is one
    /// change in between.
    fn change_between(&self, early: i64, late: i64) -> i64 {
        let (mut before, mut after) = (early, late);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.offset(middle) == self.offset(late) {
                after = middle;
            } else {
                before = middle;
            }
        }
        after
    }

    fn offset(&self, at_s: i64) -> i64 {
        let bounded = at_s.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let at = Timestamp::from_second(bounded).unwrap_or_default();
        self.zone.to_offset(at).seconds().into()
    }
}

fn date_time(civil: i64) -> Option<DateTime> {
    let epoch = date(1970, 1, 1).at(0, 0, 0, 0);
    epoch.checked_add(SignedDuration::from_secs(civil)).ok()
}
