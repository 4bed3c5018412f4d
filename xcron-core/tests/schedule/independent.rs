//! Two readings of a crontab that share nothing but the time zone database agree (I10): this
//! crate's and the checker's, over random expressions, zones, settings and spans.
//!
//! The seeds are fixed; `XCRON_ORACLE_CASES=<n>` sets how many expressions are compared.

use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use xcron_checker::oracle::Oracle;
use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};

/// The most occurrences that are compared of one expression.
const OCCURRENCES_MAX: usize = 400;
/// Spans that are looked at until one has enough occurrences, each longer than the one before.
const SPANS_S: [i64; 4] = [6 * 3_600, 3 * 86_400, 60 * 86_400, 800 * 86_400];

fn theirs(schedule: &Schedule, gap: DstGap, fold: DstFold) -> Option<Oracle> {
    let Schedule::Cron(cron) = schedule else {
        return None;
    };
    let schedule = xcron_checker::Schedule::Cron {
        cron: cron.expression.to_string(),
        timezone: cron.timezone.to_string(),
    };
    let gap = match gap {
        DstGap::Shift => xcron_checker::DstGap::Shift,
        DstGap::Skip => xcron_checker::DstGap::Skip,
    };
    let fold = match fold {
        DstFold::First => xcron_checker::DstFold::First,
        DstFold::Both => xcron_checker::DstFold::Both,
    };
    Some(Oracle::new(&schedule, gap, fold).unwrap())
}

#[test]
fn two_readings_of_a_crontab_agree() {
    let wanted = std::env::var("XCRON_ORACLE_CASES").ok();
    let cases = wanted.map_or(150, |cases| cases.parse().unwrap());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = (
        super::properties::expressions(),
        super::properties::settings(),
        super::properties::places(),
    );
    let calendar = Calendar::new(4);
    let (mut compared, mut read) = (0, 0);
    for case in 0..cases {
        let drawn = strategy.new_tree(&mut runner).unwrap().current();
        let (expression, (gap, fold), (zone, from)) = drawn;
        let Ok(schedule) = Schedule::cron(&expression, &zone, gap, fold) else {
            continue;
        };
        read += 1;
        let oracle = theirs(&schedule, gap, fold).unwrap();
        for span in SPANS_S {
            let expected = oracle.within(from + 1, from + span);
            let mut found = Vec::new();
            let mut at = Timestamp::from_secs(from);
            while let Some(next) = calendar.next_after(&schedule, at) {
                at = next;
                if next.as_secs() > from + span || found.len() == OCCURRENCES_MAX {
                    break;
                }
                found.push(next.as_secs());
            }
            let expected = &expected[..expected.len().min(OCCURRENCES_MAX)];
            assert_eq!(
                found, expected,
                "case {case}: {expression} in {zone}, {gap:?} {fold:?}, after {from}"
            );
            compared += found.len();
            if found.len() > 20 {
                break;
            }
        }
    }
    println!("{compared} occurrences of {read} expressions compared");
    assert!(read * 2 > cases && compared > read, "{compared} of {read} are too few to mean much");
}
