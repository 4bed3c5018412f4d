//! The table of what cronie makes of expressions, `cronie.txt`, row by row.

use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, Schedule};

const TABLE: &str = include_str!("cronie.txt");

/// The rows of one part, cut into columns.
fn part(name: &str) -> Vec<Vec<&'static str>> {
    let heading = format!("[{name}]");
    let rows = TABLE.lines().skip_while(|line| *line != heading).skip(1);
    rows.take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split(" | ").collect())
        .collect()
}

/// `Sun 2026-03-29 03:00 +02:00`, or with seconds when there are some.
fn written(time: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    let local = jiff::Timestamp::from_second(time.as_secs()).unwrap();
    let local = local.to_zoned_datetime(zone.clone());
    let seconds = if local.second() == 0 { "" } else { ":%S" };
    local.strftime(&format!("%a %Y-%m-%d %H:%M{seconds} %:z")).to_string()
}

fn read(text: &str) -> Timestamp {
    let read = jiff::fmt::strtime::parse("%a %Y-%m-%d %H:%M %:z", text).unwrap();
    Timestamp::from_secs(read.to_timestamp().unwrap().as_second())
}

/// The times of a row are those that a calendar gives.
fn check_times(row: &[&str]) {
    let [expression, timezone, from, times, ..] = row else { panic!("too few columns: {row:?}") };
    let schedule = Schedule::parse_cron(expression, timezone).expect(expression);
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(timezone).unwrap();
    let expected: Vec<&str> = times.split(", ").collect();
    let preview = Calendar::default().preview(&schedule, read(from), expected.len());
    let actual: Vec<String> = preview.iter().map(|shown| written(shown.time, &zone)).collect();
    assert_eq!(actual, expected, "{expression} in {timezone} after {from}");
}

fn refusal(expression: &str) -> String {
    match Schedule::parse_cron(expression, "UTC") {
        Ok(_) => panic!("{expression} was accepted"),
        Err(refused) => refused.to_string(),
    }
}

#[test]
fn expressions_occur_when_cronie_runs_them() {
    let rows = part("as cronie");
    assert!(rows.len() >= 150, "{} rows", rows.len());
    rows.iter().for_each(|row| check_times(row));
}

#[test]
fn expressions_beyond_cronie_occur_as_documented() {
    let rows = part("beyond cronie");
    assert!(rows.len() >= 40, "{} rows", rows.len());
    rows.iter().for_each(|row| check_times(row));
}

#[test]
fn expressions_unlike_cronie_differ_from_it() {
    let rows = part("unlike cronie");
    assert!(!rows.is_empty());
    for row in rows {
        check_times(&row);
        assert_ne!(row[3], row[4], "{row:?}");
    }
}

#[test]
fn what_cronie_half_understands_is_refused() {
    let rows = part("stricter than cronie");
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in rows {
        let message = refusal(row[0]);
        assert!(message.contains(row[2]), "{}: {message}", row[0]);
    }
}

#[test]
fn what_cronie_refuses_is_refused() {
    let rows = part("refused by both");
    assert!(rows.len() >= 38, "{} rows", rows.len());
    for row in rows {
        let message = refusal(row[0]);
        assert!(message.starts_with(&format!("{}: ", row[2])), "{}: {message}", row[0]);
    }
}
