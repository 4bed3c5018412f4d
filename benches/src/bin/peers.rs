//! Puts the same work on xcron and on other schedulers and writes the report.

use clap::Parser;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use xcron_benches::fault::Result;
use xcron_benches::peers::measure;
use xcron_benches::peers::options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(until_interrupted(options)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("peers: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// A signal drops the measurement, which ends everything that it started and removes its files.
async fn until_interrupted(options: Options) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
        outcome = keep(options) => outcome,
    }
}

async fn keep(options: Options) -> Result<()> {
    let results = options.results.clone();
    let standings = measure(options).await?;
    print!("{}", standings.markdown());
    eprintln!("written to {}", standings.write(&results)?.display());
    Ok(())
}
