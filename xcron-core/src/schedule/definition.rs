//! What a schedule is, and how text becomes one.

use super::error::ScheduleError;
use super::expression::Expression;
use super::pattern::Pattern;
use super::zone::Zone;
use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// When a task is due: again and again, or once.
///
/// ```
/// use xcron_core::Timestamp;
/// use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};
///
/// let weekdays =
///     Schedule::cron("0 9 * * MON-FRI", "Europe/Paris", DstGap::Shift, DstFold::First)?;
/// let friday_noon = Timestamp::from_secs(1_764_331_200);
/// let next = Calendar::default().next_after(&weekdays, friday_noon);
/// assert_eq!(next, Some(Timestamp::from_secs(1_764_576_000))); // Monday, 09:00 in Paris
/// # Ok::<(), xcron_core::schedule::ScheduleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Every occurrence of a crontab expression.
    Cron(CronSchedule),
    /// One occurrence at this instant.
    Once(Timestamp),
}

impl Schedule {
    /// Reads a crontab expression, with gaps and folds treated in the default manner.
    ///
    /// # Errors
    ///
    /// Those of [`Schedule::cron`].
    pub fn parse_cron(expression: &str, timezone: &str) -> Result<Self, ScheduleError> {
        Self::cron(expression, timezone, DstGap::default(), DstFold::default())
    }

    /// Reads a crontab expression in an IANA time zone, whose name may be written in any case.
    ///
    /// # Errors
    ///
    /// When the expression cannot be read, when the zone is unknown, or when no date ever
    /// matches (`0 0 30 2 *`). The message names the field and the offending text.
    pub fn cron(
        expression: &str,
        timezone: &str,
        dst_gap: DstGap,
        dst_fold: DstFold,
    ) -> Result<Self, ScheduleError> {
        let zone = Zone::find(timezone)?;
        let expression = expression.trim_ascii();
        Pattern::compile(&Expression::read(expression)?)?;
        Ok(Self::Cron(CronSchedule {
            expression: expression.into(),
            timezone: zone.name().into(),
            dst_gap,
            dst_fold,
        }))
    }
}

/// A crontab expression in a time zone, already checked: [`Schedule::cron`] makes it.
///
/// Deserializing does not check again, because what is read back was written by xcron itself;
/// [`Calendar::check`](super::Calendar::check) does, for a copy from elsewhere.
///
/// ```
/// use xcron_core::schedule::{DstFold, DstGap, Schedule};
///
/// let made = Schedule::cron(" @daily ", "europe/PARIS", DstGap::Shift, DstFold::First)?;
/// let Schedule::Cron(cron) = made else { unreachable!("it was made by `cron`") };
/// assert_eq!(&*cron.expression, "@daily");
/// assert_eq!(&*cron.timezone, "Europe/Paris");
/// # Ok::<(), xcron_core::schedule::ScheduleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CronSchedule {
    /// The expression as it was given, without the blanks around it.
    pub expression: Arc<str>,
    /// The zone, in the time zone database's own spelling.
    pub timezone: Arc<str>,
    /// What happens to a fixed local time that does not exist.
    #[serde(default)]
    pub dst_gap: DstGap,
    /// What happens to a fixed local time that exists twice.
    #[serde(default)]
    pub dst_fold: DstFold,
}

/// What a fixed-time expression does with local times that clocks skip when they jump forward.
///
/// ```
/// use xcron_core::schedule::DstGap;
///
/// assert_eq!(DstGap::default(), DstGap::Shift);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DstGap {
    /// They occur at the first instant after the gap: once, however many they are.
    #[default]
    Shift,
    /// They do not occur; [`Calendar::skipped_between`](super::Calendar::skipped_between) counts
    /// them.
    Skip,
}

/// What a fixed-time expression does with local times that are repeated when clocks go back.
///
/// ```
/// use xcron_core::schedule::DstFold;
///
/// assert_eq!(DstFold::default(), DstFold::First);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DstFold {
    /// They occur the first time only. The second is no occurrence, not one that is skipped.
    #[default]
    First,
    /// They occur both times.
    Both,
}
