//! The oracle says what a calendar says, by tables that were worked out by hand.

use xcron_checker::oracle::Oracle;
use xcron_checker::{DstFold, DstGap, Schedule};

/// Zone, expression, from and to in UTC, and the instants in UTC.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

fn second(text: &str) -> i64 {
    format!("{text}Z").parse::<jiff::Timestamp>().unwrap().as_second()
}

fn text(second: i64) -> String {
    let at = jiff::Timestamp::from_second(second).unwrap().to_string();
    let at = at.trim_end_matches('Z');
    at.strip_suffix(":00").filter(|at| at.len() > 13).unwrap_or(at).to_owned()
}

const fn utc(
    cron: &'static str,
    from: &'static str,
    to: &'static str,
    expected: &'static [&'static str],
) -> Row {
    ("UTC", cron, from, to, expected)
}

fn check(gap: DstGap, fold: DstFold, rows: &[Row]) {
    for (timezone, cron, from, to, expected) in rows {
        let schedule = Schedule::Cron { cron: (*cron).into(), timezone: (*timezone).into() };
        let oracle = Oracle::new(&schedule, gap, fold).unwrap();
        let found = oracle.within(second(&format!("{from}:00")), second(&format!("{to}:00")));
        let found: Vec<String> = found.into_iter().map(text).collect();
        assert_eq!(found, *expected, "{cron} in {timezone}, {gap:?} {fold:?}");
        if let Some(first) = expected.first() {
            let next = oracle.next_after(second(&format!("{from}:00")) - 1).map(text);
            assert_eq!(next.as_deref(), Some(*first), "{cron} in {timezone}, stepped");
        }
    }
}

#[test]
fn days_are_those_of_a_calendar() {
    check(
        DstGap::Shift,
        DstFold::First,
        &[
            // 2024-01-01 was a Monday.
            utc(
                "0 0 13 * 5",
                "2024-09-01T00:00",
                "2024-09-30T00:00",
                &["2024-09-06T00:00", "2024-09-13T00:00", "2024-09-20T00:00", "2024-09-27T00:00"],
            ),
            utc("0 0 */10 * 1", "2024-01-01T00:00", "2024-02-01T00:00", &["2024-01-01T00:00"]),
            utc(
                "0 0 L 2 *",
                "2024-01-01T00:00",
                "2025-12-31T00:00",
                &["2024-02-29T00:00", "2025-02-28T00:00"],
            ),
            // 29 June 2024 is a Saturday, 30 June a Sunday.
            utc("0 0 LW 6 *", "2024-06-01T00:00", "2024-07-01T00:00", &["2024-06-28T00:00"]),
            utc("0 0 15W 6 *", "2024-06-01T00:00", "2024-07-01T00:00", &["2024-06-14T00:00"]),
            // 1 June 2024 is a Saturday: within the month the nearest workday is Monday the 3rd.
            utc("0 0 1W 6 *", "2024-05-30T00:00", "2024-07-01T00:00", &["2024-06-03T00:00"]),
            utc("0 0 31W 6 *", "2024-06-01T00:00", "2024-06-30T00:00", &[]),
            utc("0 0 * * FRIL", "2024-06-01T00:00", "2024-07-01T00:00", &["2024-06-28T00:00"]),
            utc("0 0 * * 5#5", "2024-02-01T00:00", "2024-05-30T00:00", &["2024-03-29T00:00"]),
            utc(
                "0 0 * * FRI-SUN",
                "2024-06-03T00:00",
                "2024-06-09T00:00",
                &["2024-06-07T00:00", "2024-06-08T00:00", "2024-06-09T00:00"],
            ),
            utc(
                "5,10-20/5 12 1 jan *",
                "2024-01-01T00:00",
                "2024-01-02T00:00",
                &["2024-01-01T12:05", "2024-01-01T12:10", "2024-01-01T12:15", "2024-01-01T12:20"],
            ),
            utc(
                "*/30 59 23 31 12 *",
                "2024-01-01T00:00",
                "2025-01-01T00:00",
                &["2024-12-31T23:59", "2024-12-31T23:59:30"],
            ),
            utc(
                "@hourly",
                "2024-01-01T00:00",
                "2024-01-01T02:00",
                &["2024-01-01T00:00", "2024-01-01T01:00", "2024-01-01T02:00"],
            ),
            utc(
                "@weekly",
                "2024-01-01T00:00",
                "2024-01-14T00:00",
                &["2024-01-07T00:00", "2024-01-14T00:00"],
            ),
            utc("0 0 29 2 *", "2096-03-01T00:00", "2104-03-01T00:00", &["2104-02-29T00:00"]),
        ],
    );
}

#[test]
fn a_missing_local_time_is_due_after_the_gap() {
    check(
        DstGap::Shift,
        DstFold::First,
        &[
            // Berlin, 31 March 2024: 02:00 +01 becomes 03:00 +02, at 01:00 UTC.
            (
                "Europe/Berlin",
                "30 2 * * *",
                "2024-03-30T12:00",
                "2024-04-01T12:00",
                &["2024-03-31T01:00", "2024-04-01T00:30"],
            ),
            (
                "Europe/Berlin",
                "0,20,40 2 31 3 *",
                "2024-03-31T00:00",
                "2024-03-31T12:00",
                &["2024-03-31T01:00"],
            ),
            (
                "Europe/Berlin",
                "0 2,3 31 3 *",
                "2024-03-31T00:00",
                "2024-03-31T12:00",
                &["2024-03-31T01:00"],
            ),
            ("Europe/Berlin", "*/30 2 31 3 *", "2024-03-31T00:00", "2024-03-31T12:00", &[]),
            (
                "Europe/Berlin",
                "0 * * * *",
                "2024-03-31T00:00",
                "2024-03-31T02:00",
                &["2024-03-31T00:00", "2024-03-31T01:00", "2024-03-31T02:00"],
            ),
            // Lord Howe, 6 October 2024: 02:00 +10:30 becomes 02:30 +11, at 15:30 UTC on the 5th.
            (
                "Australia/Lord_Howe",
                "15 2 * * *",
                "2024-10-04T12:00",
                "2024-10-06T18:00",
                &["2024-10-04T15:45", "2024-10-05T15:30", "2024-10-06T15:15"],
            ),
            // Cairo, 26 April 2024: 00:00 +02 becomes 01:00 +03, at 22:00 UTC on the 25th.
            (
                "Africa/Cairo",
                "0 0 * * *",
                "2024-04-24T12:00",
                "2024-04-26T23:00",
                &["2024-04-24T22:00", "2024-04-25T22:00", "2024-04-26T21:00"],
            ),
            // Apia had no 30 December 2011: 10:00 UTC on the 30th is midnight of the 31st.
            (
                "Pacific/Apia",
                "0 9 30 12 *",
                "2011-12-29T00:00",
                "2012-01-01T00:00",
                &["2011-12-30T10:00"],
            ),
        ],
    );
}

#[test]
fn a_missing_local_time_may_be_skipped() {
    check(
        DstGap::Skip,
        DstFold::First,
        &[
            (
                "Europe/Berlin",
                "30 2 * * *",
                "2024-03-30T12:00",
                "2024-04-01T12:00",
                &["2024-04-01T00:30"],
            ),
            (
                "Australia/Lord_Howe",
                "15 2 * * *",
                "2024-10-05T12:00",
                "2024-10-06T18:00",
                &["2024-10-06T15:15"],
            ),
            (
                "Africa/Cairo",
                "0 0 * * *",
                "2024-04-25T12:00",
                "2024-04-26T23:00",
                &["2024-04-26T21:00"],
            ),
        ],
    );
}

#[test]
fn a_repeated_local_time_is_due_once_or_twice() {
    check(
        DstGap::Shift,
        DstFold::First,
        &[
            // Berlin, 27 October 2024: 03:00 +02 becomes 02:00 +01, at 01:00 UTC.
            (
                "Europe/Berlin",
                "30 2 * * *",
                "2024-10-26T12:00",
                "2024-10-28T12:00",
                &["2024-10-27T00:30", "2024-10-28T01:30"],
            ),
            (
                "Europe/Berlin",
                "*/30 2 27 10 *",
                "2024-10-26T12:00",
                "2024-10-28T12:00",
                &["2024-10-27T00:00", "2024-10-27T00:30", "2024-10-27T01:00", "2024-10-27T01:30"],
            ),
            // Lord Howe, 7 April 2024: 02:00 +11 becomes 01:30 +10:30, at 15:00 UTC on the 6th.
            (
                "Australia/Lord_Howe",
                "45 1 * * *",
                "2024-04-06T00:00",
                "2024-04-07T18:00",
                &["2024-04-06T14:45", "2024-04-07T15:15"],
            ),
        ],
    );
    check(
        DstGap::Shift,
        DstFold::Both,
        &[
            (
                "Europe/Berlin",
                "30 2 27 10 *",
                "2024-10-26T12:00",
                "2024-10-28T12:00",
                &["2024-10-27T00:30", "2024-10-27T01:30"],
            ),
            (
                "Australia/Lord_Howe",
                "45 1 7 4 *",
                "2024-04-06T00:00",
                "2024-04-07T18:00",
                &["2024-04-06T14:45", "2024-04-06T15:15"],
            ),
            // Cairo, 1 November 2024: 00:00 +03 becomes 23:00 +02 on 31 October, at 21:00 UTC.
            (
                "Africa/Cairo",
                "30 23 31 10 *",
                "2024-10-31T12:00",
                "2024-11-01T12:00",
                &["2024-10-31T20:30", "2024-10-31T21:30"],
            ),
        ],
    );
}

#[test]
fn what_is_not_a_crontab_is_refused() {
    for cron in [
        "",
        "* * * *",
        "60 * * * *",
        "5/15 * * * *",
        "* * * * 8",
        "a * * * *",
        "1, * * * *",
        "@never",
        "5-1 * * * *",
        "*/0 * * * *",
        "* * L-1 * *",
        "* * * * 1#6",
    ] {
        let schedule = Schedule::Cron { cron: cron.into(), timezone: "UTC".into() };
        assert!(Oracle::new(&schedule, DstGap::Shift, DstFold::First).is_err(), "{cron:?}");
    }
}
