//! Time zones, as segments of real time that have one offset from UTC each.

use super::error::{ScheduleError, quoted};
use jiff::tz::{TimeZone, TimeZoneDatabase, TimeZoneTransition};
use std::ops::RangeInclusive;

/// The seconds since the epoch that the time zone database can speak about: from the beginning
/// of the year -9999 to the end of the year 9999.
pub(super) const SECONDS: RangeInclusive<i64> = -377_705_023_201..=253_402_207_200;

/// No offset from UTC reaches this many seconds, in either direction.
pub(super) const OFFSET_MAX: i64 = 26 * 3_600;

/// A zone of the IANA database.
#[derive(Clone, Debug)]
pub(super) struct Zone(TimeZone);

/// A span of real time throughout which the offset from UTC is the same. Together the segments
/// of a zone are all of [`SECONDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The first second.
    pub(super) start: i64,
    /// The first second of the next segment.
    pub(super) end: i64,
    /// What to add to real time for civil time.
    pub(super) offset: i64,
    /// The civil time that had been reached when this segment began: all before it has been.
    ///
    /// A later civil time than that of `start` means a fold: what lies between is repeated. An
    /// earlier one means a gap: what lies between never is. The end of the previous segment is
    /// all there is to look at, because nowhere do two offset changes follow each other within
    /// the hours that one of them moves clocks by.
    pub(super) reached: i64,
}

impl Segment {
    /// The civil time at `second`, a second of this segment.
    pub(super) fn civil(&self, second: i64) -> i64 {
        second + self.offset
    }

    /// Whether civil time jumps forward where this segment starts.
    pub(super) fn has_gap(&self) -> bool {
        self.reached < self.civil(self.start)
    }
}

impl Zone {
    /// Finds a zone by its IANA name, written in any case.
    pub(super) fn find(name: &str) -> Result<Self, ScheduleError> {
        match TimeZoneDatabase::bundled().get(name) {
            Ok(zone) if !zone.is_unknown() => Ok(Self(zone)),
            _ => Err(ScheduleError::timezone(format!(
                "timezone: {} is not known, expected a name of the IANA time zone database such \
                 as `Europe/Paris` or `UTC`",
                quoted(name),
            ))),
        }
    }

    pub(super) fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The name as the database spells it.
    pub(super) fn name(&self) -> &str {
        self.0.iana_name().expect("a zone that was found by name has one")
    }

    /// The segment that holds `second`, which must be one of [`SECONDS`].
    pub(super) fn segment_at(&self, second: i64) -> Segment {
        // `preceding` leaves out its argument, so the instant after it is asked about.
        let after = jiff::Timestamp::new(second, 1).unwrap_or(jiff::Timestamp::MAX);
        let (mut start, mut offset) = match self.0.preceding(after).next() {
            Some(transition) => parts(&transition),
            None => (*SECONDS.start(), self.offset(*SECONDS.start())),
        };
        // Where a zone's list of transitions has ended and its rule begins, `preceding` can
        // answer with a transition before the last one (jiff 1.0.1), so it is only where to
        // start from.
        let end = loop {
            match self.0.following(instant(start)).next().as_ref().map(parts) {
                Some((next, next_offset)) if next <= second => {
                    (start, offset) = (next, next_offset);
                }
                Some((next, _)) => break next,
                None => break SECONDS.end() + 1,
            }
        };
        assert!(
            start <= second && second < end,
            "the segment of {second} cannot be {start} to {end}: a search would never end"
        );
        let reached = match start > *SECONDS.start() {
            true => start + self.offset(start - 1),
            false => start + offset,
        };
        Segment { start, end, offset, reached }
    }

    /// The local time at `second`, in the manner of RFC 3339.
    pub(super) fn local(&self, second: i64) -> String {
        let local = instant(second).to_zoned_datetime(self.0.clone());
        local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    fn offset(&self, second: i64) -> i64 {
        i64::from(self.0.to_offset(instant(second)).seconds())
    }
}

fn parts(transition: &TimeZoneTransition<'_>) -> (i64, i64) {
    (transition.timestamp().as_second(), transition.offset().seconds().into())
}

fn instant(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).expect("callers keep to the seconds of the database")
}

#[cfg(test)]
mod tests {
    use super::{OFFSET_MAX, SECONDS, Zone};
    use jiff::tz::{Offset, TimeZoneDatabase};

    #[test]
    fn the_bounds_are_those_of_the_database() {
        assert_eq!(*SECONDS.start(), jiff::Timestamp::MIN.as_second());
        assert_eq!(*SECONDS.end(), jiff::Timestamp::MAX.as_second());
        assert!(i64::from(Offset::MAX.seconds()) < OFFSET_MAX);
        assert!(i64::from(Offset::MIN.seconds()) > -OFFSET_MAX);
    }

    #[test]
    fn segments_are_the_whole_of_time_and_longer_than_any_clock_change() {
        let end_of_rules = 4_102_444_800; // 2100: from then on every year is like the last
        for name in TimeZoneDatabase::bundled().available() {
            let zone = Zone::find(name.as_str()).unwrap();
            let mut segment = zone.segment_at(*SECONDS.start());
            assert_eq!(segment.start, *SECONDS.start(), "{name}");
            while segment.end < end_of_rules {
                let next = zone.segment_at(segment.end);
                assert_eq!(next.start, segment.end, "{name}");
                assert_eq!(zone.segment_at(segment.end - 1), segment, "{name}");
                for second in [segment.start, segment.end - 1] {
                    assert_eq!(zone.offset(second), segment.offset, "{name} at {second}");
                }
                assert_eq!(next.reached, segment.civil(segment.end), "{name}");
                let change = (next.offset - segment.offset).abs();
                assert!(next.end - next.start > change, "{name} at {}", next.start);
                segment = next;
            }
        }
    }
}
