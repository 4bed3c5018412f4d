//! Every clock change of every zone from 2000 to 2050, against the oracle.

use crate::oracle::{self, Rule};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::collections::BTreeMap;
use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};

const HOUR: i64 = 3_600;
const YEAR_2000: i64 = 946_684_800;
const YEAR_2050: i64 = 2_524_608_000;

/// When the offset changes; found by looking every six days, which no two changes share.
fn changes(zone: &TimeZone) -> Vec<i64> {
    let mut found = Vec::new();
    let mut low = YEAR_2000;
    while low < YEAR_2050 {
        let high = low + 6 * 24 * HOUR;
        let before = oracle::offset(zone, low);
        if oracle::offset(zone, high) != before {
            let (mut same, mut changed) = (low, high);
            while changed - same > 1 {
                let middle = same + (changed - same) / 2;
                match oracle::offset(zone, middle) == before {
                    true => same = middle,
                    false => changed = middle,
                }
            }
            found.push(changed);
        }
        low = high;
    }
    found
}

/// Expressions that aim at the change of a zone at `change`.
fn expressions(zone: &TimeZone, change: i64) -> Vec<String> {
    let before = change + oracle::offset(zone, change - 1);
    let after = change + oracle::offset(zone, change);
    let (low, high) = (before.min(after), before.max(after));
    let at = |civil: i64| (civil / 60 % 60, civil / HOUR % 24);
    let daily = |civil: i64| {
        let (minute, hour) = at(civil);
        format!("{minute} {hour} * * *")
    };
    let hour = at(low).1;
    vec![
        daily(low),
        daily((low + high) / 2),
        daily(high),
        format!("0,{} {hour},{} * * *", at(low + 7 * 60).0, at(high).1),
        format!("*/30 {hour} * * *"),
        "*/30 * * * *".to_owned(),
    ]
}

/// Zones with the same changes are looked at once.
fn zones() -> BTreeMap<Vec<(i64, i64)>, String> {
    let mut zones = BTreeMap::new();
    for name in TimeZoneDatabase::bundled().available() {
        let zone = oracle::zone(name.as_str());
        let offsets = std::iter::once(YEAR_2000).chain(changes(&zone));
        let history = offsets.map(|second| (second, oracle::offset(&zone, second))).collect();
        zones.entry(history).or_insert_with(|| name.as_str().to_owned());
    }
    zones
}

#[test]
fn every_clock_change_until_2050_is_as_the_oracle_says() {
    let mut compared = 0_u64;
    for (history, name) in zones() {
        let zone = oracle::zone(&name);
        let mut aims: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (change, _) in history.into_iter().skip(1) {
            for expression in expressions(&zone, change) {
                aims.entry(expression).or_default().push(change);
            }
        }
        for (expression, changes) in aims {
            compared += compare(&expression, &zone, &name, &changes);
        }
    }
    assert!(compared > 100_000, "only {compared} occurrences were compared");
}

/// Compares within hours of each change, and counts what was compared.
fn compare(expression: &str, zone: &TimeZone, name: &str, changes: &[i64]) -> u64 {
    let (rule, calendar) = (Rule::read(expression), Calendar::default());
    // An expression that is not fixed-time heeds no settings, so one pair will do.
    let pairs = [(DstGap::Shift, DstFold::First), (DstGap::Skip, DstFold::Both)];
    let pairs = if rule.is_fixed() { &pairs[..] } else { &pairs[..1] };
    let schedules = pairs.iter().map(|(gap, fold)| Schedule::cron(expression, name, *gap, *fold));
    let schedules: Vec<Schedule> = schedules.map(Result::unwrap).collect();
    let mut compared = 0;
    for change in changes {
        let (after, until) = (change - 3 * HOUR, change + 3 * HOUR);
        let steps = oracle::steps(&rule, zone, after, until);
        for (settings, schedule) in pairs.iter().zip(&schedules) {
            let expected = oracle::occurring(&rule, &steps, *settings);
            let actual = answers(&calendar, schedule, after, until);
            assert_eq!(actual, expected, "{expression} in {name} at {change}, {settings:?}");
            compared += expected.len() as u64;
        }
    }
    compared
}

/// The occurrences after `after` and up to `until`; all questions must agree on them.
fn answers(calendar: &Calendar, schedule: &Schedule, after: i64, until: i64) -> Vec<i64> {
    let (after, until) = (Timestamp::from_secs(after), Timestamp::from_secs(until));
    let mut found = Vec::new();
    let mut last = after;
    while let Some(next) = calendar.next_after(schedule, last)
        && next <= until
    {
        assert_eq!(calendar.last_at_or_before(schedule, next), Some(next));
        found.push(next.as_secs());
        last = next;
    }
    assert_eq!(calendar.count_between(schedule, after, until), found.len() as u64);
    let last = calendar.last_at_or_before(schedule, until).filter(|last| *last > after);
    assert_eq!(last.map(Timestamp::as_secs), found.last().copied());
    found
}
