//! The ends of time, one-shots, and what is shown to people.

use std::time::Duration;
use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule, ScheduleErrorKind};

fn cron(expression: &str, timezone: &str) -> Schedule {
    Schedule::parse_cron(expression, timezone).unwrap()
}

#[test]
fn no_instant_makes_a_question_panic() {
    let calendar = Calendar::default();
    let instants = [
        i64::MIN,
        i64::MIN + 1,
        -377_705_116_801_000,
        -377_705_023_201_000,
        -377_705_023_200_999,
        -377_705_000_000_000,
        -1,
        0,
        1,
        253_402_000_000_000,
        253_402_207_199_999,
        253_402_207_200_000,
        253_402_300_800_000,
        i64::MAX - 1,
        i64::MAX,
    ];
    for expression in
        ["* * * * * *", "0 0 29 2 *", "30 2 * * *", "0 0 * */2 MON#5", "59 23 31 12 *"]
    {
        for timezone in ["UTC", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"] {
            for (gap, fold) in [(DstGap::Shift, DstFold::First), (DstGap::Skip, DstFold::Both)] {
                let schedule = Schedule::cron(expression, timezone, gap, fold).unwrap();
                for t in instants.map(Timestamp::from_millis) {
                    let next = calendar.next_after(&schedule, t);
                    let last = calendar.last_at_or_before(&schedule, t);
                    assert!(next.is_none_or(|next| next > t), "{expression} {timezone} {t:?}");
                    assert!(last.is_none_or(|last| last <= t), "{expression} {timezone} {t:?}");
                    let day = Duration::from_secs(86_400);
                    let near = calendar.count_between(&schedule, t.minus(day), t.plus(day));
                    assert!(near <= 2 * 86_400, "{expression} {timezone} {t:?}");
                    assert_eq!(calendar.preview(&schedule, t, 1).is_empty(), next.is_none());
                }
            }
        }
    }
}

#[test]
fn all_of_time_can_be_counted() {
    let calendar = Calendar::default();
    let schedule = cron("0 12 * * *", "UTC");
    let days = calendar.count_between(&schedule, Timestamp::MIN, Timestamp::MAX);
    assert_eq!(days, 50 * 146_097 - 366 - 2, "19,999 years but for their first and last day");
    assert_eq!(calendar.count_between(&schedule, Timestamp::MAX, Timestamp::MAX), 0);
}

#[test]
fn a_span_that_ends_before_it_starts_holds_nothing() {
    let (calendar, schedule) = (Calendar::default(), cron("* * * * *", "Europe/Paris"));
    let (early, late) = (Timestamp::from_secs(0), Timestamp::from_secs(600));
    assert_eq!(calendar.count_between(&schedule, early, late), 10);
    assert_eq!(calendar.count_between(&schedule, late, late), 0);
    assert_eq!(calendar.count_between(&schedule, late, early), 0);
    assert_eq!(calendar.count_between(&schedule, Timestamp::MAX, Timestamp::MIN), 0);
}

#[test]
fn ten_years_of_seconds_are_counted_without_a_walk() {
    let (calendar, schedule) = (Calendar::default(), cron("* * * * * *", "Europe/Paris"));
    let (start, end) = (Timestamp::from_secs(1_700_000_000), Timestamp::from_secs(2_015_360_000));
    assert_eq!(calendar.count_between(&schedule, start, end), 315_360_000);
}

#[test]
fn milliseconds_around_an_occurrence_belong_to_the_right_side() {
    let (calendar, schedule) = (Calendar::default(), cron("* * * * *", "UTC"));
    let minute = Timestamp::from_millis(60_000);
    let (before, after) = (Timestamp::from_millis(59_999), Timestamp::from_millis(60_001));
    assert_eq!(calendar.next_after(&schedule, before), Some(minute));
    assert_eq!(calendar.next_after(&schedule, minute), Some(Timestamp::from_millis(120_000)));
    assert_eq!(calendar.last_at_or_before(&schedule, before), Some(Timestamp::from_millis(0)));
    assert_eq!(calendar.last_at_or_before(&schedule, after), Some(minute));
    assert_eq!(calendar.count_between(&schedule, before, minute), 1);
    assert_eq!(calendar.count_between(&schedule, minute, after), 0);
}

#[test]
fn a_one_shot_occurs_once_to_the_millisecond() {
    let calendar = Calendar::default();
    let at = Timestamp::from_millis(1_767_225_600_123);
    let schedule = Schedule::Once(at);
    let before = Timestamp::from_millis(at.as_millis() - 1);
    assert_eq!(calendar.next_after(&schedule, before), Some(at));
    assert_eq!(calendar.next_after(&schedule, at), None);
    assert_eq!(calendar.last_at_or_before(&schedule, at), Some(at));
    assert_eq!(calendar.last_at_or_before(&schedule, before), None);
    assert_eq!(calendar.count_between(&schedule, before, at), 1);
    assert_eq!(calendar.count_between(&schedule, at, Timestamp::MAX), 0);
    let preview = calendar.preview(&schedule, before, 5);
    assert_eq!((preview.len(), preview[0].time), (1, at));
    assert_eq!(preview[0].local, "2026-01-01T00:00:00+00:00");
    assert_eq!(calendar.describe(&schedule), "Once, at 2026-01-01T00:00:00+00:00");
    let never = Schedule::Once(Timestamp::MAX);
    assert_eq!(calendar.preview(&never, at, 5).len(), 1, "even beyond the database's years");
}

#[test]
fn an_expression_whose_every_time_is_skipped_is_given_up() {
    // The second Sunday of March at 02:30 has been missing in New York since 2007.
    let calendar = Calendar::default();
    let skip = |expression| {
        Schedule::cron(expression, "America/New_York", DstGap::Skip, DstFold::First).unwrap()
    };
    let t = Timestamp::from_secs(1_800_000_000);
    assert_eq!(calendar.next_after(&skip("30 2 * 3 SUN#2"), t), None);
    assert!(calendar.next_after(&skip("30 3 * 3 SUN#2"), t).is_some());
}

#[test]
fn a_zone_is_an_iana_name_in_any_case() {
    for (given, kept) in [("europe/PARIS", "Europe/Paris"), ("utc", "UTC"), ("gmt", "GMT")] {
        let Schedule::Cron(made) = cron("@daily", given) else { unreachable!("it is cron") };
        assert_eq!(&*made.timezone, kept);
    }
    let long = "a".repeat(10_000);
    for refused in [
        "",
        " ",
        "Local",
        "local",
        "localtime",
        "Nope/Zone",
        "../../etc/passwd",
        "/etc/localtime",
        "UTC+25",
        "UTC+1",
        "+01:00",
        "EST5EDT,M3.2.0,M11.1.0",
        ":America/New_York",
        "Etc/Unknown",
        "America/New_York ",
        "America",
        "posix/UTC",
        "Europe/Paris\0",
        "Europe/Pàris",
        long.as_str(),
    ] {
        let error = Schedule::parse_cron("@daily", refused).expect_err(refused);
        assert_eq!(error.kind(), ScheduleErrorKind::Timezone, "{error}");
        let text = error.to_string();
        assert!(text.starts_with("timezone: `") && text.len() < 250, "{text}");
    }
}

#[test]
fn expressions_are_described_in_words() {
    let calendar = Calendar::default();
    for (expression, words) in [
        ("30 9 * * MON", "At 09:30, on Monday (UTC)"),
        ("0 0 LW * *", "At 00:00, on the last weekday of the month (UTC)"),
        ("0 0 L * *", "At 00:00, on the last day of the month (UTC)"),
        ("0 0 15W * *", "At 00:00, on the weekday nearest day 15 (UTC)"),
        ("0 0 1 * FRI#2", "At 00:00, on day 1 or the 2nd Friday of the month (UTC)"),
        ("@yearly", "At 00:00, on day 1, in January (UTC)"),
    ] {
        assert_eq!(calendar.describe(&cron(expression, "UTC")), words, "{expression}");
    }
}

#[test]
fn a_preview_is_bounded() {
    let (calendar, schedule) = (Calendar::default(), cron("* * * * * *", "UTC"));
    assert_eq!(calendar.preview(&schedule, Timestamp::from_secs(0), usize::MAX).len(), 1_000);
    assert_eq!(calendar.preview(&schedule, Timestamp::from_secs(0), 0).len(), 0);
}
