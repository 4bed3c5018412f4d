//! Two reports side by side: what became more or less from one commit to another.

use crate::fault::Result;
use crate::report::{Report, digits};
use crate::statistics::median;
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::Path;

/// A report as it is read back.
#[derive(Debug, Deserialize)]
struct Taken {
    commit: String,
    quick: bool,
    figures: Vec<TakenFigure>,
}

#[derive(Debug, Deserialize)]
struct TakenFigure {
    name: String,
    what: String,
    #[serde(default)]
    sides: Vec<String>,
    rounds: Vec<TakenRound>,
}

#[derive(Debug, Deserialize)]
struct TakenRound {
    xcron: f64,
    limit: Option<f64>,
    ratio: Option<f64>,
}

/// The medians of the rounds of two reports in files, as a table.
///
/// # Errors
/// When one cannot be read.
pub fn files(before: &Path, after: &Path) -> Result<String> {
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path);
        text.map_err(|error| format!("{}: {error}", path.display()))
    };
    table(&read(before)?, &read(after)?)
}

/// The same of two reports.
///
/// # Errors
/// Never in practice: what was written can be read.
pub fn reports(before: &Report, after: &Report) -> Result<String> {
    table(&serde_json::to_string(before)?, &serde_json::to_string(after)?)
}

fn table(before: &str, after: &str) -> Result<String> {
    let [before, after]: [Taken; 2] = [serde_json::from_str(before)?, serde_json::from_str(after)?];
    let named = |taken: &Taken| {
        let pace = if taken.quick { ", quickly" } else { "" };
        format!("{}{pace}", taken.commit)
    };
    let mut text = format!("# {} against {}\n\n", named(&after), named(&before));
    text.push_str(
        "Medians of all rounds. The last column is the second in terms of the first.\n\n",
    );
    text.push_str("| figure | | before | after | after / before |\n|---|---|---|---|---|\n");
    for figure in &after.figures {
        let same = |other: &&TakenFigure| other.name == figure.name && other.what == figure.what;
        let Some(other) = before.figures.iter().find(same) else {
            let line = format!("| {}: {} | only after | | | |", figure.name, figure.what);
            text.push_str(&line);
            text.push('\n');
            continue;
        };
        let mut shown = format!("{}: {}", figure.name, figure.what);
        for (side, of) in sides(figure) {
            let (Some(before), Some(after)) = (of_all(other, of), of_all(figure, of)) else {
                continue;
            };
            let ratio = after / before;
            let (before, after) = (digits(before), digits(after));
            // Writing into a string cannot fail.
            let _infallible =
                writeln!(text, "| {shown} | {side} | {before} | {after} | {ratio:.3} |");
            shown.clear();
        }
    }
    Ok(text)
}

type Of = fn(&TakenRound) -> Option<f64>;

/// What there is to compare of a figure.
fn sides(figure: &TakenFigure) -> [(&str, Of); 3] {
    let side = |at: usize, or: &'static str| figure.sides.get(at).map_or(or, String::as_str);
    [
        ("ratio", |round| round.ratio),
        (side(0, "xcron"), |round| Some(round.xcron)),
        (side(1, "limit"), |round| round.limit),
    ]
}

/// The median over all rounds; none where a round has no such thing.
fn of_all(figure: &TakenFigure, of: Of) -> Option<f64> {
    let values = figure.rounds.iter().map(of).collect::<Option<Vec<f64>>>()?;
    (!values.is_empty()).then(|| median(&values))
}

#[cfg(test)]
mod tests {
    use super::{reports, table};
    use crate::report::{Figure, Report, Round};

    fn report(name: &'static str, rounds: &[Round]) -> Report {
        let mut figure = Figure::new(name, "posts/s", "0.5");
        figure.rounds = rounds.to_vec();
        Report::new(false, None, vec![figure])
    }

    #[test]
    fn medians_stand_side_by_side() {
        let before = report("P1", &[10.0, 20.0, 90.0].map(|xcron| Round::new(xcron, 100.0)));
        let after = report("P1", &[30.0, 40.0].map(|xcron| Round::new(xcron, 50.0)));
        let table = reports(&before, &after).expect("reports");
        for line in [
            "| P1: posts/s | ratio | 0.200 | 0.700 | 3.500 |",
            "|  | xcron | 20 | 35 | 1.750 |",
            "|  | limit | 100 | 50 | 0.500 |",
        ] {
            assert!(table.contains(line), "{line} in {table}");
        }
    }

    #[test]
    fn a_number_of_its_own_is_compared_as_such() {
        let (before, after) = (Round::alone(400.0), Round::alone(300.0));
        let table = reports(&report("P7", &[before]), &report("P7", &[after])).expect("reports");
        assert!(table.contains("| P7: posts/s | xcron | 400 | 300 | 0.750 |"), "{table}");
        assert!(!table.contains("limit") && !table.contains("ratio |"), "{table}");
    }

    #[test]
    fn what_only_one_report_has_is_said() {
        let (before, after) = (report("P1", &[]), report("P2", &[]));
        let table = reports(&before, &after).expect("reports");
        assert!(table.contains("| P2: posts/s | only after |"), "{table}");
    }

    #[test]
    fn a_report_of_an_earlier_version_is_read() {
        let round = "{\"xcron\":1.5,\"limit\":2.0,\"ratio\":0.75}";
        let figure = format!("{{\"name\":\"P1\",\"what\":\"posts/s\",\"rounds\":[{round}]}}");
        let text = format!("{{\"commit\":\"abc\",\"quick\":true,\"figures\":[{figure}]}}");
        let table = table(&text, &text).expect("a report");
        assert!(table.contains("# abc, quickly against abc, quickly"), "{table}");
        assert!(table.contains("| ratio | 0.750 | 0.750 | 1.000 |"), "{table}");
    }
}
