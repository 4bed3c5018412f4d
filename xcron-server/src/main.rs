//! Starts the server and turns what became of it into an exit code.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use xcron_server::cli::{Cli, Command};
use xcron_server::config::Config;
use xcron_server::error::ServerError;
use xcron_server::node::Node;
use xcron_server::signals::Signals;
use xcron_server::{open_files, telemetry};

/// The exit code of a command line or configuration that cannot be meant.
const BAD_USE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = match cli.config(std::env::vars_os()) {
        Ok(config) => config,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(BAD_USE);
        }
    };
    if cli.command == Some(Command::Check) {
        return say(&config.to_toml());
    }
    match serve(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xcron_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: &Config) -> Result<(), ServerError> {
    telemetry::start(config);
    open_files::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let cannot = |error| ServerError::System { what: "threads cannot be started", error };
    let runtime = runtime.map_err(cannot)?;
    let served = runtime.block_on(async {
        let signals = Signals::take()?;
        let node = Node::start(config).await?;
        say(&format!("{}\n", node.addresses()));
        node.run(signals).await
    });
    // Nothing that is still under way may hold up the end.
    runtime.shutdown_background();
    served
}

/// Writes to stdout; whoever does not read it does not stop the server.
fn say(text: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
