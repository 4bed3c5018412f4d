//! The figures of a bench, and how they are shown.

use super::super::output::Output;
use super::super::table::{Cell, Table};
use super::creates::Creates;
use super::fires::Fires;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// A disk that syncs faster than that keeps nothing, or has a battery.
const NO_DISK_MS: f64 = 0.02;

/// How long something took, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    /// Of at least one; all zero of none.
    pub(super) fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        let at = |percent: usize| {
            let rank = (all.len() * percent).div_ceil(100).saturating_sub(1);
            all.get(rank).map_or(0.0, |took| took.as_micros() as f64 / 1_000.0)
        };
        Self { p50: at(50), p99: at(99), max: at(100) }
    }

    fn cells(self) -> [Cell; 3] {
        [self.p50, self.p99, self.max].map(|ms| Cell::new(shown(ms)))
    }
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The server, unless it was one of its own,
    pub(super) server: Option<String>,
    /// which had its folder there.
    pub(super) folder: Option<PathBuf>,
    pub(super) connections: u16,
    pub(super) creates: Creates,
    pub(super) fires: Fires,
    /// Of the disk, if it is known which one.
    #[serde(rename = "disk_sync_ms")]
    pub(super) sync: Option<Spread>,
}

impl Report {
    /// For people.
    pub(super) fn told(&self, output: Output) -> String {
        let mut table = Table::new(&["MEASURED", "COUNT", "A SECOND", "P50", "P99", "MAX"]);
        let mut row = |name: &str, count: String, rate: String, spread: Spread| {
            let mut cells = vec![Cell::new(name), Cell::new(count), Cell::new(rate)];
            cells.extend(spread.cells());
            table.row(cells);
        };
        let (creates, fires) = (&self.creates, &self.fires);
        let rate = |per_second: f64| format!("{per_second:.0}");
        let created = (creates.count().to_string(), rate(creates.per_second()));
        row("creates, latency", created.0, created.1, creates.latency_ms());
        let fired = (fires.count().to_string(), rate(fires.per_second()));
        row("callbacks, lateness", fired.0, fired.1, fires.lateness_ms());
        if let Some(sync) = self.sync {
            row("disk, one sync", String::new(), String::new(), sync);
        }
        let mut text = output.laid_out(&table);
        text.push_str(&format!("\n{} connections created one task at a time. ", self.connections));
        text.push_str("All callbacks were due in the same second.\n");
        for remark in self.remarks() {
            text.push_str(&format!("{remark}\n"));
        }
        text
    }

    /// What has to be known beside the figures.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let (Some(folder), Some(sync)) = (&self.folder, self.sync)
            && sync.p50 < NO_DISK_MS
        {
            let folder = folder.display();
            remarks.push(format!("{folder} may be no disk: name a folder on one with --dir."));
        }
        if self.creates.overloaded() > 0 {
            let count = self.creates.overloaded();
            remarks.push(format!("{count} creates were refused: the server had too much to do."));
        }
        if self.fires.repeated() > 0 {
            let count = self.fires.repeated();
            remarks.push(format!("{count} tasks were called back more than once."));
        }
        if self.server.is_some() {
            remarks.push("Lateness is by the clock of this machine.".to_owned());
        }
        if cfg!(debug_assertions) {
            remarks.push("This is a debug build; a release is several times as fast.".to_owned());
        }
        remarks
    }
}

/// Milliseconds as people read them.
fn shown(ms: f64) -> String {
    match ms {
        1_000.0.. => format!("{:.2} s", ms / 1_000.0),
        10.0.. => format!("{ms:.0} ms"),
        _ => format!("{ms:.2} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Spread, shown};
    use std::time::Duration;

    #[test]
    fn a_spread_is_by_rank() {
        let all = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(Spread::of(all), Spread { p50: 100.0, p99: 198.0, max: 200.0 });
        let one = vec![Duration::from_millis(7)];
        assert_eq!(Spread::of(one), Spread { p50: 7.0, p99: 7.0, max: 7.0 });
        assert_eq!(Spread::of(Vec::new()), Spread { p50: 0.0, p99: 0.0, max: 0.0 });
    }

    #[test]
    fn a_time_is_as_precise_as_it_matters() {
        for (ms, expected) in
            [(0.04, "0.04 ms"), (9.994, "9.99 ms"), (10.4, "10 ms"), (1_250.0, "1.25 s")]
        {
            assert_eq!(shown(ms), expected);
        }
    }
}
