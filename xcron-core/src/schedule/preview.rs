//! What a schedule will do, to show to people.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// One occurrence, with its local time.
///
/// ```
/// use xcron_core::Timestamp;
/// use xcron_core::schedule::{Calendar, DstFold, DstGap, DstMark, Schedule};
///
/// let nightly =
///     Schedule::cron("30 2 * * *", "Europe/Paris", DstGap::Shift, DstFold::First)?;
/// let noon_before = Timestamp::from_secs(1_774_695_600);
/// let times = Calendar::default().preview(&nightly, noon_before, 2);
/// assert_eq!(times[0].local, "2026-03-29T03:00:00+02:00"); // there is no 02:30 on that day
/// assert_eq!(times[0].dst, Some(DstMark::Shifted));
/// assert_eq!(times[1].local, "2026-03-30T02:30:00+02:00");
/// assert_eq!(times[1].dst, None);
/// # Ok::<(), xcron_core::schedule::ScheduleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewTime {
    /// When it is.
    pub time: Timestamp,
    /// The local time with its offset, in the manner of RFC 3339.
    pub local: String,
    /// Whether a clock change has moved or doubled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst: Option<DstMark>,
}

/// What a clock change has done to an occurrence.
///
/// ```
/// use xcron_core::schedule::DstMark;
///
/// assert_ne!(DstMark::FirstOfTwo, DstMark::SecondOfTwo);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DstMark {
    /// Local times that do not exist were moved here, to the first instant after the gap.
    Shifted,
    /// This local time comes again.
    FirstOfTwo,
    /// This local time was here before.
    SecondOfTwo,
}
