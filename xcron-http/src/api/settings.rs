//! The defaults that the API fills in.

use std::time::Duration;
use xcron_core::{DstFold, DstGap, Schedule, ScheduleError};

/// What a task gets when its creator does not say.
///
/// ```
/// use xcron_http::ApiSettings;
///
/// let settings = ApiSettings { default_timezone: "Europe/Paris".into(), ..Default::default() };
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// The IANA zone of crontabs that name none.
    pub default_timezone: String,
    /// How long an attempt may take by default. Whole seconds.
    pub default_timeout: Duration,
    /// The most runs that `queryTask` shows of those that ended.
    pub history_max: usize,
    /// The most items of one batch.
    pub batch_max: usize,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            default_timezone: "UTC".to_owned(),
            default_timeout: Duration::from_secs(10),
            history_max: 20,
            batch_max: 10_000,
        }
    }
}

impl ApiSettings {
    /// Checks that the zone exists.
    ///
    /// # Errors
    /// Names the zone when it does not.
    pub fn check(&self) -> Result<(), ScheduleError> {
        let (gap, fold) = (DstGap::default(), DstFold::default());
        Schedule::cron("@daily", &self.default_timezone, gap, fold).map(drop)
    }
}
