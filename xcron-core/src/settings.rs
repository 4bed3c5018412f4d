//! The limits and defaults of a scheduler, in one place.

use std::time::Duration;

/// The named limits of a scheduler.
///
/// ```
/// use xcron_core::Settings;
///
/// let settings = Settings { in_flight_max: 64, ..Settings::default() };
/// assert_eq!(settings.in_flight_per_destination_max, 256);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most attempts in flight on this node.
    pub in_flight_max: usize,
    /// The most attempts in flight to one destination.
    pub in_flight_per_destination_max: usize,
    /// The most tasks that may exist; further creates are refused.
    pub tasks_max: u64,
    /// The most finished tasks that are kept; the oldest go first.
    pub finished_max: u64,
    /// How long a finished task is kept.
    pub finished_retention: Duration,
    /// How long a stop waits for attempts in flight.
    pub drain: Duration,
    /// The most parsed cron expressions that are kept.
    pub calendar_entries_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            in_flight_max: 1_024,
            in_flight_per_destination_max: 256,
            tasks_max: 20_000_000,
            finished_max: 1_000_000,
            finished_retention: Duration::from_secs(604_800),
            drain: Duration::from_secs(30),
            calendar_entries_max: 1_000,
        }
    }
}
