//! Puts the same work on xcron and on other schedulers and writes the report.

use clap::Parser;
use std::process::ExitCode;
use xcron_benches::fault::Result;
use xcron_benches::peers::measure;
use xcron_benches::peers::options::Options;
use xcron_benches::program;

fn main() -> ExitCode {
    program::run("peers", keep(Options::parse()))
}

async fn keep(options: Options) -> Result<()> {
    let results = options.results.clone();
    let standings = measure(options).await?;
    print!("{}", standings.markdown());
    eprintln!("written to {}", standings.write(&results)?.display());
    Ok(())
}
