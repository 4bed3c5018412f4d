//! Lays flags over the environment over the file over the defaults, and checks every layer.

use super::contradictions::contradictions;
use super::error::{ConfigError, ConfigErrors, Origin};
use super::key::{KEYS, Key, VARIABLE_PREFIX, find, meant, variable};
use super::secret::Secret;
use super::{Config, document};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The file that is read when none is named, if it exists.
const DEFAULT_FILE: &str = "./xcron.toml";

/// Everything that a configuration is made from.
///
/// ```
/// use xcron_server::config::{Layers, load};
///
/// let layers = Layers {
///     file: None,
///     variables: vec![("XCRON_HTTP_PORT".into(), "9000".into())],
///     flags: vec!["drain_seconds=5".into()],
/// };
/// let config = load(&layers).expect("both values are good");
/// assert_eq!((config.http_port, config.drain_seconds), (9000, 5));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The file that was named; `./xcron.toml` is read if there is one when none was.
    pub file: Option<PathBuf>,
    /// The environment: `XCRON_` and the key's path in capitals, joined by `__`.
    pub variables: Vec<(OsString, OsString)>,
    /// What `--set` was given: `key=value`.
    pub flags: Vec<String>,
}

/// A value that somebody gave to a key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: &'static Key,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// The configuration that `layers` amount to.
///
/// # Errors
/// Everything that is wrong in any of them, in the order file, environment, flags.
pub fn load(layers: &Layers) -> Result<Config, ConfigErrors> {
    lay(file_entries(layers.file.as_deref()), layers)
}

/// The configuration that what was `read` of a file and the other `layers` amount to.
pub(super) fn lay(
    read: (Vec<Entry>, Vec<ConfigError>),
    layers: &Layers,
) -> Result<Config, ConfigErrors> {
    let defaults = defaults();
    let (mut entries, mut errors) = read;
    for read in [variable_entries(&layers.variables), flag_entries(&layers.flags)] {
        entries.extend(read.0);
        errors.extend(read.1);
    }
    let mut given: BTreeMap<&str, Entry> = BTreeMap::new();
    for entry in entries {
        let path = entry.key.path;
        if let Err(problem) = entry.key.rule.check(&entry.value) {
            errors.push(ConfigError::new(entry.origin.clone(), path, problem));
        }
        given.insert(path, entry);
    }
    // Values are put together only when each is good by itself: what follows from a bad one would
    // only hide it.
    if !errors.is_empty() {
        return Err(ConfigErrors(errors));
    }
    let mut config = assemble(defaults, &given).map_err(|error| ConfigErrors(vec![error]))?;
    config.peer.secret = secret(&config.peer.secret_env, &layers.variables);
    for token in &mut config.auth.tokens {
        token.digest = token.read(&layers.variables).ok();
    }
    // Who asks for tokens means it.
    config.auth.allow_anonymous &=
        config.auth.tokens.is_empty() || given.contains_key("auth.allow_anonymous");
    let signing = &mut config.callback;
    signing.signing_secret = secret(&signing.signing_secret_env, &layers.variables);
    let contradictions = contradictions(&config, &given, &layers.variables);
    if contradictions.is_empty() { Ok(config) } else { Err(ConfigErrors(contradictions)) }
}

/// What the environment holds under `name`; an empty name names nothing.
fn secret(name: &str, variables: &[(OsString, OsString)]) -> Option<Secret> {
    let (_, value) = variables.iter().find(|(known, _)| !name.is_empty() && known == name)?;
    Some(Secret::new(value.as_encoded_bytes().to_vec()))
}

fn defaults() -> Table {
    Table::try_from(Config::default()).expect("a configuration consists of plain TOML values")
}

fn assemble(mut table: Table, given: &BTreeMap<&str, Entry>) -> Result<Config, ConfigError> {
    for (path, entry) in given {
        let (section, name) = path.split_once('.').unwrap_or(("", path));
        let within = match section {
            "" => Some(&mut table),
            _ => table.get_mut(section).and_then(Value::as_table_mut),
        };
        if let Some(within) = within {
            within.insert(name.into(), entry.value.clone());
        }
    }
    table.try_into().map_err(|error: toml::de::Error| {
        ConfigError::without_key(Origin::Default, error.message().replace('\n', ", "))
    })
}

fn file_entries(named: Option<&Path>) -> (Vec<Entry>, Vec<ConfigError>) {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    let is_absent = || {
        let found = std::fs::symlink_metadata(path);
        found.is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    if named.is_none() && is_absent() {
        return Default::default();
    }
    match document::text_of(path) {
        Ok(text) => document::entries(path, &text),
        Err(error) => (Vec::new(), vec![error]),
    }
}

fn variable_entries(variables: &[(OsString, OsString)]) -> (Vec<Entry>, Vec<ConfigError>) {
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    let known: BTreeMap<_, _> = KEYS.iter().map(|key| (variable(key.path), key)).collect();
    let mut variables: Vec<_> = variables.iter().collect();
    variables.sort();
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        let Some(suffix) = name.strip_prefix(VARIABLE_PREFIX) else {
            continue;
        };
        let origin = Origin::Variable(name.into());
        match (known.get(suffix), value.to_str()) {
            (Some(key), Some(text)) => {
                entries.push(Entry { key, value: key.rule.read(text), origin });
            }
            (Some(key), None) => {
                errors.push(ConfigError::new(origin, key.path, "expected text in UTF-8"));
            }
            // Other names are not refused: secrets live in them, and some platforms add their own.
            (None, _) => {
                if is_in_a_section(suffix) {
                    let problem = "unknown variable, no key of this section has that name";
                    errors.push(ConfigError::without_key(origin, problem));
                } else if let Some(likely) = meant(suffix, known.keys().map(String::as_str)) {
                    let problem =
                        format!("unknown variable, did you mean {VARIABLE_PREFIX}{likely}?");
                    errors.push(ConfigError::without_key(origin, problem));
                }
            }
        }
    }
    (entries, errors)
}

/// Whether a variable names a key below one of the sections, which nothing else would.
fn is_in_a_section(suffix: &str) -> bool {
    let section = suffix.split_once("__").map(|(section, _)| section.to_ascii_lowercase());
    let is_of = |path: &str| path.split_once('.').map(|(of, _)| of) == section.as_deref();
    section.is_some() && KEYS.iter().any(|key| is_of(key.path))
}

fn flag_entries(flags: &[String]) -> (Vec<Entry>, Vec<ConfigError>) {
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    for flag in flags {
        let Some((path, text)) = flag.split_once('=') else {
            let problem = "expected key=value such as http_port=8000";
            errors.push(ConfigError::without_key(Origin::Flag, problem));
            continue;
        };
        match find(path.trim()) {
            Some(key) => {
                let value = key.rule.read(text);
                entries.push(Entry { key, value, origin: Origin::Flag });
            }
            None => errors.push(document::unknown_key(Origin::Flag, path)),
        }
    }
    (entries, errors)
}
