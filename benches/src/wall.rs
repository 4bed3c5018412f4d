//! Reads the wall clock, by which lateness is judged.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since the Unix epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place of this tool that reads the clock")]
pub fn now_micros() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

/// Waits until the wall clock shows `micros`.
pub async fn sleep_until(micros: u64) {
    tokio::time::sleep(Duration::from_micros(micros.saturating_sub(now_micros()))).await;
}
