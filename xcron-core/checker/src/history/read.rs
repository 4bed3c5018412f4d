//! Reading a history from JSON Lines.

use crate::history::History;
use crate::history::begin::VERSION;
use crate::history::line::Line;
use serde_json::Value;
use std::io::{self, BufRead, Read};

/// The most bytes of one line.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// The most lines of one history.
pub const LINES_MAX: usize = 20_000_000;

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input failed.
    #[error("line {line}: cannot be read: {source}")]
    Input {
        /// The line, from 1.
        line: usize,
        /// What it failed with.
        source: io::Error,
    },
    /// A line is too long.
    #[error("line {line}: is longer than {LINE_BYTES_MAX} bytes")]
    Long {
        /// The line, from 1.
        line: usize,
    },
    /// There are too many lines.
    #[error("there are more than {LINES_MAX} lines")]
    Many,
    /// A line is not what it should be.
    #[error("line {line}: {field}: {problem}")]
    Bad {
        /// The line, from 1.
        line: usize,
        /// The field, or `line` when it is not about one.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no line at all.
    #[error("there is no line; a history begins with kind \"begin\"")]
    Empty,
}

impl History {
    /// Reads a whole history. Empty lines are passed over; a last line that was cut off in the
    /// middle, as a killed recorder leaves it, is an error like any other.
    ///
    /// # Errors
    /// Names the line, and the field if it is about one.
    pub fn read(input: impl BufRead) -> Result<Self, ReadError> {
        let mut input = input;
        let mut history: Option<Self> = None;
        let mut text = Vec::new();
        for line in 1..=LINES_MAX {
            text.clear();
            let mut bounded = input.by_ref().take(LINE_BYTES_MAX as u64 + 1);
            let read = bounded.read_until(b'\n', &mut text);
            if read.map_err(|source| ReadError::Input { line, source })? == 0 {
                return history.ok_or(ReadError::Empty);
            }
            if text.len() > LINE_BYTES_MAX {
                return Err(ReadError::Long { line });
            }
            if !text.trim_ascii().is_empty() {
                take(&mut history, parse(line, text.trim_ascii())?, line)?;
            }
        }
        Err(ReadError::Many)
    }
}

fn bad(line: usize, field: &str, problem: impl Into<String>) -> ReadError {
    ReadError::Bad { line, field: field.to_owned(), problem: problem.into() }
}

fn take(history: &mut Option<History>, read: Line, line: usize) -> Result<(), ReadError> {
    match (history, read) {
        (history @ None, Line::Begin(begin)) if begin.version == VERSION => {
            *history = Some(History::new(begin));
        }
        (None, Line::Begin(begin)) => {
            let problem = format!("is {}, expected {VERSION}", begin.version);
            return Err(bad(line, "version", problem));
        }
        (None, _) => return Err(bad(line, "kind", "the first line is of kind \"begin\"")),
        (Some(_), Line::Begin(_)) => return Err(bad(line, "kind", "a second \"begin\"")),
        (Some(history), _) if history.end.is_some() => {
            return Err(bad(line, "kind", "nothing follows a line of kind \"end\""));
        }
        (Some(history), read) => history.push(read),
    }
    Ok(())
}

fn parse(line: usize, text: &[u8]) -> Result<Line, ReadError> {
    let value: Value =
        serde_json::from_slice(text).map_err(|error| bad(line, "line", error.to_string()))?;
    let Value::Object(mut fields) = value else {
        return Err(bad(line, "line", "expected an object"));
    };
    let kind = match fields.remove("kind") {
        Some(Value::String(kind)) => kind,
        Some(_) => return Err(bad(line, "kind", "expected a string")),
        None => return Err(bad(line, "kind", "is missing")),
    };
    let body = Value::Object(fields);
    match kind.as_str() {
        "begin" => read_as(line, body).map(Line::Begin),
        "op" => read_as(line, body).map(|op| Line::Op(Box::new(op))),
        "receipt" => read_as(line, body).map(Line::Receipt),
        "fault" => read_as(line, body).map(Line::Fault),
        "unhealthy" => read_as(line, body).map(Line::Unhealthy),
        "tenure" => read_as(line, body).map(Line::Tenure),
        "sender_lost" => read_as(line, body).map(Line::SenderLost),
        "state_hash" => read_as(line, body).map(Line::StateHash),
        "task" => read_as(line, body).map(Line::Task),
        "end" => read_as(line, body).map(Line::End),
        other => Err(bad(line, "kind", format!("{other:?} is not known"))),
    }
}

fn read_as<T: serde::de::DeserializeOwned>(line: usize, body: Value) -> Result<T, ReadError> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "line".to_owned() } else { path };
        bad(line, &field, error.into_inner().to_string())
    })
}
