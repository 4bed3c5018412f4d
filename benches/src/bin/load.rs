//! Runs the measurements that were asked for and writes the report.

use clap::Parser;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use xcron_benches::fault::Result;
use xcron_benches::figures::{Bench, create, fire, isolation, lateness, overload, spread};
use xcron_benches::options::{FigureName, Options};
use xcron_benches::report::Report;
use xcron_benches::server;

fn main() -> ExitCode {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(until_interrupted(Options::parse())));
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
    let mut figures = Vec::new();
    if bench.options.wants(FigureName::P1) {
        eprintln!("P1: fired and settled callbacks/s ...");
        figures.push(fire::measure(&bench).await?);
    }
    if bench.options.wants(FigureName::P2) {
        eprintln!("P2: acknowledged durable createTask/s ...");
        figures.push(create::measure(&bench).await?);
    }
    if bench.options.wants(FigureName::P5) {
        eprintln!("P5: lateness with 1,000 runs due at each whole second ...");
        figures.push(lateness::measure(&bench).await?);
    }
    if bench.options.wants(FigureName::P12) {
        eprintln!("P12: fired callbacks/s of three nodes against one ...");
        figures.push(spread::measure(&bench).await?);
    }
    if bench.options.wants(FigureName::P15) {
        eprintln!("P15: lateness beside as many runs to targets that never answer ...");
        figures.extend(isolation::measure(&bench).await?);
    }
    if bench.options.wants(FigureName::Overload) {
        eprintln!("Overload: ten times the clients, ten times the runs ...");
        figures.push(overload::measure(&bench).await?);
    }
    let report = Report::new(bench.options.quick, figures);
    print!("{}", report.markdown());
    eprintln!("written to {}", report.write(&bench.options.results)?.display());
    Ok(())
}
