//! Judges histories: `xcron-check FILE...` prints a verdict for each and exits with the worst of
//! 0 (nothing was violated), 1 (something was), 2 (a run was weak or cannot be read).

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;
use xcron_checker::{History, ReadError};

fn main() -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: xcron-check FILE...");
        return ExitCode::from(2);
    }
    let (mut violated, mut weak) = (false, false);
    for file in files {
        let name = file.to_string_lossy();
        match read(&file) {
            Ok(history) => {
                let verdict = history.judge();
                print!("{name}: {verdict}");
                violated |= verdict.is_violated();
                weak |= verdict.is_weak();
            }
            Err(error) => {
                eprintln!("{name}: {error}");
                weak = true;
            }
        }
    }
    match (violated, weak) {
        (true, _) => ExitCode::from(1),
        (false, true) => ExitCode::from(2),
        (false, false) => ExitCode::SUCCESS,
    }
}

fn read(file: &std::ffi::OsStr) -> Result<History, ReadError> {
    let file = File::open(file).map_err(|source| ReadError::Input { line: 0, source })?;
    History::read(BufReader::new(file))
}
