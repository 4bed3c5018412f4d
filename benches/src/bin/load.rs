//! Runs the measurements that were asked for and writes the report.

use clap::Parser;
use std::process::ExitCode;
use xcron_benches::compare;
use xcron_benches::fault::Result;
use xcron_benches::figures::{self, Bench};
use xcron_benches::options::{Arguments, Command, Options};
use xcron_benches::program;
use xcron_benches::report::{Figure, Report};
use xcron_benches::server;

fn main() -> ExitCode {
    let Arguments { command, options } = Arguments::parse();
    match command {
        Some(Command::Compare { before, after }) => {
            let compared = compare::files(&before, &after);
            program::exit("load", compared.map(|table| print!("{table}")))
        }
        None => program::run("load", measure(options)),
    }
}

async fn measure(options: Options) -> Result<()> {
    let binary = server::binary(options.server.as_deref()).await?;
    let bench = Bench { options, binary, within: std::env::current_dir()? };
    let Some(against) = &bench.options.against else {
        let (figures, outcome) = figures::measure(&bench).await;
        if outcome.is_ok() || !figures.is_empty() {
            keep(&bench, None, figures)?;
        }
        return outcome;
    };
    let binary = server::binary(Some(against)).await?;
    let other = Bench { binary, ..bench.clone() };
    let (before, after) = figures::alternate(&other, &bench).await?;
    let (before, after) = (keep(&other, Some("before"), before)?, keep(&bench, None, after)?);
    print!("{}", compare::reports(&before, &after)?);
    Ok(())
}

/// Prints and writes a report of `figures`, with a `mark` in its name if it is not of this commit.
fn keep(bench: &Bench, mark: Option<&str>, figures: Vec<Figure>) -> Result<Report> {
    let report = Report::new(bench.options.quick, mark, figures);
    print!("{}", report.markdown());
    eprintln!("written to {}", report.write(&bench.options.results)?.display());
    Ok(report)
}
