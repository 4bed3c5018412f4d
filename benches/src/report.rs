//! The report: what was measured, on what, as Markdown for people and JSON for programs.

use crate::fault::Result;
use crate::statistics::median;
use crate::wall;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One round of xcron and one of the limit, or of xcron without what is to be measured, taken one
/// after the other.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// What xcron came to.
    pub xcron: f64,
    /// What the limit came to.
    pub limit: f64,
    /// The first in terms of the second.
    pub ratio: f64,
}

impl Round {
    /// Both results.
    #[must_use]
    pub fn new(xcron: f64, limit: f64) -> Self {
        Self { xcron, limit, ratio: xcron / limit.max(1e-9) }
    }
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Its name in the list of figures to reach.
    pub name: &'static str,
    /// What it is, with the unit.
    pub what: &'static str,
    /// What is to be reached.
    pub wanted: &'static str,
    /// What the two sides of a round are.
    pub sides: [&'static str; 2],
    /// Every round.
    pub rounds: Vec<Round>,
    /// What else was seen.
    pub notes: BTreeMap<String, Value>,
}

impl Figure {
    /// A figure without rounds.
    #[must_use]
    pub const fn new(name: &'static str, what: &'static str, wanted: &'static str) -> Self {
        let sides = ["xcron", "limit"];
        Self { name, what, wanted, sides, rounds: Vec::new(), notes: BTreeMap::new() }
    }

    /// The same with rounds of xcron alone, of which one side is `measured` and one is `plain`.
    #[must_use]
    pub const fn against(mut self, measured: &'static str, plain: &'static str) -> Self {
        self.sides = [measured, plain];
        self
    }

    /// Adds something else that was seen.
    pub fn note(&mut self, what: &str, value: impl Into<Value>) {
        self.notes.insert(what.into(), value.into());
    }

    /// The median of the rounds' ratios.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        median(&self.rounds.iter().map(|round| round.ratio).collect::<Vec<_>>())
    }
}

/// Everything that one start of the tool measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    commit: String,
    quick: bool,
    taken_at: u64,
    cores: usize,
    processor: String,
    kernel: String,
    figures: Vec<Figure>,
}

impl Report {
    /// A report of `figures`, taken now, of the work tree that the tool was built from.
    #[must_use]
    pub fn new(quick: bool, figures: Vec<Figure>) -> Self {
        Self {
            commit: commit(),
            quick,
            taken_at: wall::now_micros() / 1_000_000,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: processor(),
            kernel: read("/proc/sys/kernel/osrelease"),
            figures,
        }
    }

    /// Writes it into `dir` under the commit's name and answers with the path of the Markdown.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(dir)?;
        let name = if self.quick { format!("{}-quick", self.commit) } else { self.commit.clone() };
        std::fs::write(dir.join(format!("{name}.json")), serde_json::to_vec_pretty(self)?)?;
        let path = dir.join(format!("{name}.md"));
        std::fs::write(&path, self.markdown())?;
        Ok(path)
    }

    /// The report for people.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# Measured at {}\n\n", self.commit);
        let pace = if self.quick { ", quickly: a first impression only" } else { "" };
        let Self { cores, processor, kernel, taken_at, .. } = self;
        // Writing into a string cannot fail.
        let _infallible = writeln!(
            text,
            "{cores} cores of {processor}, Linux {kernel}, at {taken_at} (Unix seconds){pace}. \
             Server, sink and load share the machine. A ratio is taken within a round.\n"
        );
        for figure in &self.figures {
            write_figure(&mut text, figure);
        }
        text
    }
}

fn write_figure(text: &mut String, figure: &Figure) {
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!("## {}: {}\n", figure.name, figure.what));
    line(format!("Median ratio **{:.3}** (wanted: {}).\n", figure.ratio(), figure.wanted));
    let [measured, plain] = figure.sides;
    line(format!("| round | {measured} | {plain} | ratio |\n|---|---|---|---|"));
    for (i, Round { xcron, limit, ratio }) in figure.rounds.iter().enumerate() {
        line(format!("| {} | {xcron:.0} | {limit:.0} | {ratio:.3} |", i + 1));
    }
    line(String::new());
    for (what, value) in &figure.notes {
        match value.as_f64() {
            Some(number) => line(format!("- {what}: {number:.0}")),
            None => line(format!("- {what}: {value}")),
        }
    }
    line(String::new());
}

/// The commit of the work tree, with a mark when files differ from it.
fn commit() -> String {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        let output = command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(said)
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unversioned".into();
    };
    let changed = git(&["status", "--porcelain", "--", ":!results"]);
    let is_clean = changed.is_some_and(|changed| changed.is_empty());
    if is_clean { commit } else { format!("{commit}-changed") }
}

fn processor() -> String {
    let described = read("/proc/cpuinfo");
    let model = described.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "an unknown processor".into(), |(_, name)| name.trim().to_owned())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Figure, Report, Round};

    #[test]
    fn the_report_names_the_median_of_the_ratios() {
        let mut figure = Figure::new("P1", "posts/s", "0.5");
        figure.rounds = [10.0, 90.0, 30.0].map(|xcron| Round::new(xcron, 100.0)).to_vec();
        figure.note("seen", 3);
        let report = Report::new(true, vec![figure]).markdown();
        assert!(report.contains("Median ratio **0.300** (wanted: 0.5)."), "{report}");
        assert!(report.contains("| 2 | 90 | 100 | 0.900 |"), "{report}");
        assert!(report.contains("- seen: 3"), "{report}");
    }
}
