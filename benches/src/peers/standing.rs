//! What everyone came to: the report, as Markdown for people and JSON for programs.

use super::arrivals::Outcome;
use super::entrant::Entrant;
use crate::fault::Result;
use crate::report::{commit, digits, kernel, processor};
use crate::statistics::{median, percentile};
use crate::wall;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// How runs came, over all rounds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Runs {
    /// Runs that were due.
    pub wanted: u64,
    /// Those that came once and not early.
    pub good: u64,
    /// Those that came before they were due.
    pub early: u64,
    /// Those that came more than once.
    pub twice: u64,
    /// Those that did not come while they were waited for.
    pub lost: u64,
    /// The median of their lateness in each round, in milliseconds; less than 0 is early.
    pub late_p50_ms: Vec<f64>,
    /// The same at the 99th percentile.
    pub late_p99_ms: Vec<f64>,
}

/// One-shots due together in one round, and the bare loop beside it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Drain {
    /// Runs per second.
    pub fired: f64,
    /// Posts per second of the bare loop, just after.
    pub limit: f64,
    /// The first in terms of the second.
    pub share: f64,
}

/// What one entrant came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Standing {
    /// Its name.
    pub name: &'static str,
    /// What it calls itself.
    pub version: String,
    /// How it is set up.
    pub settings: &'static str,
    /// What has to be known to compare it.
    pub differs: &'static str,
    /// How far the instants of its crons are apart, in seconds.
    pub period_secs: u64,
    /// One-shots due together, a line a round.
    pub drains: Vec<Drain>,
    /// The runs of those.
    pub drained: Runs,
    /// The runs of crons.
    pub steady: Runs,
    /// Creates per second, one by one, a number a round.
    pub creates: Vec<f64>,
    /// The same in batches.
    pub batched_creates: Vec<f64>,
    /// What went wrong, and in which round.
    pub failures: Vec<String>,
}

/// A peer that was not measured.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// Its name.
    pub name: &'static str,
    /// Why not.
    pub reason: String,
}

/// Everything that one start of the runner measured.
#[derive(Clone, Debug, Serialize)]
pub struct Standings {
    commit: String,
    taken_at: u64,
    cores: usize,
    processor: String,
    kernel: String,
    /// One-shots due together in each round.
    tasks: u32,
    /// Crons due together at each instant.
    crons: u32,
    /// What everyone came to.
    entrants: Vec<Standing>,
    /// Who was not measured.
    skipped: Vec<Skipped>,
}

impl Runs {
    /// Adds a round.
    pub fn add(&mut self, wanted: u64, outcome: &Outcome) {
        self.wanted += wanted;
        self.good += outcome.good;
        self.early += outcome.early;
        self.twice += outcome.twice;
        self.lost += outcome.lost;
        if !outcome.late.is_empty() {
            let millis = |quantile| percentile(&outcome.late, quantile) as f64 / 1_000.0;
            self.late_p50_ms.push(millis(0.5));
            self.late_p99_ms.push(millis(0.99));
        }
    }
}

impl Standing {
    /// One of `entrant`, which has not done anything yet.
    #[must_use]
    pub fn of(entrant: &Entrant) -> Self {
        Self {
            name: entrant.name(),
            settings: entrant.settings(),
            differs: entrant.differs(),
            period_secs: entrant.period_secs(),
            ..Self::default()
        }
    }

    fn median_of(&self, what: impl Fn(&Drain) -> f64) -> Option<f64> {
        median_of(&self.drains.iter().map(what).collect::<Vec<_>>())
    }
}

impl Standings {
    /// A report taken now.
    #[must_use]
    pub fn new(tasks: u32, crons: u32, entrants: Vec<Standing>, skipped: Vec<Skipped>) -> Self {
        Self {
            commit: commit(),
            taken_at: wall::now_micros() / 1_000_000,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: processor(),
            kernel: kernel(),
            tasks,
            crons,
            entrants,
            skipped,
        }
    }

    /// Writes it into `dir` under the commit's name and answers with the path of the Markdown.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(dir)?;
        let name = format!("{}-peers", self.commit);
        std::fs::write(dir.join(format!("{name}.json")), serde_json::to_vec_pretty(self)?)?;
        let path = dir.join(format!("{name}.md"));
        std::fs::write(&path, self.markdown())?;
        Ok(path)
    }

    /// The report for people.
    #[must_use]
    pub fn markdown(&self) -> String {
        let Self { commit, cores, processor, kernel, taken_at, tasks, crons, .. } = self;
        let mut text = format!("# Peers beside xcron, measured at {commit}\n\n");
        // Writing into a string cannot fail.
        let _infallible = writeln!(
            text,
            "{cores} cores of {processor}, Linux {kernel}, at {taken_at} (Unix seconds). Everyone \
             has a turn in each round, alone, with an empty store and the same sink, and shares \
             the machine with it. Figures are medians of rounds; a share is taken within a round.\n"
        );
        self.write_drains(&mut text, *tasks);
        self.write_steady(&mut text, *crons);
        self.write_creates(&mut text);
        self.write_entrants(&mut text);
        text
    }

    fn write_drains(&self, text: &mut String, tasks: u32) {
        let lines = self.entrants.iter().map(|standing| {
            let fired = standing.median_of(|drain| drain.fired);
            let limit = standing.median_of(|drain| drain.limit);
            // A part of a burst that came early took no part in it.
            let share = standing.median_of(|drain| drain.share * 100.0);
            let share = share.filter(|_| standing.drained.early == 0);
            let rates = format!("{} | {} | {}", shown(fired), shown(limit), percent(share));
            format!("| {} | {rates} | {} |", standing.name, counts(&standing.drained))
        });
        table(
            text,
            &format!("## {tasks} one-shots due together"),
            "fired/s counts from the due instant, or the first run where that came before, to the \
             last one. The limit is a bare loop of posts to the same sink, just after; who fired \
             early has no share of it.",
            &format!("| | fired/s | limit | share | {COUNTS} |\n|---|---|---|---|{COLUMNS}"),
            lines,
        );
    }

    fn write_steady(&self, text: &mut String, crons: u32) {
        let lines = self.entrants.iter().map(|standing| {
            let Standing { name, period_secs, steady, .. } = standing;
            format!("| {name} | {period_secs} s | {} |", counts(steady))
        });
        table(
            text,
            &format!("## {crons} crons due at each instant"),
            "Instants are as near as the scheduler knows them.",
            &format!("| | every | {COUNTS} |\n|---|---|{COLUMNS}"),
            lines,
        );
    }

    fn write_creates(&self, text: &mut String) {
        let lines =
            self.entrants.iter().map(|Standing { name, creates, batched_creates, .. }| {
                let [one, many] = [creates, batched_creates].map(|rates| shown(median_of(rates)));
                format!("| {name} | {one} | {many} |")
            });
        table(
            text,
            "## Creates acknowledged",
            "Due in a day; one by one with 64 at a time, and where there is such a call 1,000 a \
             call. Each by a client in the scheduler's own language.",
            "| | tasks/s | in batches |\n|---|---|---|",
            lines,
        );
    }

    fn write_entrants(&self, text: &mut String) {
        text.push_str("## How everyone was set up\n\n");
        let mut line = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        for Standing { name, version, settings, differs, failures, .. } in &self.entrants {
            line(format!("- {name} ({version}): {settings}. {differs}."));
            failures.iter().for_each(|failure| line(format!("  - failed in {failure}")));
        }
        for Skipped { name, reason } in &self.skipped {
            line(format!("- {name}: not measured: {reason}"));
        }
    }
}

/// What [`counts`] shows.
const COUNTS: &str = "due | good | early | twice | lost | late p50 ms | p99 ms";
const COLUMNS: &str = "---|---|---|---|---|---|---|";

fn counts(runs: &Runs) -> String {
    let Runs { wanted, good, early, twice, lost, late_p50_ms, late_p99_ms } = runs;
    let [half, most] = [late_p50_ms, late_p99_ms].map(|late| shown(median_of(late)));
    format!("{wanted} | {good} | {early} | {twice} | {lost} | {half} | {most}")
}

fn table(
    text: &mut String,
    heading: &str,
    explained: &str,
    head: &str,
    lines: impl Iterator<Item = String>,
) {
    let lines = lines.collect::<Vec<_>>().join("\n");
    // Writing into a string cannot fail.
    let _infallible = writeln!(text, "{heading}\n\n{explained}\n\n{head}\n{lines}\n");
}

/// The median, if there are any.
fn median_of(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| median(values))
}

fn shown(number: Option<f64>) -> String {
    number.map_or_else(|| "-".into(), digits)
}

fn percent(number: Option<f64>) -> String {
    number.map_or_else(|| "-".into(), |number| format!("{number:.1} %"))
}

#[cfg(test)]
mod tests {
    use super::{Drain, Outcome, Skipped, Standing, Standings};

    fn standing() -> Standing {
        let mut standing = Standing { name: "a-peer", period_secs: 60, ..Standing::default() };
        for fired in [100.0, 300.0, 200.0] {
            standing.drains.push(Drain { fired, limit: 1_000.0, share: fired / 1_000.0 });
        }
        let late = vec![-2_000, 4_000, 6_000];
        let outcome = Outcome { good: 2, early: 1, lost: 1, late, ..Outcome::default() };
        standing.drained.add(4, &outcome);
        standing.drained.add(4, &Outcome { lost: 4, ..Outcome::default() });
        standing.failures.push("round 2, create: why".into());
        standing
    }

    #[test]
    fn who_fired_early_has_no_share_of_the_limit() {
        let mut early = standing();
        let line = |standing: Standing| {
            let text = Standings::new(4, 7, vec![standing], Vec::new()).markdown();
            text.lines().find(|line| line.starts_with("| a-peer")).map(str::to_owned)
        };
        early.drained.early = 0;
        assert!(line(early).is_some_and(|line| line.contains("| 1000 | 20.0 % |")));
        assert!(line(standing()).is_some_and(|line| line.contains("| 1000 | - |")));
    }

    #[test]
    fn the_report_has_a_line_of_everyone_in_each_table() {
        let skipped = vec![Skipped { name: "another", reason: "no program".into() }];
        let text = Standings::new(4, 7, vec![standing()], skipped).markdown();
        let drained = "| a-peer | 200 | 1000 | - | 8 | 2 | 1 | 0 | 5 | 4 | 6 |";
        for line in [
            drained,
            "| a-peer | 60 s | 0 | 0 | 0 | 0 | 0 | - | - |",
            "| a-peer | - | - |",
            "  - failed in round 2, create: why",
            "- another: not measured: no program",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
