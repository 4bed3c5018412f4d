//! What the real program says to good and bad configurations, and with which exit code it ends.

mod bad;
mod good;
mod peers;
mod recovery;
mod signing;
mod tokens;

use std::path::Path;
use std::process::{Command, Output};

/// A configuration as somebody might write it: a file, the environment, the command line.
#[derive(Clone, Copy, Default)]
struct Written {
    /// The text of `xcron.toml`, if there is one.
    file: Option<&'static [u8]>,
    /// The environment.
    env: &'static [(&'static str, &'static str)],
    /// The command line after `check`.
    args: &'static [&'static str],
}

const fn file(text: &'static str) -> Written {
    Written { file: Some(text.as_bytes()), env: &[], args: &[] }
}

const fn env(env: &'static [(&'static str, &'static str)]) -> Written {
    Written { file: None, env, args: &[] }
}

const fn args(args: &'static [&'static str]) -> Written {
    Written { file: None, env: &[], args }
}

/// Runs `xcron_server check` on `written` in a directory of its own.
fn check(written: Written) -> Output {
    let dir = tempfile::tempdir().expect("a temporary directory");
    if let Some(text) = written.file {
        std::fs::write(dir.path().join("xcron.toml"), text).expect("writing a file");
    }
    program(dir.path())
        .arg("check")
        .args(written.args)
        .envs(written.env.iter().copied())
        .output()
        .expect("starting the program")
}

/// The program, without an environment, in `dir`.
fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xcron_server"));
    command.env_clear().current_dir(dir);
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the program writes UTF-8")
}
