//! Every clock change of every zone from 2000 to 2050, against the oracle.

use crate::oracle::{self, Rule};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::collections::BTreeMap;
use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};

const HOUR: i64 = 3_600;
const YEAR_2000: i64 = 946_684_800;
const YEAR_2050: i64 = 2_524_608_000;

/// When the offset changes; found by looking at every day, which no two changes share.
fn changes(zone: &TimeZone) -> Vec<i64> {
    let mut found = Vec::new();
    let mut low = YEAR_2000;
    while low < YEAR_2050 {
        let high = low + 24 * HOUR;
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
        let history = offsets
            .map(|second| (second, oracle::offset(&zone, second)))
            .collect();
        zones
            .entry(history)
            .or_insert_with(|| name.as_str().to_owned());
    }
    zones
}

#[test]
fn every_clock_change_until_2050_is_as_the_oracle_says() {
    let calendar = Calendar::new(200_000);
    let mut compared = 0_u64;
    for (history, name) in zones() {
        let zone = oracle::zone(&name);
        for (change, _) in history.into_iter().skip(1) {
            for expression in expressions(&zone, change) {
                compared += compare(&calendar, &expression, &zone, &name, change);
            }
        }
    }
    assert!(
        compared > 100_000,
        "only {compared} occurrences were compared"
    );
}

/// Compares both pairs of settings within hours of a change, and counts what was compared.
fn compare(cal: &Calendar, expression: &str, zone: &TimeZone, name: &str, change: i64) -> u64 {
    let rule = Rule::read(expression);
    let (after, until) = (change - 3 * HOUR, change + 3 * HOUR);
    let mut compared = 0;
    for settings in [
        (DstGap::Shift, DstFold::First),
        (DstGap::Skip, DstFold::Both),
    ] {
        let schedule = Schedule::cron(expression, name, settings.0, settings.1).unwrap();
        let expected = oracle::occurrences(&rule, zone, settings, after, until);
        let case = format!("{expression} in {name} around {change}, {settings:?}");
        let mut actual = Vec::new();
        let mut last = Timestamp::from_secs(after);
        while let Some(next) = cal.next_after(&schedule, last)
            && next <= Timestamp::from_secs(until)
        {
            assert_eq!(cal.last_at_or_before(&schedule, next), Some(next), "{case}");
            actual.push(next.as_secs());
            last = next;
        }
        assert_eq!(actual, expected, "{case}");
        let (after, until) = (Timestamp::from_secs(after), Timestamp::from_secs(until));
        let count = cal.count_between(&schedule, after, until);
        assert_eq!(count, expected.len() as u64, "{case}");
        let last = cal
            .last_at_or_before(&schedule, until)
            .filter(|last| *last > after);
        assert_eq!(
            last.map(Timestamp::as_secs),
            expected.last().copied(),
            "{case}"
        );
        compared += count;
        if !rule.is_fixed() {
            break; // the settings do not matter
        }
    }
    compared
}
