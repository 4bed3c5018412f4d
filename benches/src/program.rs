//! What the programs of this crate have in common: a runtime, an end by a signal, an exit code.

use crate::fault::Result;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Does `work` until it is done or a signal comes. A signal drops it, which ends everything that
/// it started and removes its files. What went wrong is said in the name of the program.
pub fn run(name: &str, work: impl Future<Output = Result<()>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(Into::into);
    exit(name, outcome.and_then(|runtime| runtime.block_on(until_interrupted(work))))
}

/// The exit code of a program that came to `outcome`, and what went wrong.
pub fn exit(name: &str, outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{name}: {fault}");
            ExitCode::FAILURE
        }
    }
}

async fn until_interrupted(work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
        outcome = work => outcome,
    }
}
