//! What the command line says about itself: completions for shells, and man pages.

use super::failure::Failure;
use super::output::print;
use crate::cli::Cli;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man as Page;
use std::path::PathBuf;

const COMPLETIONS: &str = "\
Examples:
  xcron_server completions bash > /etc/bash_completion.d/xcron_server
  xcron_server completions zsh > \"${fpath[1]}/_xcron_server\"
  xcron_server completions fish > ~/.config/fish/completions/xcron_server.fish";

const PAGES: &str = "\
Examples:
  xcron_server man | man -l -
  xcron_server man --dir /usr/local/share/man/man1";

/// Which shell.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = COMPLETIONS)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

/// Where man pages are to be.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = PAGES)]
pub struct Man {
    /// Writes a page for each command into this folder, which must exist.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let mut command = Cli::command();
        let (name, mut text) = (command.get_name().to_owned(), Vec::new());
        clap_complete::generate(self.shell, &mut command, name, &mut text);
        print(&String::from_utf8_lossy(&text))
    }
}

impl Man {
    pub(super) fn run(&self) -> Result<(), Failure> {
        if let Some(dir) = &self.dir {
            let written = clap_mangen::generate_to(Cli::command(), dir);
            return written.map_err(|error| Failure::file(dir, &error));
        }
        let mut text = Vec::new();
        Page::new(Cli::command()).render(&mut text)?;
        print(&String::from_utf8_lossy(&text))
    }
}
