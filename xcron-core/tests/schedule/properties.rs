//! Random expressions in random zones at random instants, against the oracle.
//!
//! The seed is printed; `XCRON_TEST_SEED=<seed>` runs the same cases again and
//! `PROPTEST_CASES=<n>` sets how many.

use crate::oracle::{self, Rule};
use jiff::ToSpan;
use jiff::civil::Date;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use proptest::{prop_assert, prop_assert_eq};
use std::hash::{BuildHasher, Hasher, RandomState};
use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule, ScheduleErrorKind};

const DAY: i64 = 86_400;

pub(crate) fn runner(cases: u32) -> TestRunner {
    let given = std::env::var("XCRON_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    eprintln!("XCRON_TEST_SEED={seed}");
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = wanted.unwrap_or(cases);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// One member of a list: `*`, a value, a range, or a range with a step.
fn member(first: u32, last: u32) -> impl Strategy<Value = String> {
    let value = first..=last;
    let range = (value.clone(), value.clone()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let values = last - first;
    prop_oneof![
        2 => Just("*".to_owned()),
        6 => value.prop_map(|value| value.to_string()),
        2 => range.clone().prop_map(|(from, to)| format!("{from}-{to}")),
        2 => (1..=values).prop_map(|step| format!("*/{step}")),
        2 => (range, any::<u32>()).prop_map(|((from, to), step)| {
            format!("{from}-{to}/{}", step % (to - from + 1) + 1)
        }),
    ]
}

fn list(member: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::collection::vec(member, 1..4).prop_map(|members| members.join(","))
}

fn days() -> impl Strategy<Value = String> {
    let marks = prop_oneof![
        Just("L".to_owned()),
        Just("LW".to_owned()),
        (1..=31).prop_map(|day| format!("{day}W")),
    ];
    prop_oneof![4 => Just("*".to_owned()), 4 => list(member(1, 31)), 2 => marks]
}

fn weekdays() -> impl Strategy<Value = String> {
    let marks = prop_oneof![
        (0..=7).prop_map(|day| format!("{day}L")),
        (0..=7, 1..=5).prop_map(|(day, nth)| format!("{day}#{nth}")),
        Just("FRI-SUN".to_owned()),
        Just("TUE,THU-FRI".to_owned()),
    ];
    prop_oneof![4 => Just("*".to_owned()), 4 => list(member(0, 6)), 2 => marks]
}

/// Expressions; four times in five with five fields.
pub(crate) fn expressions() -> impl Strategy<Value = String> {
    let seconds = prop_oneof![4 => Just(String::new()), 1 => list(member(0, 59))];
    let months = prop_oneof![3 => Just("*".to_owned()), 1 => list(member(1, 12))];
    let (minutes, hours) = (list(member(0, 59)), list(member(0, 23)));
    (seconds, minutes, hours, days(), months, weekdays()).prop_map(|(s, m, h, dom, mon, dow)| {
        format!("{s} {m} {h} {dom} {mon} {dow}").trim().to_owned()
    })
}

pub(crate) fn settings() -> impl Strategy<Value = (DstGap, DstFold)> {
    let gaps = prop_oneof![Just(DstGap::Shift), Just(DstGap::Skip)];
    let folds = prop_oneof![Just(DstFold::First), Just(DstFold::Both)];
    (gaps, folds)
}

/// An instant of 1900 to 2100 in a zone, every other time within hours of a clock change.
pub(crate) fn places() -> impl Strategy<Value = (String, i64)> {
    let names: Vec<String> = jiff::tz::TimeZoneDatabase::bundled()
        .available()
        .map(|name| name.as_str().to_owned())
        .collect();
    let zone = proptest::sample::select(names);
    (zone, -2_208_988_800..4_102_444_800_i64, any::<bool>(), -DAY..DAY).prop_map(
        |(name, second, near, shift)| {
            let at = jiff::Timestamp::from_second(second).unwrap();
            let zone = oracle::zone(&name);
            let change = zone.following(at).next().filter(|_| near);
            let second = change.map_or(second, |change| change.timestamp().as_second() + shift);
            (name, second)
        },
    )
}

fn expected(
    expression: &str,
    name: &str,
    settings: (DstGap, DstFold),
    span: (i64, i64),
) -> Vec<i64> {
    let rule = Rule::read(&expression.to_ascii_uppercase());
    oracle::occurrences(&rule, &oracle::zone(name), settings, span)
}

/// Everything a calendar answers about (`after`, `until`] is what the list says.
fn check(schedule: &Schedule, span: (i64, i64), list: &[i64]) -> Result<(), TestCaseError> {
    const WALKED_MAX: usize = 200; // one by one; the rest is only counted
    let calendar = Calendar::new(2);
    let mut list: Vec<Timestamp> = list.iter().copied().map(Timestamp::from_secs).collect();
    let (after, mut until) = (Timestamp::from_secs(span.0), Timestamp::from_secs(span.1));
    prop_assert_eq!(calendar.count_between(schedule, after, until), list.len() as u64);
    if list.len() > WALKED_MAX {
        list.truncate(WALKED_MAX);
        until = list[WALKED_MAX - 1];
    }
    let mut last = after;
    for expected in &list {
        let next = calendar.next_after(schedule, last);
        prop_assert_eq!(next, Some(*expected), "after {:?}", last);
        prop_assert!(*expected > last);
        prop_assert_eq!(calendar.last_at_or_before(schedule, *expected), Some(*expected));
        let just_before = Timestamp::from_millis(expected.as_millis() - 1);
        prop_assert_eq!(calendar.next_after(schedule, just_before), Some(*expected));
        if last > after {
            prop_assert_eq!(calendar.last_at_or_before(schedule, just_before), Some(last));
        }
        last = *expected;
    }
    let next = calendar.next_after(schedule, last);
    prop_assert!(next.is_none_or(|next| next > until), "{:?} is one too many", next);
    let last_by_end = calendar.last_at_or_before(schedule, until).filter(|last| *last > after);
    prop_assert_eq!(last_by_end, list.last().copied());
    Ok(())
}

#[test]
fn random_expressions_occur_when_the_oracle_says() {
    let cases = (expressions(), places(), settings());
    let outcome = runner(1_500).run(&cases, |(expression, (name, from), (gap, fold))| {
        let Ok(schedule) = Schedule::cron(&expression, &name, gap, fold) else {
            return Ok(()); // it never fires: the property below looks at those
        };
        let with_seconds = expression.split(' ').count() == 6;
        let span = (from, from + if with_seconds { DAY / 4 } else { 2 * DAY });
        check(&schedule, span, &expected(&expression, &name, (gap, fold), span))
    });
    outcome.unwrap();
}

#[test]
fn years_of_rare_expressions_occur_when_the_oracle_says() {
    let time = (0..60_u32, 0..24_u32).prop_map(|(minute, hour)| format!("{minute} {hour}"));
    let rare = (time, days(), list(member(1, 12)), weekdays());
    let cases = (rare, places(), settings());
    let outcome = runner(100).run(&cases, |((time, dom, month, dow), (name, from), knobs)| {
        let expression = format!("{time} {dom} {month} {dow}");
        let span = (from, from + 3 * 365 * DAY);
        let list = expected(&expression, &name, knobs, span);
        match Schedule::cron(&expression, &name, knobs.0, knobs.1) {
            Ok(schedule) => check(&schedule, span, &list),
            Err(refused) => {
                prop_assert_eq!(refused.kind(), ScheduleErrorKind::NeverFires, "{}", refused);
                let rule = Rule::read(&expression);
                let mut dates = Date::constant(2000, 1, 1).series(1.day()).take(146_097);
                prop_assert_eq!(dates.find(|date| rule.day(*date)), None);
                Ok(())
            }
        }
    });
    outcome.unwrap();
}
