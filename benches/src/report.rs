//! The report: what was measured, on what, as Markdown for people and JSON for programs.

use crate::fault::Result;
use crate::plot;
use crate::statistics::median;
use crate::timeline::Timeline;
use crate::wall;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One round of xcron and one of the limit, or of xcron without what is to be measured, taken one
/// after the other; or of xcron alone, where what counts is a number of its own.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// What xcron came to.
    pub xcron: f64,
    /// What the limit came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The first in terms of the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

impl Round {
    /// Both results.
    #[must_use]
    pub fn new(xcron: f64, limit: f64) -> Self {
        Self { xcron, limit: Some(limit), ratio: Some(xcron / limit.max(1e-9)) }
    }

    /// A result without a limit.
    #[must_use]
    pub const fn alone(xcron: f64) -> Self {
        Self { xcron, limit: None, ratio: None }
    }

    /// What is judged: the ratio, or the number where there is none.
    #[must_use]
    pub fn judged(&self) -> f64 {
        self.ratio.unwrap_or(self.xcron)
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
    /// What the last round looked like; a picture beside the report.
    #[serde(skip)]
    pub timeline: Option<Timeline>,
}

impl Figure {
    /// A figure without rounds.
    #[must_use]
    pub const fn new(name: &'static str, what: &'static str, wanted: &'static str) -> Self {
        let sides = ["xcron", "limit"];
        let notes = BTreeMap::new();
        Self { name, what, wanted, sides, rounds: Vec::new(), notes, timeline: None }
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

    /// The median of the rounds' ratios, or of their numbers where there are no ratios.
    #[must_use]
    pub fn judged(&self) -> f64 {
        median(&self.rounds.iter().map(Round::judged).collect::<Vec<_>>())
    }

    /// Figures of which each was measured once in each of `rounds`, with all their rounds. Notes
    /// that are numbers become their medians, others are those of the first round.
    #[must_use]
    pub fn joined(rounds: Vec<Vec<Self>>) -> Vec<Self> {
        let mut rounds = rounds.into_iter();
        let mut joined = rounds.next().unwrap_or_default();
        let rest: Vec<Vec<Self>> = rounds.collect();
        for (i, figure) in joined.iter_mut().enumerate() {
            let same: Vec<&Self> = rest.iter().filter_map(|round| round.get(i)).collect();
            figure.rounds.extend(same.iter().flat_map(|figure| figure.rounds.iter().copied()));
            for (what, value) in &mut figure.notes {
                let others = same.iter().filter_map(|figure| figure.notes.get(what)?.as_f64());
                let numbers: Vec<f64> = value.as_f64().into_iter().chain(others).collect();
                if !numbers.is_empty() {
                    *value = median(&numbers).into();
                }
            }
        }
        joined
    }

    /// The file of its picture in a `report`.
    fn picture(&self, report: &str) -> String {
        format!("{report}-{}.svg", self.name.to_lowercase())
    }

    /// Whether ratios are judged.
    #[must_use]
    pub fn has_ratios(&self) -> bool {
        self.rounds.iter().all(|round| round.ratio.is_some())
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
    /// A report of `figures`, taken now, of the work tree that the tool was built from, or of
    /// something else that `mark` says.
    #[must_use]
    pub fn new(quick: bool, mark: Option<&str>, figures: Vec<Figure>) -> Self {
        Self {
            commit: mark.map_or_else(commit, |mark| format!("{}-{mark}", commit())),
            quick,
            taken_at: wall::now_micros() / 1_000_000,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: processor(),
            kernel: kernel(),
            figures,
        }
    }

    /// Writes it into `dir` under the commit's name and answers with the path of the Markdown.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(dir)?;
        let name = self.name();
        for figure in &self.figures {
            if let Some(timeline) = &figure.timeline {
                let title = format!("{}, one round at {name}", figure.name);
                std::fs::write(dir.join(figure.picture(&name)), plot::svg(&title, timeline)?)?;
            }
        }
        std::fs::write(dir.join(format!("{name}.json")), serde_json::to_vec_pretty(self)?)?;
        let path = dir.join(format!("{name}.md"));
        std::fs::write(&path, self.markdown())?;
        Ok(path)
    }

    fn name(&self) -> String {
        if self.quick { format!("{}-quick", self.commit) } else { self.commit.clone() }
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
            write_figure(&mut text, figure, &self.name());
        }
        text
    }
}

fn write_figure(text: &mut String, figure: &Figure, report: &str) {
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!("## {}: {}\n", figure.name, figure.what));
    let what = if figure.has_ratios() { "Median ratio" } else { "Median" };
    line(format!("{what} **{}** (wanted: {}).\n", digits(figure.judged()), figure.wanted));
    let [measured, plain] = figure.sides;
    if figure.has_ratios() {
        line(format!("| round | {measured} | {plain} | ratio |\n|---|---|---|---|"));
    } else {
        line(format!("| round | {measured} |\n|---|---|"));
    }
    for (i, Round { xcron, limit, ratio }) in figure.rounds.iter().enumerate() {
        let (round, xcron) = (i + 1, digits(*xcron));
        match (limit, ratio) {
            (Some(limit), Some(ratio)) => {
                line(format!("| {round} | {xcron} | {} | {ratio:.3} |", digits(*limit)));
            }
            _ => line(format!("| {round} | {xcron} |")),
        }
    }
    line(String::new());
    for (what, value) in &figure.notes {
        match value.as_f64() {
            Some(number) => line(format!("- {what}: {}", digits(number))),
            None => line(format!("- {what}: {value}")),
        }
    }
    line(String::new());
    if figure.timeline.is_some() {
        let picture = figure.picture(report);
        line(format!("![Rate, lateness and memory over time, in one round]({picture})\n"));
    }
}

/// A number with three decimals where they say something.
pub(crate) fn digits(number: f64) -> String {
    if number.abs() < 100.0 && number.fract() != 0.0 {
        format!("{number:.3}")
    } else {
        format!("{number:.0}")
    }
}

/// The commit of the work tree, with a mark when files differ from it.
#[must_use]
pub fn commit() -> String {
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

/// What the machine calls its processors.
pub(crate) fn processor() -> String {
    let described = read("/proc/cpuinfo");
    let model = described.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "an unknown processor".into(), |(_, name)| name.trim().to_owned())
}

/// The kernel that runs.
pub(crate) fn kernel() -> String {
    read("/proc/sys/kernel/osrelease")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Figure, Report, Round, digits};

    #[test]
    fn the_report_names_the_median_of_the_ratios() {
        let mut figure = Figure::new("P1", "posts/s", "0.5");
        figure.rounds = [10.0, 90.0, 30.0].map(|xcron| Round::new(xcron, 100.0)).to_vec();
        figure.note("seen", 3);
        let report = Report::new(true, None, vec![figure]).markdown();
        assert!(report.contains("Median ratio **0.300** (wanted: 0.5)."), "{report}");
        assert!(report.contains("| 2 | 90 | 100 | 0.900 |"), "{report}");
        assert!(report.contains("- seen: 3"), "{report}");
    }

    #[test]
    fn a_number_of_its_own_has_no_ratio() {
        let mut figure = Figure::new("P7", "bytes", "450");
        figure.rounds = [400.0, 410.5, 420.0].map(Round::alone).to_vec();
        let report = Report::new(true, None, vec![figure]);
        let text = report.markdown();
        assert!(text.contains("Median **410** (wanted: 450)."), "{text}");
        assert!(text.contains("| 1 | 400 |\n"), "{text}");
        let json = serde_json::to_string(&report).expect("a report");
        assert!(json.contains("{\"xcron\":400.0}"), "{json}");
    }

    #[test]
    fn rounds_that_were_taken_apart_are_joined() {
        let round = |xcron: f64| {
            let mut figure = Figure::new("P1", "posts/s", "0.5");
            figure.rounds.push(Round::new(xcron, 100.0));
            figure.note("fired", xcron);
            figure.note("how", "once");
            vec![figure]
        };
        let joined = Figure::joined(vec![round(10.0), round(90.0), round(30.0)]);
        assert_eq!((joined.len(), joined[0].rounds.len()), (1, 3));
        assert!((joined[0].judged() - 0.3).abs() < 1e-9);
        assert_eq!(
            (&joined[0].notes["fired"], &joined[0].notes["how"]),
            (&30.0.into(), &"once".into())
        );
        assert!(Figure::joined(Vec::new()).is_empty());
    }

    #[test]
    fn decimals_are_shown_where_they_say_something() {
        for (number, shown) in [(0.454, "0.454"), (3.0, "3"), (123.456, "123"), (0.0, "0")] {
            assert_eq!(digits(number), shown);
        }
    }
}
