//! Both settings at gaps and folds, occurrence by occurrence.

use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, DstFold, DstGap, DstMark, Schedule};

const SHIFT: (DstGap, DstFold) = (DstGap::Shift, DstFold::First);
const SKIP: (DstGap, DstFold) = (DstGap::Skip, DstFold::First);
const BOTH: (DstGap, DstFold) = (DstGap::Shift, DstFold::Both);

/// The next local times after `from`, an instant, with a letter for what the clocks did to them.
fn times(
    expression: &str,
    timezone: &str,
    settings: (DstGap, DstFold),
    from: &str,
    count: usize,
) -> Vec<String> {
    let schedule = Schedule::cron(expression, timezone, settings.0, settings.1).unwrap();
    let from: jiff::Timestamp = from.parse().unwrap();
    let from = Timestamp::from_secs(from.as_second());
    let preview = Calendar::default().preview(&schedule, from, count);
    let text = |time: &xcron_core::schedule::PreviewTime| {
        let mark = match time.dst {
            None => "",
            Some(DstMark::Shifted) => " shifted",
            Some(DstMark::FirstOfTwo) => " first",
            Some(DstMark::SecondOfTwo) => " second",
        };
        format!("{}{mark}", time.local)
    };
    preview.iter().map(text).collect()
}

#[test]
fn a_missing_time_shifts_to_the_end_of_the_gap_or_is_skipped() {
    let case = |settings| times("30 2 * * *", "Europe/Paris", settings, "2026-03-28T12:00Z", 2);
    assert_eq!(case(SHIFT), ["2026-03-29T03:00:00+02:00 shifted", "2026-03-30T02:30:00+02:00"]);
    assert_eq!(case(SKIP), ["2026-03-30T02:30:00+02:00", "2026-03-31T02:30:00+02:00"]);
}

#[test]
fn many_missing_times_collapse_into_one() {
    let case =
        |expression, settings| times(expression, "Europe/Paris", settings, "2026-03-29T00:30Z", 2);
    let all = ["2026-03-29T03:00:00+02:00 shifted", "2026-03-30T02:00:00+02:00"];
    assert_eq!(case("0-59/5 2 * * *", SHIFT), all);
    assert_eq!(case("0,30 2 * * *", SHIFT), all);
    let with_regular = ["2026-03-29T03:00:00+02:00 shifted", "2026-03-29T03:30:00+02:00"];
    assert_eq!(case("0,30 2,3 * * *", SHIFT), with_regular);
    let regular = ["2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"];
    assert_eq!(case("0,30 2,3 * * *", SKIP), regular);
    assert_eq!(case("* 30 2 * * *", SHIFT)[0], all[0]);
}

#[test]
fn a_repeated_time_counts_first_or_both() {
    let case = |settings| times("30 1 * * *", "America/New_York", settings, "2026-11-01T04:00Z", 3);
    let (first, second) = ("2026-11-01T01:30:00-04:00 first", "2026-11-01T01:30:00-05:00 second");
    let (monday, tuesday) = ("2026-11-02T01:30:00-05:00", "2026-11-03T01:30:00-05:00");
    assert_eq!(case(SHIFT), [first, monday, tuesday]);
    assert_eq!(case(BOTH), [first, second, monday]);
}

#[test]
fn a_time_at_the_very_edge_of_a_fold_is_not_repeated() {
    // At 02:00 clocks go back to 01:00: 01:00 is there twice, 02:00 once.
    let case = |expression, settings| {
        times(expression, "America/New_York", settings, "2026-11-01T04:30Z", 3)
    };
    assert_eq!(
        case("0 1,2 * * *", BOTH),
        [
            "2026-11-01T01:00:00-04:00 first",
            "2026-11-01T01:00:00-05:00 second",
            "2026-11-01T02:00:00-05:00",
        ]
    );
    assert_eq!(
        case("0 1,2 * * *", SHIFT),
        [
            "2026-11-01T01:00:00-04:00 first",
            "2026-11-01T02:00:00-05:00",
            "2026-11-02T01:00:00-05:00",
        ]
    );
}

#[test]
fn real_time_expressions_heed_neither_setting() {
    for settings in [SHIFT, SKIP, BOTH] {
        let spring = times("*/30 * * * *", "America/New_York", settings, "2026-03-08T06:00Z", 3);
        assert_eq!(
            spring,
            ["2026-03-08T01:30:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-08T03:30:00-04:00",]
        );
        let autumn = times("*/30 1 * * *", "America/New_York", settings, "2026-11-01T04:59Z", 5);
        assert_eq!(
            autumn,
            [
                "2026-11-01T01:00:00-04:00 first",
                "2026-11-01T01:30:00-04:00 first",
                "2026-11-01T01:00:00-05:00 second",
                "2026-11-01T01:30:00-05:00 second",
                "2026-11-02T01:00:00-05:00",
            ]
        );
    }
}

#[test]
fn a_day_that_a_country_left_out_is_caught_up_once() {
    // Samoa went from 29 to 31 December 2011 over the date line.
    let case = |settings| times("30 4 * * *", "Pacific/Apia", settings, "2011-12-29T00:00Z", 3);
    let (before, after) = ("2011-12-29T04:30:00-10:00", "2011-12-31T04:30:00+14:00");
    let new_year = "2012-01-01T04:30:00+14:00";
    assert_eq!(case(SHIFT), [before, "2011-12-31T00:00:00+14:00 shifted", after]);
    assert_eq!(case(SKIP), [before, after, new_year]);
}

#[test]
fn a_day_that_a_territory_had_twice_counts_once() {
    // Alaska came to the American side of the date line in October 1867.
    let case = |settings| times("0 12 * * *", "America/Juneau", settings, "1867-10-18T12:00Z", 2);
    let first = "1867-10-19T12:00:00+15:02:19 first";
    assert_eq!(case(SHIFT), [first, "1867-10-20T12:00:00-08:57:41"]);
    assert_eq!(case(BOTH), [first, "1867-10-19T12:00:00-08:57:41 second"]);
}

#[test]
fn half_hour_changes_and_midnight_gaps_are_met_exactly() {
    let howe = times("45 1 * * *", "Australia/Lord_Howe", BOTH, "2026-04-04T12:00Z", 3);
    assert_eq!(
        howe,
        [
            "2026-04-05T01:45:00+11:00 first",
            "2026-04-05T01:45:00+10:30 second",
            "2026-04-06T01:45:00+10:30",
        ]
    );
    let cairo = times("@daily", "Africa/Cairo", SHIFT, "2026-04-23T12:00Z", 2);
    assert_eq!(cairo, ["2026-04-24T01:00:00+03:00 shifted", "2026-04-25T00:00:00+03:00"]);
    let skipped = times("@daily", "Africa/Cairo", SKIP, "2026-04-23T12:00Z", 1);
    assert_eq!(skipped, ["2026-04-25T00:00:00+03:00"]);
}

#[test]
fn a_change_that_the_database_lists_after_its_rule_began_is_seen() {
    // Ciudad Juarez left the rule it follows today for a month: changed on 30 November 2022.
    let juarez = times("0 12 * * *", "America/Ciudad_Juarez", SHIFT, "2022-11-28T20:00Z", 3);
    assert_eq!(
        juarez,
        ["2022-11-29T12:00:00-06:00", "2022-11-30T12:00:00-07:00", "2022-12-01T12:00:00-07:00",]
    );
    let midnight = times("30 23 * * *", "America/Ciudad_Juarez", BOTH, "2022-11-29T20:00Z", 3);
    assert_eq!(midnight[0], "2022-11-29T23:30:00-06:00 first");
    assert_eq!(midnight[1], "2022-11-29T23:30:00-07:00 second");
}
