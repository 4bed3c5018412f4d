//! The fields of a JSON object from outside: each is taken once, by the type it must have.
//!
//! Nothing is built before it is asked for: an object is a list of names, each with the text of
//! its value. So a hostile depth costs no stack, a number is never rounded on its way, and an
//! error can say which field was wrong and what was expected instead.

use super::refusal::Refusal;
use crate::answer::Code;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The most fields of one object.
const FIELDS_MAX: usize = 64;

/// The fields of one object that were not taken yet.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// What the object's fields are named under: `callback.` for `callback.url`.
    path: &'static str,
    entries: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    /// Reads the body of a request.
    pub(super) fn of_body(body: &'a [u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|error| {
            let message = format!("body is not UTF-8 after byte {}", error.valid_up_to());
            Refusal::new(Code::Malformed, message)
        })?;
        let trimmed = text.trim_ascii_start();
        if !trimmed.is_empty() && matches!(kind(trimmed), Some(other) if other != "an object") {
            return Err(Refusal::field("body", "is no object, expected a JSON object"));
        }
        Self::parse(text, "").map_err(|error| {
            Refusal::new(Code::Malformed, format!("body is not acceptable JSON: {error}"))
        })
    }

    /// Takes the object under `name`; its fields are named under `path` from then on.
    pub(super) fn object(
        &mut self,
        name: &'static str,
        path: &'static str,
    ) -> Result<Option<Self>, Refusal> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        if kind(value.get()) != Some("an object") {
            return Err(self.wrong(name, value, "an object"));
        }
        let parsed = Self::parse(value.get(), path);
        parsed.map(Some).map_err(|error| self.refuse(name, &format!("is refused: {error}")))
    }

    /// Takes the text under `name`.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        self.text_of(name, value).map(Some)
    }

    /// The same, kept beyond the request.
    pub(super) fn owned_text(&mut self, name: &'static str) -> Result<Option<String>, Refusal> {
        Ok(self.text(name)?.map(Cow::into_owned))
    }

    /// Takes the whole number under `name`.
    pub(super) fn integer(&mut self, name: &'static str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        let text = value.get();
        if kind(text) != Some("a number") {
            return Err(self.wrong(name, value, "an integer"));
        }
        text.parse().map(Some).map_err(|_not_whole| {
            let problem = format!("is {}, expected an integer of at most 63 bits", short(text));
            self.refuse(name, &problem)
        })
    }

    /// Takes the whole number under `name` that is not negative.
    pub(super) fn count(&mut self, name: &'static str) -> Result<Option<u64>, Refusal> {
        let Some(number) = self.integer(name)? else {
            return Ok(None);
        };
        let negative = |_| self.refuse(name, &format!("is {number}, expected 0 or more"));
        u64::try_from(number).map(Some).map_err(negative)
    }

    /// Takes the truth value under `name`.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Refusal> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        match value.get() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(self.wrong(name, value, "true or false")),
        }
    }

    /// Takes the array under `name`, value by value as they are written.
    pub(super) fn array(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Vec<&'a RawValue>>, Refusal> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        if kind(value.get()) != Some("an array") {
            return Err(self.wrong(name, value, "an array"));
        }
        let parsed = serde_json::from_str(value.get());
        parsed.map(Some).map_err(|error| self.refuse(name, &format!("is refused: {error}")))
    }

    /// Takes the array of texts under `name`.
    pub(super) fn text_array(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Vec<Cow<'a, str>>>, Refusal> {
        let Some(values) = self.array(name)? else {
            return Ok(None);
        };
        values
            .into_iter()
            .map(|value| self.text_of(name, value))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Reads an object that stands alone, such as an item of an array.
    pub(super) fn of_value(value: &'a RawValue) -> Result<Self, Refusal> {
        Self::of_body(value.get().as_bytes())
    }

    /// Takes the map of text to text under `name`.
    pub(super) fn texts(
        &mut self,
        name: &'static str,
    ) -> Result<Option<BTreeMap<String, String>>, Refusal> {
        let Some(object) = self.object(name, "")? else {
            return Ok(None);
        };
        let mut texts = BTreeMap::new();
        for (key, value) in object.entries {
            let text = self.text_of(name, value)?;
            texts.insert(key.into_owned(), text.into_owned());
        }
        Ok(Some(texts))
    }

    /// Takes the value under `name` as it is written; `null` is no value.
    pub(super) fn raw(&mut self, name: &str) -> Option<&'a RawValue> {
        let at = self.entries.iter().position(|(key, _)| key == name)?;
        let (_key, value) = self.entries.swap_remove(at);
        (value.get() != "null").then_some(value)
    }

    /// Makes `target` what `read` takes under `name`: it becomes `default` when that is `null`,
    /// and stays as it is when there is nothing.
    pub(super) fn set<T, V: Into<T>>(
        &mut self,
        name: &'static str,
        target: &mut T,
        default: T,
        read: impl FnOnce(&mut Self, &'static str) -> Result<Option<V>, Refusal>,
    ) -> Result<(), Refusal> {
        let is_null = self.entries.iter().any(|(key, raw)| key == name && raw.get() == "null");
        match read(self, name)? {
            Some(value) => *target = value.into(),
            None if is_null => *target = default,
            None => {}
        }
        Ok(())
    }

    /// Refuses whatever was not taken.
    pub(super) fn finish(self, known: &[&str]) -> Result<(), Refusal> {
        let Some((unknown, _)) = self.entries.first() else {
            return Ok(());
        };
        let field = format!("{}{}", self.path, short(unknown));
        Err(Refusal::field(&field, format!("is unknown, expected one of {}", known.join(", "))))
    }

    /// Refuses the field `name`.
    pub(super) fn refuse(&self, name: &str, problem: &str) -> Refusal {
        Refusal::field(&format!("{}{name}", self.path), problem)
    }

    /// Refuses a request that has no field `name`.
    pub(super) fn missing(&self, name: &str, expected: &str) -> Refusal {
        self.refuse(name, &format!("is missing, expected {expected}"))
    }

    fn wrong(&self, name: &str, value: &RawValue, expected: &str) -> Refusal {
        let found = kind(value.get()).unwrap_or("something else");
        self.refuse(name, &format!("is {found}, expected {expected}"))
    }

    fn text_of(&self, name: &str, value: &'a RawValue) -> Result<Cow<'a, str>, Refusal> {
        let text = value.get();
        if kind(text) != Some("a string") {
            return Err(self.wrong(name, value, "a string"));
        }
        let inner = &text[1..text.len() - 1];
        let text =
            if inner.contains('\\') {
                let read: Result<String, _> = serde_json::from_str(text);
                Cow::Owned(read.map_err(|error| {
                    self.refuse(name, &format!("is no readable string: {error}"))
                })?)
            } else {
                Cow::Borrowed(inner)
            };
        if text.contains('\0') {
            return Err(self.refuse(name, "holds the character U+0000, expected none"));
        }
        Ok(text)
    }

    fn parse(text: &'a str, path: &'static str) -> serde_json::Result<Self> {
        let entries: Entries<'a> = serde_json::from_str(text)?;
        Ok(Self { path, entries: entries.0 })
    }
}

/// What a JSON text begins as.
fn kind(text: &str) -> Option<&'static str> {
    Some(match text.as_bytes().first()? {
        b'{' => "an object",
        b'[' => "an array",
        b'"' => "a string",
        b't' | b'f' => "a truth value",
        b'n' => "null",
        b'-' | b'0'..=b'9' => "a number",
        _ => return None,
    })
}

/// `text` as it may stand in a message.
pub(super) fn short(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    let shown: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_default).collect();
    if text.chars().nth(SHOWN_MAX).is_some() { format!("{shown}...") } else { shown }
}

struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor).map(Entries)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Self::Value = Vec::with_capacity(8);
        while let Some(Key(key)) = map.next_key()? {
            if entries.len() == FIELDS_MAX {
                return Err(A::Error::custom(format!("more than {FIELDS_MAX} fields")));
            }
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(format!("the field {} is there twice", short(&key))));
            }
            let value: &'de RawValue = map.next_value()?;
            entries.push((key, value));
        }
        Ok(entries)
    }
}

/// A name that is borrowed from the text unless it holds escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(text.to_owned())))
    }
}
