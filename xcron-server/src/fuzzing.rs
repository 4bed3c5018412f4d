//! The fuzz targets by their names; each is a function of bytes that panics when a promise about
//! some input is broken, so that a corpus is replayed without a fuzzer.

use std::time::{Duration, Instant};

use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule, ScheduleErrorKind};

/// The name of a target, and what checks an input of it.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 8] = [
    ("cron", cron),
    ("requests", xcron_http::fuzzing::requests),
    ("config", crate::config::fuzzing::check),
    ("log", xcron_raft::fuzzing::log),
    ("snapshots", xcron_raft::fuzzing::snapshots),
    ("peers", xcron_raft::fuzzing::peers),
    ("callbacks", xcron_http::fuzzing::callbacks),
    ("answers", xcron_http::fuzzing::answers),
];

/// What no input may cost: one that costs more is an attack on whoever reads it.
const COST_MAX: Duration = Duration::from_secs(2);

/// Checks `bytes` with the target `name`, in bounded time.
///
/// # Panics
/// When a promise is broken or it takes too long.
pub fn timed(name: &str, bytes: &[u8]) {
    let (_, check) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target's name");
    let began = Instant::now();
    check(bytes);
    assert!(began.elapsed() < COST_MAX, "{name} took {:?}", began.elapsed());
}

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/St_Johns",
];
/// How many occurrences are looked at.
const STEPS: u64 = 12;

/// A zone and settings for clock changes in the first byte, an instant in the next five, and an
/// expression: it is refused with a reason, or its occurrences are in order from wherever one
/// looks.
pub fn cron(bytes: &[u8]) {
    let Some((&[how, ref instant @ ..], text)) = bytes.split_first_chunk::<6>() else {
        return;
    };
    let seconds = instant.iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    // Some 35,000 years, half of them before 1970.
    let after = Timestamp::from_secs(seconds - (1 << 39));
    let zone = ZONES[usize::from(how >> 2) % ZONES.len()];
    let gap = if how & 1 == 0 { DstGap::Shift } else { DstGap::Skip };
    let fold = if how & 2 == 0 { DstFold::First } else { DstFold::Both };
    let text = String::from_utf8_lossy(text);
    let schedule = match Schedule::cron(&text, zone, gap, fold) {
        Ok(schedule) => schedule,
        Err(error) => {
            let message = error.to_string();
            assert!(message.split_once(": ").is_some() && message.len() < 400, "{message}");
            assert!(message.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{message:?}");
            assert_ne!(error.kind(), ScheduleErrorKind::Timezone);
            return;
        }
    };
    let Schedule::Cron(cron) = &schedule else { unreachable!("it was made by `cron`") };
    let again = Schedule::cron(&cron.expression, &cron.timezone, gap, fold);
    assert_eq!(again.as_ref(), Ok(&schedule), "what is stored is read as the same");
    let calendar = Calendar::new(4);
    assert!(!calendar.describe(&schedule).starts_with("Never"), "it was accepted");
    let (mut last, mut steps) = (after, 0);
    while steps < STEPS
        && let Some(next) = calendar.next_after(&schedule, last)
    {
        assert!(next > last, "occurrences strictly increase");
        assert_eq!(calendar.last_at_or_before(&schedule, next), Some(next));
        let before = Timestamp::from_millis(next.as_millis() - 1);
        assert_eq!(calendar.next_after(&schedule, before), Some(next), "none is in between");
        assert_eq!(calendar.count_between(&schedule, last, next), 1);
        assert_eq!(calendar.count_between(&schedule, last, before), 0);
        (last, steps) = (next, steps + 1);
    }
    assert_eq!(calendar.count_between(&schedule, after, last), steps);
    let shown = calendar.preview(&schedule, after, STEPS as usize);
    assert_eq!(shown.len() as u64, steps, "a preview shows the same");
    assert!(shown.last().is_none_or(|shown| shown.time == last));
}
