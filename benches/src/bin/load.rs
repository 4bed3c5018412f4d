//! Runs the measurements that were asked for and writes the report.

use clap::Parser;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use xcron_benches::compare;
use xcron_benches::fault::Result;
use xcron_benches::figures::{self, Bench};
use xcron_benches::options::{Arguments, Command, Options};
use xcron_benches::report::{Figure, Report};
use xcron_benches::server;

fn main() -> ExitCode {
    let Arguments { command, options } = Arguments::parse();
    let outcome = match command {
        Some(Command::Compare { before, after }) => {
            compare::files(&before, &after).map(|table| print!("{table}"))
        }
        None => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Into::into)
            .and_then(|runtime| runtime.block_on(until_interrupted(options))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("load: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// A signal drops the measurement, which kills its server and removes its directory.
async fn until_interrupted(options: Options) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
        outcome = measure(options) => outcome,
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
