//! P14: what the smallest parts of a run take, as criterion times them; no server is started.

use super::Bench;
use crate::fault::Result;
use crate::report::{Figure, Round};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// How long criterion runs each bench before it measures, and how long it measures, in seconds.
const WARM_UP_SECS: u8 = 1;
const MEASURED_SECS: u8 = 2;

/// How many tasks the bench of the due index reads or moves at a time.
const PAGE: f64 = 1_000.0;

/// What some benches time, which are a group and have a file of their own.
struct Decision {
    what: &'static str,
    wanted: &'static str,
    file: &'static str,
    group: &'static str,
    /// Only the bench of this name is judged; the others are noted.
    judged: Option<&'static str>,
    /// How many operations of a bench criterion times as one.
    operations: f64,
}

const DECISIONS: [Decision; 3] = [
    Decision {
        what: "microseconds to the next occurrence of a cron expression that was read before, \
               the slowest of some",
        wanted: "1 at most",
        file: "cron_next",
        group: "next occurrence, expression cached",
        judged: None,
        operations: 1.0,
    },
    Decision {
        what: "microseconds to decide on a claim, the slower of two",
        wanted: "1 at most",
        file: "claim",
        group: "claim",
        judged: None,
        operations: 1.0,
    },
    Decision {
        what: "microseconds to read a task that is due, of 1,000 read together among 1,000,000",
        wanted: "0.5 at most",
        file: "due_index",
        group: "due index of 1,000,000",
        judged: Some("read the 1,000 earliest"),
        operations: PAGE,
    },
];

/// Measures them by `cargo bench`, in as many rounds as were asked for.
///
/// # Errors
/// When a bench fails, or criterion has written no estimate of it.
pub async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    // Apart from what other starts of criterion have left, which would be read as well.
    let home = tempfile::Builder::new().prefix(".xcron-load-").tempdir_in(bench.within())?;
    let mut rounds = Vec::new();
    for _ in 0..bench.options.rounds() {
        run(home.path()).await?;
        let figures = DECISIONS.iter().map(|decision| decision.figure(home.path()));
        rounds.push(figures.collect::<Result<_>>()?);
    }
    Ok(Figure::joined(rounds))
}

async fn run(home: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["bench", "--quiet", "-p", "xcron-benches"]);
    for decision in &DECISIONS {
        command.args(["--bench", decision.file]);
    }
    command.args(["--", "--quiet", "--noplot"]);
    command.args(["--warm-up-time", &WARM_UP_SECS.to_string()]);
    command.args(["--measurement-time", &MEASURED_SECS.to_string()]);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).env("CRITERION_HOME", home);
    let done = command.output().await?;
    if !done.status.success() {
        return Err(format!("cargo bench: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(())
}

impl Decision {
    /// What criterion has written about it below `home`, as a round.
    fn figure(&self, home: &Path) -> Result<Figure> {
        let mut figure = Figure::new("P14", self.what, self.wanted).against("microseconds", "");
        let mut slowest = None;
        for (name, nanos) in medians(&home.join(self.group))? {
            let micros = nanos / 1_000.0 / self.operations;
            if self.judged.is_none_or(|judged| judged == name) {
                slowest = Some(micros.max(slowest.unwrap_or_default()));
            }
            figure.note(&format!("{name}, microseconds each"), json!(micros));
        }
        let slowest = slowest.ok_or_else(|| format!("nothing was timed of {}", self.group))?;
        figure.rounds.push(Round::alone(slowest));
        Ok(figure)
    }
}

/// The benches of a group by their names, and the median of each in nanoseconds: whatever else the
/// machine does for a moment leaves it as it is.
fn medians(group: &Path) -> Result<Vec<(String, f64)>> {
    let wrong = |path: &Path, problem: &str| format!("{}: {problem}", path.display());
    let benches = std::fs::read_dir(group).map_err(|error| wrong(group, &error.to_string()))?;
    let mut medians = Vec::new();
    for bench in benches {
        let bench = bench?;
        let path: PathBuf = bench.path().join("new/estimates.json");
        let read = std::fs::read(&path).map_err(|error| wrong(&path, &error.to_string()))?;
        let estimates: Value = serde_json::from_slice(&read)?;
        let median = estimates["median"]["point_estimate"].as_f64();
        let median = median.ok_or_else(|| wrong(&path, "it has no median"))?;
        medians.push((bench.file_name().to_string_lossy().into_owned(), median));
    }
    Ok(medians)
}

#[cfg(test)]
mod tests {
    use super::{DECISIONS, Decision, PAGE};
    use std::path::Path;

    fn estimate(home: &Path, group: &str, bench: &str, nanos: f64) {
        let dir = home.join(group).join(bench).join("new");
        std::fs::create_dir_all(&dir).expect("a directory");
        let text = format!("{{\"median\":{{\"point_estimate\":{nanos}}}}}");
        std::fs::write(dir.join("estimates.json"), text).expect("a file");
    }

    #[test]
    fn the_slowest_of_what_is_judged_is_the_figure_and_each_is_noted() {
        let home = tempfile::tempdir().expect("a directory");
        let [next, _, due] = &DECISIONS;
        for (decision, bench, nanos) in [
            (next, "every second", 100.0),
            (next, "a leap day", 900.0),
            (due, "read the 1,000 earliest", 300.0 * PAGE),
            (due, "move the 1,000 earliest to the end", 1_300.0 * PAGE),
        ] {
            estimate(home.path(), decision.group, bench, nanos);
        }
        for (decision, judged, noted) in [
            (next, 0.9, "every second, microseconds each"),
            (due, 0.3, "move the 1,000 earliest to the end, microseconds each"),
        ] {
            let figure = decision.figure(home.path()).expect("a figure");
            assert!((figure.judged() - judged).abs() < 1e-9, "{figure:?}");
            assert!(figure.notes.contains_key(noted), "{figure:?}");
        }
    }

    #[test]
    fn what_criterion_has_not_timed_is_no_figure() {
        let home = tempfile::tempdir().expect("a directory");
        let due: &Decision = &DECISIONS[2];
        assert!(due.figure(home.path()).is_err());
        estimate(home.path(), due.group, "another one", 1.0);
        assert!(due.figure(home.path()).is_err());
    }
}
