//! Local times that do not exist: how many a schedule skips, against a walk through calendar days.

use crate::oracle::{self, Rule};
use crate::properties::{places, runner};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp as Instant, ToSpan};
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::prop_assert_eq;
use proptest::sample::select;
use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};

const DAY: i64 = 86_400;

/// Zones that jump by an hour and by half an hour, at midnight, for Ramadan, and no more at all.
const ZONES: [&str; 8] = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Asia/Shanghai",
    "Pacific/Apia",
    "UTC",
];

fn skipped(schedule: &Schedule, (after, until): (i64, i64)) -> u64 {
    let (after, until) = (Timestamp::from_secs(after), Timestamp::from_secs(until));
    Calendar::new(2).skipped_between(schedule, after, until)
}

fn schedule(expression: &str, zone: &str, gap: DstGap) -> Schedule {
    Schedule::cron(expression, zone, gap, DstFold::First).unwrap()
}

/// When the clocks jump over `local`, if they do.
fn jump(zone: &TimeZone, local: DateTime) -> Option<i64> {
    let AmbiguousOffset::Gap { before, after } = zone.to_ambiguous_timestamp(local).offset() else {
        return None;
    };
    // With the offset from before it would be that long after the jump.
    let mut second = before.to_timestamp(local).unwrap().as_second();
    while oracle::offset(zone, second - 1) == i64::from(after.seconds()) {
        second -= 1;
    }
    Some(second)
}

/// Every minute of every day by the calendar is asked about alone.
fn expected(expression: &str, name: &str, (after, until): (i64, i64)) -> u64 {
    let (rule, zone) = (Rule::read(expression), oracle::zone(name));
    let date =
        |second| Instant::from_second(second).unwrap().to_zoned_datetime(TimeZone::UTC).date();
    let first: Date = date(after - 3 * DAY);
    let days = usize::try_from((until - after) / DAY + 7).unwrap();
    let mut count = 0;
    for date in first.series(1.day()).take(days).filter(|date| rule.day(*date)) {
        for minute in (0..1_440).filter(|minute| rule.time(minute * 60)) {
            let local = date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
            let at = jump(&zone, local);
            count += u64::from(at.is_some_and(|at| after < at && at <= until));
        }
    }
    count
}

#[test]
fn a_time_in_a_gap_is_skipped_once_for_each_of_its_minutes() {
    let year = (1_767_225_600, 1_798_761_600); // 2026
    for (expression, zone, count) in [
        ("30 2 * * *", "America/New_York", 1),
        ("0-59/5 2 * * *", "Europe/Berlin", 12),
        ("15,45 2 * * *", "Australia/Lord_Howe", 1),
        ("0 2 * * *", "Australia/Lord_Howe", 1),
        ("30 2 * * *", "Africa/Casablanca", 1),
        ("0 0 * * *", "America/Sao_Paulo", 0),
        ("30 2 * * *", "Asia/Shanghai", 0),
        ("30 3 * * *", "Europe/Berlin", 0),
        ("30 2 * * MON", "Europe/Berlin", 0),
    ] {
        let skips = schedule(expression, zone, DstGap::Skip);
        assert_eq!(skipped(&skips, year), count, "{expression} in {zone}");
        assert_eq!(expected(expression, zone, year), count, "{expression} in {zone}");
        assert_eq!(skipped(&schedule(expression, zone, DstGap::Shift), year), 0, "it is shifted");
    }
    let history = (0, 1_767_225_600);
    let midnights = schedule("0 0 * * *", "America/Sao_Paulo", DstGap::Skip);
    assert_eq!(skipped(&midnights, history), expected("0 0 * * *", "America/Sao_Paulo", history));
    assert!(skipped(&midnights, history) > 30, "once a year, from 1985 to 2018");
    let by_real_time = schedule("*/30 * * * *", "Europe/Berlin", DstGap::Skip);
    assert_eq!(skipped(&by_real_time, year), 0, "it follows real time and misses nothing");
}

#[test]
fn a_gap_belongs_to_the_instant_at_which_it_ends() {
    let skips = schedule("30 2 * * *", "Europe/Paris", DstGap::Skip);
    let jump = 1_774_746_000; // 2026-03-29T01:00:00Z
    for (span, count) in
        [((jump - 1, jump), 1), ((jump - DAY, jump - 1), 0), ((jump, jump + DAY), 0)]
    {
        assert_eq!(skipped(&skips, span), count, "{span:?}");
    }
}

#[test]
fn what_is_skipped_is_what_a_walk_through_the_calendar_misses() {
    let minutes = prop_oneof![
        (0..60_u32).prop_map(|minute| minute.to_string()),
        (0..60_u32, 1..20_u32)
            .prop_map(|(from, step)| format!("{from}-59/{}", step.min(60 - from))),
    ];
    let hours = prop_oneof![
        3 => (0..4_u32).prop_map(|hour| hour.to_string()),
        1 => (0..24_u32).prop_map(|hour| format!("0-{hour}")),
    ];
    let days = select(vec!["* * *", "* * SUN", "1-15 * *", "L 3 *", "* * SUN#2", "31 * MON-SAT"]);
    let zones = (select(ZONES.to_vec()), any::<bool>());
    let cases = (minutes, hours, days, zones, places(), 1..400_i64);
    let outcome = runner(300).run(&cases, |(minutes, hours, days, (zone, named), place, long)| {
        // Half of the cases are of the zones above, the others of any, near a clock change.
        let (anywhere, from) = place;
        let zone = if named { zone } else { &anywhere };
        let expression = format!("{minutes} {hours} {days}");
        let span = (from, from + long * DAY);
        let skips = schedule(&expression, zone, DstGap::Skip);
        prop_assert_eq!(skipped(&skips, span), expected(&expression, zone, span));
        let middle = from + long * DAY / 2;
        let halves = skipped(&skips, (from, middle)) + skipped(&skips, (middle, span.1));
        prop_assert_eq!(halves, skipped(&skips, span), "spans that meet add up");
        Ok(())
    });
    outcome.unwrap();
}
