//! The figures that a history is judged by.

/// The figures that a history is judged by; the defaults are the promised ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How late a first attempt may be while a majority is healthy and there is no backlog (I3).
    pub late_max_us: i64,
    /// How long a majority must have been healthy before it counts: the allowance after a fault.
    pub settle_us: i64,
    /// How long a change of leader or a lost sender may hold up what is due, beside
    /// [`late_max_us`](Self::late_max_us).
    pub failover_us: i64,
    /// How many occurrences a second a cluster surely starts; what is due at once forms a queue
    /// that is worked off at this rate.
    pub rate_per_s: u32,
    /// How long it may take until an answer that was given is settled, so how long after it the
    /// loss of its sender still explains a repeat.
    pub report_us: i64,
    /// How long the first byte of an attempt may be on its way to the target.
    pub wire_us: i64,
    /// How long after the last fault the cluster must do again what it is asked (I16).
    pub recovery_us: i64,
    /// The time between two runs that one task makes up for under `fire_all`.
    pub pace_us: i64,
    /// How many runs of one task may be open at once; with more, its occurrences wait.
    pub open_runs_max: usize,
    /// The part of operations, in percent, that may be unknown before a run is weak.
    pub unknown_percent_max: f64,
    /// How many states one search for an order of operations may visit before it gives up.
    pub search_steps_max: usize,
    /// The most violations that are told one by one.
    pub told_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            late_max_us: 1_000_000,
            settle_us: 3_000_000,
            failover_us: 4_000_000,
            rate_per_s: 500,
            report_us: 2_000_000,
            wire_us: 200_000,
            recovery_us: 10_000_000,
            pace_us: 100_000,
            open_runs_max: 100,
            unknown_percent_max: 2.0,
            search_steps_max: 200_000,
            told_max: 50,
        }
    }
}
