//! Reads a configuration file into one entry per key, each with the line it stands on.

use super::error::{ConfigError, Origin};
use super::key::{KEYS, find, is_section, meant};
use super::layers::Entry;
use std::io::{self, Read};
use std::path::Path;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// The most bytes of a configuration file.
const FILE_BYTES_MAX: u64 = 1_048_576;

/// The text of the file at `path`.
pub(super) fn text_of(path: &Path) -> Result<String, ConfigError> {
    let file_error = |problem: String| ConfigError::without_key(Origin::file(path), problem);
    let unreadable = |error: io::Error| file_error(format!("cannot be read: {error}"));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(file_error(format!("has more than {FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = line_of(error.as_bytes(), error.utf8_error().valid_up_to());
        ConfigError::without_key(Origin::line(path, line), "expected text in UTF-8")
    })
}

/// The entries of the file at `path` with this `text`, and what cannot be an entry.
pub(super) fn entries(path: &Path, text: &str) -> (Vec<Entry>, Vec<ConfigError>) {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at);
    let line_ends = ends.collect();
    let mut document = Document { path, line_ends, entries: Vec::new(), errors: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => document.walk("", table.get_ref()),
        Err(error) => {
            let line = document.line_at(error.span().map_or(0, |span| span.start));
            let message = error.message().replace('\n', ", ");
            let origin = Origin::line(path, line);
            document.errors.push(ConfigError::without_key(origin, message));
        }
    }
    (document.entries, document.errors)
}

struct Document<'a> {
    path: &'a Path,
    /// Where the lines of its text end.
    line_ends: Vec<usize>,
    entries: Vec<Entry>,
    errors: Vec<ConfigError>,
}

impl Document<'_> {
    /// The line, from 1, that holds the byte at `offset`.
    fn line_at(&self, offset: usize) -> usize {
        1 + self.line_ends.partition_point(|end| *end < offset)
    }

    fn walk(&mut self, prefix: &str, table: &DeTable<'_>) {
        let mut items: Vec<_> = table.iter().collect();
        items.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in items {
            let path = format!("{prefix}{}", name.get_ref());
            let line = self.line_at(name.span().start);
            let origin = Origin::line(self.path, line);
            if let Some(key) = find(&path) {
                self.entries.push(Entry { key, value: plain(value), origin });
                continue;
            }
            match value.get_ref() {
                DeValue::Table(section) if is_section(&path) => {
                    self.walk(&format!("{path}."), section);
                }
                _ if is_section(&path) => {
                    let problem = format!("expected a table, write [{path}] on a line of its own");
                    self.errors.push(ConfigError::new(origin, &path, problem));
                }
                _ => self.errors.push(unknown_key(origin, &path)),
            }
        }
    }
}

/// The refusal of a key that does not exist.
pub(super) fn unknown_key(origin: Origin, path: &str) -> ConfigError {
    let shown: String = path.chars().take(60).flat_map(char::escape_debug).collect();
    let last = path.rsplit('.').next().unwrap_or(path);
    let known = || KEYS.iter().map(|key| key.path);
    let same_name = known().find(|known| known.rsplit('.').next() == Some(last));
    let problem = match meant(path, known()).or(same_name) {
        Some(known) => format!("unknown key, did you mean {known}?"),
        None => "unknown key".into(),
    };
    ConfigError::new(origin, &shown, problem)
}

/// The value without its positions; an integer beyond 64 bits becomes its text.
fn plain(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or_else(|_| Value::String(integer.as_str().into()), Value::Integer),
        DeValue::Float(float) => {
            float.as_str().parse().map_or_else(|_| Value::Float(f64::NAN), Value::Float)
        }
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(datetime) => Value::Datetime(*datetime),
        DeValue::Array(items) => Value::Array(items.iter().map(plain).collect()),
        DeValue::Table(table) => {
            let items = table.iter();
            Value::Table(Table::from_iter(
                items.map(|(name, value)| (name.get_ref().to_string(), plain(value))),
            ))
        }
    }
}

/// The line, from 1, that holds the byte at `offset`.
fn line_of(text: &[u8], offset: usize) -> usize {
    let before = &text[..offset.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
