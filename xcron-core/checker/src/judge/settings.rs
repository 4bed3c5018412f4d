//! The figures that a history is judged by.

/// The figures that a history is judged by; the defaults are the promised ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How late a first attempt may be while a majority is healthy and there is no backlog (I3).
    pub late_max_us: i64,
    /// How long a majority must have been healthy before it counts: the allowance after a fault.
    pub settle_us: i64,
    /// How many occurrences a second a cluster surely starts; what is due at once forms a queue
    /// that is worked off at this rate.
    pub rate_per_s: u32,
    /// The part of operations, in percent, that may be unknown before a run is weak.
    pub unknown_percent_max: f64,
    /// How many states one search for an order of operations may visit before it gives up.
    pub search_steps_max: usize,
    /// The most violations of one invariant that are told one by one.
    pub told_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            late_max_us: 1_000_000,
            settle_us: 3_000_000,
            rate_per_s: 500,
            unknown_percent_max: 2.0,
            search_steps_max: 200_000,
            told_max: 20,
        }
    }
}
