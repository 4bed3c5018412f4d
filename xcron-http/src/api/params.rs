//! The parameters of a query string: each is taken once; unknown and repeated ones are refused.

use super::fields::short;
use super::refusal::Refusal;
use std::borrow::Cow;
use url::form_urlencoded;
use xcron_core::Consistency;

/// The most parameters of one request.
const PARAMS_MAX: usize = 64;

/// The parameters that were not taken yet.
#[derive(Debug)]
pub(super) struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Params<'a> {
    /// Reads what follows the `?` of a URL.
    pub(super) fn parse(query: Option<&'a str>) -> Result<Self, Refusal> {
        Self::parse_repeating(query, "")
    }

    /// The same, where the parameter `repeats` may be there several times.
    pub(super) fn parse_repeating(query: Option<&'a str>, repeats: &str) -> Result<Self, Refusal> {
        let mut params: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if params.len() == PARAMS_MAX {
                return Err(Refusal::field("query", format!("has over {PARAMS_MAX} parameters")));
            }
            if name != repeats && params.iter().any(|(known, _)| *known == name) {
                return Err(Refusal::field(&short(&name), "is there twice, expected it once"));
            }
            params.push((name, value));
        }
        Ok(Self(params))
    }

    /// Takes the parameter `name`.
    pub(super) fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes the whole number `name`.
    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_not_whole| {
            Refusal::field(name, format!("is {}, expected an integer", short(&text)))
        })
    }

    /// Takes the whole number `name` from `min` to `max`.
    pub(super) fn within(
        &mut self,
        name: &str,
        min: i64,
        max: i64,
    ) -> Result<Option<i64>, Refusal> {
        let number = self.integer(name)?;
        if let Some(number) = number.filter(|number| !(min..=max).contains(number)) {
            return Err(Refusal::field(name, format!("is {number}, expected {min} to {max}")));
        }
        Ok(number)
    }

    /// Takes the truth value `name`.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.take(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => {
                let problem = format!("is {}, expected true or false", short(other));
                Err(Refusal::field(name, problem))
            }
        }
    }

    /// Takes `consistency`.
    pub(super) fn consistency(&mut self) -> Result<Consistency, Refusal> {
        match self.take("consistency").as_deref() {
            None | Some("linearizable") => Ok(Consistency::Linearizable),
            Some("stale") => Ok(Consistency::Stale),
            Some(other) => {
                let problem = format!("is {}, expected linearizable or stale", short(other));
                Err(Refusal::field("consistency", problem))
            }
        }
    }

    /// Refuses whatever was not taken.
    pub(super) fn finish(self, known: &[&str]) -> Result<(), Refusal> {
        let Some((unknown, _)) = self.0.first() else {
            return Ok(());
        };
        let problem = match known {
            [] => "is unknown, expected no parameters".to_owned(),
            _ => format!("is unknown, expected one of {}", known.join(", ")),
        };
        Err(Refusal::field(&short(unknown), problem))
    }
}
