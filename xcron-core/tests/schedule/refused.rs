//! Expressions that are wrong, hostile or impossible: each is refused, at once, by the field.

use std::time::{Duration, Instant};
use xcron_core::schedule::{Schedule, ScheduleErrorKind};

/// The expression, and how the refusal begins.
const REFUSED: [(&str, &str); 83] = [
    ("", "expression: `` has 0 fields"),
    ("   \t ", "expression: `` has 0 fields"),
    ("*", "expression: `*` has 1 fields"),
    ("* * * *", "expression: `* * * *` has 4 fields"),
    ("* * * * * * *", "expression: `* * * * * * *` has 7 fields"),
    ("0 0 1 1 * 2026 x y", "expression: `0 0 1 1 * 2026 x y` has 8 fields"),
    ("0 0 * * *\n* * * * *", "expression: the character `\\n` at byte 9"),
    ("0 0\u{0}* * *", "expression: the character `\\u{0}` at byte 3"),
    ("０ 0 * * *", "expression: the character `\\u{ff10}` at byte 0"),
    ("0\u{a0}0 * * *", "expression: the character `\\u{a0}` at byte 1"),
    ("0 0 \u{200b}* * *", "expression: the character `\\u{200b}` at byte 4"),
    ("0 \u{202e}0 * * *", "expression: the character `\\u{202e}` at byte 2"),
    ("٣ 0 * * *", "expression: the character `\\u{663}` at byte 0"),
    ("CRON_TZ=Nope/Zone * * * * *", "expression: the assignment of `CRON_TZ`"),
    ("TZ=../../etc/passwd * * * * *", "expression: the assignment of `TZ`"),
    ("@every 1s", "expression: the macro `@every 1s`"),
    ("@every -1s", "expression: the macro `@every -1s`"),
    ("@reboot", "expression: the macro `@reboot`"),
    ("@", "expression: the macro `@`"),
    ("@daily @daily", "expression: the macro `@daily @daily`"),
    ("@daily * * * *", "expression: the macro `@daily * * * *`"),
    ("* * * * @daily", "day of week: `@daily` is not understood"),
    (", * * * *", "minute: `,` has an empty list member"),
    (", * * * * *", "second: `,` has an empty list member"),
    ("* , * * *", "hour: `,` has an empty list member"),
    ("* * , * *", "day of month: `,` has an empty list member"),
    ("* * * , *", "month: `,` has an empty list member"),
    ("* * * * ,", "day of week: `,` has an empty list member"),
    ("0,,0 * * * *", "minute: `0,,0` has an empty list member"),
    ("60 * * * * *", "second: `60` is out of range, expected 0 to 59"),
    ("60 * * * *", "minute: `60` is out of range, expected 0 to 59"),
    ("* 24 * * *", "hour: `24` is out of range, expected 0 to 23"),
    ("* * 0 * *", "day of month: `0` is out of range, expected 1 to 31"),
    ("* * 32 * *", "day of month: `32` is out of range, expected 1 to 31"),
    ("* * * 0 *", "month: `0` is out of range, expected 1 to 12"),
    ("* * * 13 *", "month: `13` is out of range, expected 1 to 12"),
    ("* * * * 8", "day of week: `8` is out of range, expected 0 to 7"),
    ("-1 * * * *", "minute: `-1` is not understood"),
    ("4294967296 * * * *", "minute: `4294967296` is out of range"),
    ("99999999999999999999999999 * * * *", "minute: `99999999999999999999999999` is out of"),
    ("*/0 * * * *", "minute: `*/0` has a bad step, expected a step of 1 to 60"),
    ("*/-1 * * * *", "minute: `*/-1` has a bad step"),
    ("*/99999999999 * * * *", "minute: `*/99999999999` has a bad step"),
    ("*/ * * * *", "minute: `*/` has a bad step"),
    ("*/61 * * * *", "minute: `*/61` has a bad step"),
    ("* */25 * * *", "hour: `*/25` has a bad step, expected a step of 1 to 24"),
    ("0-59/61 * * * *", "minute: `0-59/61` has a bad step"),
    ("* * 1-7/8 * *", "day of month: `1-7/8` has a bad step, expected a step of 1 to 7"),
    ("* * * * */8", "day of week: `*/8` has a bad step, expected a step of 1 to 7"),
    ("*/5/2 * * * *", "minute: `*/5/2` has a bad step"),
    ("5/15 * * * *", "minute: `5/15` has a step without a range"),
    ("/15 * * * *", "minute: `/15` has a step without a range"),
    ("5-1 * * * *", "minute: `5-1` ends before it starts"),
    ("* 22-2 * * *", "hour: `22-2` ends before it starts"),
    ("* * * NOV-FEB *", "month: `NOV-FEB` ends before it starts"),
    ("* * * * FRI-MON", "day of week: `FRI-MON` ends before it starts"),
    ("1- * * * *", "minute: `1-` is not understood"),
    ("1-5-9 * * * *", "minute: `1-5-9` is not understood"),
    ("*-5 * * * *", "minute: `*-5` is not understood"),
    ("** * * * *", "minute: `**` is not understood"),
    ("*5 * * * *", "minute: `*5` is not understood"),
    ("H * * * *", "minute: `H` is not understood"),
    ("5~10 * * * *", "minute: `5~10` is not understood"),
    ("0 0 ? * *", "day of month: `?` is not understood"),
    ("0 0 mon * *", "day of month: `mon` is not understood"),
    ("0 0 * mon *", "month: `mon` is not understood, expected 1 to 12 or JAN to DEC"),
    ("0 0 jan * *", "day of month: `jan` is not understood"),
    ("* * * JANFEB *", "month: `JANFEB` is not understood"),
    ("* * * * jul", "day of week: `jul` is not understood"),
    ("* * * * +", "day of week: `+` is not understood"),
    ("0 0 1 * +MON", "day of week: `+MON` is not understood"),
    ("0 0 * * L", "day of week: `L` is not understood"),
    ("L * * * *", "minute: `L` is not understood"),
    ("0 0 L-3 * *", "day of month: `L-3` is not understood"),
    ("0 0 W * *", "day of month: `W` is not understood"),
    ("0 0 32W * *", "day of month: `32W` is out of range"),
    ("0 0 1-5W * *", "day of month: `1-5W` is not understood"),
    ("0 0 L,LW * *", "day of month: `L,LW` has both L and LW"),
    ("0 0 * * MON#0", "day of week: `MON#0` has a bad ordinal, expected `#1` to `#5`"),
    ("0 0 * * MON#6", "day of week: `MON#6` has a bad ordinal"),
    ("0 0 * * #2", "day of week: `#2` is not understood"),
    ("0 0 * * MON-FRI#2", "day of week: `MON-FRI#2` is not understood"),
    ("0 0 1#2 * *", "day of month: `1#2` is not understood"),
];

/// Dates that are on no calendar, and the fields that are named.
const NEVER: [&str; 9] = [
    "0 0 30 2 *",
    "0 0 31 2 *",
    "0 0 0 30 2 *",
    "* * 31 2,4,6,9,11 *",
    "* * 31 2-6/2,9,NOV *",
    "0 0 30-31 FEB *",
    "0 0 30W 2 *",
    "0 0 31W 4,6 *",
    "0 0 */30 2 MON#5",
];

#[test]
fn each_refusal_says_in_which_field_and_why() {
    for (expression, begins) in REFUSED {
        let refused = Schedule::parse_cron(expression, "UTC").expect_err(expression);
        let message = refused.to_string();
        assert!(message.starts_with(begins), "{message}");
        assert!(message.contains(", expected "), "{message}");
        assert!(!message.ends_with('.') && message.len() < 300, "{message}");
        assert_eq!(refused.kind(), ScheduleErrorKind::Expression, "{message}");
    }
}

#[test]
fn a_date_on_no_calendar_is_refused_as_never_firing() {
    for expression in NEVER {
        let refused = Schedule::parse_cron(expression, "UTC").expect_err(expression);
        assert_eq!(refused.kind(), ScheduleErrorKind::NeverFires, "{expression}");
        let message = refused.to_string();
        assert!(message.starts_with("day of month: `"), "{message}");
        assert!(message.contains("never fires"), "{message}");
    }
}

#[test]
fn a_text_is_read_up_to_256_bytes() {
    let of_length = |bytes: usize| format!("{:0>width$} * * * *", 7, width = bytes - 8);
    assert!(Schedule::parse_cron(&of_length(256), "UTC").is_ok());
    let refused = Schedule::parse_cron(&of_length(257), "UTC").unwrap_err().to_string();
    assert_eq!(refused, "expression: 257 bytes are too long, expected at most 256");
    let blanks = format!("{}* * * * *{}", " ".repeat(300), " ".repeat(300));
    assert!(Schedule::parse_cron(&blanks, "UTC").is_ok(), "blanks around it do not count");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the cost in real time is what is tested")]
fn refusing_costs_next_to_nothing() {
    let mut hostile: Vec<String> = NEVER.iter().map(|text| (*text).to_owned()).collect();
    hostile.extend(REFUSED.iter().map(|(text, _)| (*text).to_owned()));
    hostile.push(format!("0{} * * * *", ",0".repeat(200_000)));
    hostile.push(format!("0-59{} * * * *", ",0-59".repeat(100_000)));
    hostile.push(format!("{} * * * *", "1,".repeat(100)));
    hostile.push("*".repeat(1_000_000));
    hostile.push("é".repeat(120));
    hostile.push(format!("* * * * {}", "/".repeat(200)));
    let started = Instant::now();
    for expression in &hostile {
        assert!(Schedule::parse_cron(expression, "UTC").is_err());
    }
    // Some 100 refusals; one that searched for a date would alone take longer than this.
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}
