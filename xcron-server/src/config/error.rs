//! What is wrong with a configuration: where, at which key, and what was expected.

use std::fmt;
use std::path::Path;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A line of a file, counted from 1.
    Line { file: String, line: usize },
    /// A file as a whole.
    File { file: String },
    /// An environment variable.
    Variable(String),
    /// A `--set` flag.
    Flag,
    /// Nobody said anything.
    Default,
}

impl Origin {
    pub(super) fn file(path: &Path) -> Self {
        Self::File { file: shown(path) }
    }

    pub(super) fn line(path: &Path, line: usize) -> Self {
        Self::Line { file: shown(path), line }
    }
}

/// A path without the `./` in front that users do not write.
fn shown(path: &Path) -> String {
    let stripped = path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty());
    stripped.unwrap_or(path).display().to_string()
}

/// One thing that is wrong; it reads `xcron.toml:3: http_port: expected ..., found ...`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    origin: Origin,
    key: Option<String>,
    problem: String,
}

impl ConfigError {
    pub(super) fn new(origin: Origin, key: &str, problem: impl Into<String>) -> Self {
        Self { origin, key: Some(key.into()), problem: problem.into() }
    }

    pub(super) fn without_key(origin: Origin, problem: impl Into<String>) -> Self {
        Self { origin, key: None, problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Line { file, line } => write!(f, "{}:{line}: ", Printable(file))?,
            Origin::File { file } => write!(f, "{}: ", Printable(file))?,
            Origin::Variable(name) => write!(f, "{}: ", Printable(name))?,
            Origin::Flag => f.write_str("--set: ")?,
            Origin::Default => {}
        }
        if let Some(key) = &self.key {
            write!(f, "{}: ", Printable(key))?;
        }
        Printable(&self.problem).fmt(f)
    }
}

/// A text on one line, whatever somebody wrote: a terminal must not obey a configuration.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(char::is_control) {
            let text = part.trim_end_matches(char::is_control);
            write!(f, "{text}{}", part[text.len()..].escape_debug())?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a configuration, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub(super) Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}
