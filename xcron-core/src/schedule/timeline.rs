//! A pattern laid over the real time of a zone: which instants its civil times are.
//!
//! Within a segment of the zone an occurrence is a civil match less the offset. Fixed-time
//! patterns differ where two segments meet: civil times lost in a gap occur together at the
//! first instant after it ([`DstGap::Shift`]), and civil times repeated in a fold count the
//! first time only ([`DstFold::First`]). That is what cronie's loop does with its virtual clock,
//! which catches up when clocks jump forward and waits when they go back.

use super::definition::{DstFold, DstGap};
use super::pattern::Pattern;
use super::preview::DstMark;
use super::zone::{OFFSET_MAX, SECONDS, Segment, Zone};
use crate::mutant::{self, Mutant};

/// How far a search looks, in seconds: a little over 41 years, longer than any pattern pauses.
/// It ends the search for an expression whose every civil time is skipped by a gap.
const HORIZON: i64 = 42 * 366 * 86_400;

/// One schedule's occurrences, in seconds since the epoch.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    pattern: &'a Pattern,
    zone: &'a Zone,
    /// Whether civil times lost in a gap occur after it.
    shifts: bool,
    /// Whether civil times lost in a gap are skipped.
    skips: bool,
    /// Whether repeated civil times count once.
    once: bool,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(pattern: &'a Pattern, zone: &'a Zone, gap: DstGap, fold: DstFold) -> Self {
        let fixed_time = pattern.is_fixed_time();
        let shifts = fixed_time && gap == DstGap::Shift;
        let skips = fixed_time && gap == DstGap::Skip;
        let once = fixed_time && fold == DstFold::First;
        let once = once && !mutant::is_on(Mutant::FoldCountsTwice);
        Self { pattern, zone, shifts, skips, once }
    }

    /// The first occurrence from `from` on.
    pub(super) fn at_or_after(&self, from: i64) -> Option<i64> {
        let mut from = from.max(*SECONDS.start());
        let horizon = from.saturating_add(HORIZON).min(*SECONDS.end());
        while from <= horizon {
            let segment = self.zone.segment_at(from);
            if let Some(found) = self.first_in(&segment, from) {
                return Some(found);
            }
            // No instant before this match less the largest offset can have a civil time that
            // matches, so the segments up to there need no look.
            let civil = self.pattern.at_or_after(segment.end - OFFSET_MAX)?;
            from = segment.end.max(civil - OFFSET_MAX);
        }
        None
    }

    /// The last occurrence up to `until`.
    pub(super) fn at_or_before(&self, until: i64) -> Option<i64> {
        let mut until = until.min(*SECONDS.end());
        let horizon = until.saturating_sub(HORIZON).max(*SECONDS.start());
        while until >= horizon {
            let segment = self.zone.segment_at(until);
            if let Some(found) = self.last_in(&segment, until) {
                return Some(found);
            }
            let before = segment.start - 1;
            let civil = self.pattern.at_or_before(before + OFFSET_MAX)?;
            until = before.min(civil + OFFSET_MAX);
        }
        None
    }

    /// How many occurrences there are from `from` up to and including `until`.
    pub(super) fn count(&self, from: i64, until: i64) -> u64 {
        let mut from = from.max(*SECONDS.start());
        let until = until.min(*SECONDS.end());
        let mut count = 0;
        while from <= until {
            let segment = self.zone.segment_at(from);
            let end = segment.end.min(until + 1);
            let civil = segment.civil(from)..segment.civil(end);
            count += self.pattern.count(self.first_civil(&segment, from)..civil.end);
            if self.is_shifted(&segment, from) {
                // Shifted times collapse into a regular one of that instant, if there is one.
                count += u64::from(!self.pattern.matches_in(civil.start..civil.start + 1));
            }
            from = end;
        }
        count
    }

    /// How many civil times are skipped by gaps that end from `from` up to and including `until`.
    pub(super) fn skipped(&self, from: i64, until: i64) -> u64 {
        if !self.skips {
            return 0;
        }
        let mut from = from.max(*SECONDS.start());
        let until = until.min(*SECONDS.end());
        let mut count = 0;
        while from <= until {
            let segment = self.zone.segment_at(from);
            if segment.start == from && segment.has_gap() {
                count += self.pattern.count(segment.reached..segment.civil(from));
            }
            from = segment.end;
        }
        count
    }

    /// What the zone's clock changes have to do with the occurrence at `second`.
    pub(super) fn mark(&self, second: i64) -> Option<DstMark> {
        let segment = self.zone.segment_at(second);
        let civil = segment.civil(second);
        if self.is_shifted(&segment, second) {
            return Some(DstMark::Shifted);
        }
        if civil < segment.reached {
            return Some(DstMark::SecondOfTwo);
        }
        if segment.end > *SECONDS.end() {
            return None;
        }
        let next = self.zone.segment_at(segment.end);
        (civil >= next.civil(next.start)).then_some(DstMark::FirstOfTwo)
    }

    fn first_in(&self, segment: &Segment, from: i64) -> Option<i64> {
        if self.is_shifted(segment, from) {
            return Some(from);
        }
        let civil = self.pattern.at_or_after(self.first_civil(segment, from))?;
        let found = civil - segment.offset;
        (found < segment.end).then_some(found)
    }

    fn last_in(&self, segment: &Segment, until: i64) -> Option<i64> {
        let first = self.first_civil(segment, segment.start);
        match self.pattern.at_or_before(segment.civil(until)) {
            Some(civil) if civil >= first => Some(civil - segment.offset),
            _ => self.is_shifted(segment, segment.start).then_some(segment.start),
        }
    }

    /// The first civil time that counts in `segment` from its second `from` on.
    fn first_civil(&self, segment: &Segment, from: i64) -> i64 {
        let civil = segment.civil(from);
        if self.once { civil.max(segment.reached) } else { civil }
    }

    /// Whether times lost in a gap occur at `second`.
    fn is_shifted(&self, segment: &Segment, second: i64) -> bool {
        self.shifts
            && second == segment.start
            && segment.has_gap()
            && self.pattern.matches_in(segment.reached..segment.civil(second))
    }
}
