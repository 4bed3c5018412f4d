//! YAML as JSON text, so that a file is read in one way and every number stays as it was written.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The most bytes that a file may come to, whatever its aliases stand for.
const BYTES_MAX: usize = 64 << 20;

/// A sequence or a mapping that has begun.
struct Open {
    is_mapping: bool,
    /// How many keys and values, or items, are there.
    parts: usize,
    /// Its anchor, and where its text begins.
    anchor: usize,
    begin: usize,
}

#[derive(Default)]
struct Writer {
    json: String,
    open: Vec<Open>,
    anchors: BTreeMap<usize, String>,
    /// How many bytes they hold.
    anchored: usize,
}

/// Each document of `text` as JSON.
pub(super) fn documents(text: &str) -> Result<Vec<String>, String> {
    let (mut documents, mut writer) = (Vec::new(), Writer::default());
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let line = span.start.line();
        let written = match event {
            Event::DocumentEnd => {
                documents.push(std::mem::take(&mut writer).json);
                Ok(())
            }
            event => writer.take(event),
        };
        written.map_err(|problem| format!("line {line}: {problem}"))?;
    }
    Ok(documents)
}

impl Writer {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar =
                    if self.is_key() { quoted(&text)? } else { scalar(&text, style, tag)? };
                self.put(&scalar)?;
                self.remember(anchor, scalar)?;
            }
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let text = known.ok_or("the alias stands for something that holds it")?;
                self.put(&text)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, false)?,
            Event::MappingStart(anchor, _) => self.begin(anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            _ => {}
        }
        Ok(())
    }

    /// Whether a key is to come.
    fn is_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.is_mapping && open.parts.is_multiple_of(2))
    }

    /// Writes what parts a value from the one before it.
    fn separate(&mut self) {
        if let Some(open) = self.open.last_mut() {
            match (open.parts, open.is_mapping) {
                (0, _) => {}
                (parts, true) if parts % 2 == 1 => self.json.push(':'),
                _ => self.json.push(','),
            }
            open.parts += 1;
        }
    }

    fn put(&mut self, text: &str) -> Result<(), String> {
        if self.is_key() && !text.starts_with('"') {
            return Err("a key is no text, expected the name of a field".to_owned());
        }
        if self.json.len() + text.len() > BYTES_MAX {
            return Err(format!("it comes to more than {BYTES_MAX} bytes"));
        }
        self.separate();
        self.json.push_str(text);
        Ok(())
    }

    fn begin(&mut self, anchor: usize, is_mapping: bool) -> Result<(), String> {
        if self.is_key() {
            return Err("a key is a list or a mapping, expected the name of a field".to_owned());
        }
        self.separate();
        self.open.push(Open { is_mapping, parts: 0, anchor, begin: self.json.len() });
        self.json.push(if is_mapping { '{' } else { '[' });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        self.json.push(if open.is_mapping { '}' } else { ']' });
        match open.anchor {
            0 => Ok(()),
            anchor => self.remember(anchor, self.json[open.begin..].to_owned()),
        }
    }

    /// Keeps what an anchor names; 0 is none.
    fn remember(&mut self, anchor: usize, text: String) -> Result<(), String> {
        if anchor > 0 {
            self.anchored += text.len();
            self.anchors.insert(anchor, text);
        }
        if self.anchored > BYTES_MAX {
            return Err(format!("what its anchors name comes to more than {BYTES_MAX} bytes"));
        }
        Ok(())
    }
}

/// A scalar by the core schema, numbers as they are written.
fn scalar(text: &str, style: ScalarStyle, tag: Option<Cow<'_, Tag>>) -> Result<String, String> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => return quoted(text),
        Some(tag) => return Err(format!("the tag {}{} is not read here", tag.handle, tag.suffix)),
        None if style != ScalarStyle::Plain => return quoted(text),
        None => {}
    }
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => "null".to_owned(),
        "true" | "True" | "TRUE" => "true".to_owned(),
        "false" | "False" | "FALSE" => "false".to_owned(),
        _ if is_number(text) => text.to_owned(),
        _ => return quoted(text),
    })
}

/// Whether it is a number as JSON writes it.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(text).is_ok()
}

fn quoted(text: &str) -> Result<String, String> {
    serde_json::to_string(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::documents;

    #[test]
    fn yaml_becomes_json_with_every_number_as_written() {
        for (yaml, json) in [
            (
                "a: 1.10\nb: 123456789012345678901234567890",
                "{\"a\":1.10,\"b\":123456789012345678901234567890}",
            ),
            ("- a\n- 'b'\n- \"c\\n\"\n- |\n  d\n", "[\"a\",\"b\",\"c\\n\",\"d\\n\"]"),
            (
                "a: ~\nb:\nc: true\nd: 'true'\ne: !!str 5",
                "{\"a\":null,\"b\":null,\"c\":true,\"d\":\"true\",\"e\":\"5\"}",
            ),
            ("1: a\ntrue: b", "{\"1\":\"a\",\"true\":\"b\"}"),
            ("a: &x {b: [1, 2]}\nc: *x", "{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[1,2]}}"),
            ("a: 05\nb: 0x1\nc: 0 9 * * *", "{\"a\":\"05\",\"b\":\"0x1\",\"c\":\"0 9 * * *\"}"),
            ("{\"a\": [1.0, {\"b\": \"c\"}], \"d\": {}}", "{\"a\":[1.0,{\"b\":\"c\"}],\"d\":{}}"),
        ] {
            assert_eq!(documents(yaml).as_deref(), Ok(&[json.to_owned()][..]), "{yaml}");
        }
        let two = documents("---\na: 1\n---\n- 2\n").expect("two documents");
        assert_eq!(two, ["{\"a\":1}", "[2]"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        for (yaml, expected) in [
            ("a: [1", "line"),
            ("a: 1\nb: !secret x", "line 2: the tag !secret is not read here"),
            ("? [a]\n: b", "a key is a list or a mapping"),
            ("a: *x", "unknown anchor"),
            ("&x a: *x", ""),
        ] {
            let read = documents(yaml);
            match expected {
                "" => assert!(read.is_ok(), "{yaml}: {read:?}"),
                expected => {
                    let said = read.expect_err(yaml);
                    assert!(said.contains(expected), "{yaml}: {said}");
                }
            }
        }
    }

    #[test]
    fn aliases_of_aliases_have_a_limit() {
        let mut yaml = "a0: &a0 [xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            yaml.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let said = documents(&yaml).expect_err("it would be a terabyte");
        assert!(said.contains("more than 67108864 bytes"), "{said}");
    }
}
