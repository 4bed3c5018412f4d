//! Does what the command line asks for and turns what became of it into an exit code.

use clap::Parser;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;
use xcron_server::cli::{Cli, Command, ConfigFormat};
use xcron_server::commands::Ask;
use xcron_server::config::Config;
use xcron_server::drill::{self, Options};
use xcron_server::error::ServerError;
use xcron_server::node::Node;
use xcron_server::signals::{HangUps, Signals};
use xcron_server::{open_files, recovery, telemetry};

/// The system's allocator gives memory back after each wave of runs, and has to fetch it again for
/// the next one. Huge pages are not asked for: a burst on a server that was idle would wait while
/// the kernel clears two megabytes at a time, which takes milliseconds on some machines.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::Drill(options)) = &cli.command {
        return practise(&cli, options);
    }
    if let Some(Command::Ask(asked)) = &cli.command {
        return ask(&cli, asked);
    }
    let config = match cli.config(std::env::vars_os()) {
        Ok(config) => config,
        Err(errors) => return bad_use(&errors),
    };
    let done = match &cli.command {
        Some(Command::Check { output: ConfigFormat::Toml }) => return say(&config.to_toml()),
        Some(Command::Check { output: ConfigFormat::Json }) => return say(&config.to_json()),
        Some(Command::Restore { file }) => run(&config, recovery::restore(&config, file)),
        Some(Command::ForceNewCluster { yes: false }) => {
            return bad_use(&recovery::what_force_would_do(&config));
        }
        Some(Command::ForceNewCluster { yes: true }) => {
            run(&config, recovery::force_new_cluster(&config))
        }
        Some(Command::Drill(_) | Command::Ask(_)) | None => run(&config, serve(&config)),
    };
    match done {
        Ok(line) if line.is_empty() => ExitCode::SUCCESS,
        Ok(line) => say(&format!("{line}\n")),
        Err(error) => {
            eprintln!("xcron_server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal comes; nothing is left to print then.
async fn serve(config: &Config) -> Result<String, ServerError> {
    let signals = Signals::take()?;
    let hang_ups = HangUps::take()?;
    let node = Node::start(config).await?;
    say(&format!("{}\n", node.addresses()));
    node.run(signals, hang_ups).await.map(|()| String::new())
}

fn run<T>(
    config: &Config,
    work: impl Future<Output = Result<T, ServerError>>,
) -> Result<T, ServerError> {
    telemetry::start(config);
    open_files::raise();
    run_bare(work)?
}

fn run_bare<T>(work: impl Future<Output = T>) -> Result<T, ServerError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let cannot = |error| ServerError::System { what: "threads cannot be started", error };
    let runtime = runtime.map_err(cannot)?;
    let done = runtime.block_on(work);
    // Nothing that is still under way may hold up the end.
    runtime.shutdown_background();
    Ok(done)
}

/// Runs a drill, whose nodes have a configuration of their own.
fn practise(cli: &Cli, options: &Options) -> ExitCode {
    if cli.conf.is_some() || !cli.set.is_empty() {
        return bad_use(
            &"xcron_server: a drill takes no configuration, leave out --conf and --set",
        );
    }
    let done = run_bare(drill::run(options));
    let error: &dyn Display = match &done {
        Ok(Ok(true)) => return ExitCode::SUCCESS,
        Ok(Ok(false)) => return ExitCode::FAILURE,
        Ok(Err(error)) => error,
        Err(error) => error,
    };
    eprintln!("xcron_server: {error}");
    ExitCode::FAILURE
}

/// Asks a running server, which has a configuration of its own.
fn ask(cli: &Cli, asked: &Ask) -> ExitCode {
    if cli.conf.is_some() || !cli.set.is_empty() {
        return bad_use(
            &"error: --conf and --set are for the server itself, name the one to ask with --server",
        );
    }
    run_bare(asked.run()).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// A command line or configuration that cannot be meant.
fn bad_use(why: &dyn Display) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(2)
}

/// Writes to stdout; whoever does not read it does not stop the server.
fn say(text: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
