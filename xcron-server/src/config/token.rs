//! Who may call the API: what a token in the configuration is made of, and what is wrong with one.

use super::rule::{found, is_variable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::str::FromStr;
use toml::{Table, Value};
use xcron_http::{Role, TokenDigest};

/// The most tokens.
const TOKENS_MAX: usize = 256;
/// The longest name of one.
const NAME_BYTES_MAX: usize = 64;
/// What callers without a token are called.
const NAME_TAKEN: &str = "anonymous";
/// A shorter token could be guessed.
const TOKEN_BYTES_MIN: usize = 16;
/// A longer one would not fit into a request's head with whatever else stands there.
const TOKEN_BYTES_MAX: usize = 4_096;
/// What a token consists of in the configuration.
const FIELDS: [&str; 3] = ["name", "token_env", "role"];

/// One token for the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// What its bearer is called in the audit log.
    pub name: String,
    /// The variable that holds the token.
    pub token_env: String,
    /// What its bearer may do.
    pub role: Role,
    /// The token, as the environment held it when the configuration was loaded.
    #[serde(skip)]
    pub(super) digest: Option<TokenDigest>,
}

impl TokenConfig {
    /// The digest of the token; `None` unless the configuration was loaded.
    #[must_use]
    pub const fn digest(&self) -> Option<TokenDigest> {
        self.digest
    }

    /// The digest of the token among `variables`, or what is wrong with it. The name of its
    /// variable is not told: it may be the token itself, put in the wrong place.
    pub(super) fn read(&self, variables: &[(OsString, OsString)]) -> Result<TokenDigest, String> {
        let found = variables.iter().find(|(name, _)| *name == *self.token_env);
        let token = found.map(|(_, value)| value.as_encoded_bytes());
        let problem = match token.map(<[u8]>::len) {
            None => "is not set".to_owned(),
            Some(bytes) if !(TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&bytes) => {
                format!("has {bytes} bytes")
            }
            Some(_) if !token.is_some_and(|token| token.iter().all(u8::is_ascii_graphic)) => {
                "holds other bytes than visible ASCII".to_owned()
            }
            Some(_) => return Ok(TokenDigest::of(token.unwrap_or_default())),
        };
        Err(format!(
            "the variable that the token_env of \"{}\" names {problem}, set it to the token, \
             {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} bytes of visible ASCII",
            self.name
        ))
    }
}

/// What is wrong with a list of tokens by itself, if anything.
pub(super) fn check(items: &[Value]) -> Result<(), String> {
    if items.len() > TOKENS_MAX {
        return Err(format!("expected at most {TOKENS_MAX} tokens, found {}", items.len()));
    }
    let mut names = BTreeSet::new();
    for (number, item) in (1..).zip(items) {
        let Value::Table(token) = item else {
            return Err(format!("token {number}: expected {}", example()));
        };
        let name = check_one(token).map_err(|problem| format!("token {number}: {problem}"))?;
        if !names.insert(name) {
            return Err(format!(
                "token {number}: name: expected each name once, found \"{name}\" again"
            ));
        }
    }
    Ok(())
}

/// A token as somebody would write it.
pub(super) fn example() -> String {
    "{ name = \"ci\", token_env = \"XCRON_CI_TOKEN\", role = \"write\" }".into()
}

/// The name of a token with nothing wrong. What may be the token itself is not shown.
fn check_one(token: &Table) -> Result<&str, String> {
    if token.keys().any(|key| !FIELDS.contains(&key.as_str())) {
        return Err(format!("has an unknown field, expected {}", FIELDS.join(", ")));
    }
    let field = |name: &str| match token.get(name) {
        Some(value) => Ok(value),
        None => Err(format!("{name} is missing, expected {}", example())),
    };
    let name = match field("name")? {
        Value::String(name) if is_name(name) && name != NAME_TAKEN => name,
        Value::String(name) if name == NAME_TAKEN => {
            return Err(format!(
                "name: \"{NAME_TAKEN}\" is what callers without a token are called, expected \
                 another name"
            ));
        }
        value => {
            return Err(format!(
                "name: expected 1 to {NAME_BYTES_MAX} of A-Z a-z 0-9 . _ -, found {}",
                found(value)
            ));
        }
    };
    match field("token_env")? {
        Value::String(name) if !name.is_empty() && is_variable(name) => {}
        _ => {
            let expected = "the name of an environment variable, not its value";
            return Err(format!("token_env: expected {expected}"));
        }
    }
    match field("role")? {
        Value::String(role) if Role::from_str(role).is_ok() => Ok(name),
        value => {
            let expected = Role::ALL.map(|role| format!("\"{role}\"")).join(" or ");
            Err(format!("role: expected {expected}, found {}", found(value)))
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_part)
}
