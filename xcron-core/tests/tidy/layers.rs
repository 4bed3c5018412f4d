//! The layout is the architecture: within xcron-core an arrow of imports never runs back up.

use super::lexer::{Token, tokens};
use super::{none, sources};
use std::collections::BTreeMap;

/// The modules of xcron-core from the ground up: each may use itself and those before it.
const LAYERS: [&str; 14] = [
    "mutant",
    "time",
    "clock",
    "schedule",
    "task",
    "store",
    "dispatch",
    "dispatch_fn",
    "observe",
    "settings",
    "decide",
    "engine",
    "scheduler",
    "testing",
];

#[test]
fn an_arrow_of_imports_never_runs_back_up() {
    let core = sources::code_in("xcron-core/src");
    let lib = core.iter().find(|source| source.path.ends_with("/src/lib.rs"));
    let lib = tokens(&lib.expect("the crate has a root").text);
    let exports = exports(&lib);
    let layer = |module: &str| LAYERS.iter().position(|known| *known == module);
    let mut breaches = Vec::new();
    for source in &core {
        let path = source.path.trim_start_matches("xcron-core/src/");
        let module = path.split(['/', '.']).next().unwrap_or_default();
        if module == "lib" {
            continue;
        }
        let Some(own) = layer(module) else {
            breaches.push(source.at(1, &format!("{module} has no place among the layers")));
            continue;
        };
        for (line, name) in root_names(&tokens(&source.text), depth(path)) {
            let used = exports.get(name).copied().unwrap_or(name);
            if layer(used).is_none_or(|used| used > own) {
                breaches.push(source.at(line, &format!("{module} uses {used} ({name})")));
            }
        }
    }
    none("a module of xcron-core uses only those before it in LAYERS", breaches);
}

/// How many `super` lead from the file at `path` to the root of its crate.
fn depth(path: &str) -> usize {
    let parts = path.split('/').count();
    if path.ends_with("/mod.rs") || path == "lib.rs" { parts - 1 } else { parts }
}

/// What the root of the crate exports: from a name to the module that it comes from.
fn exports<'a>(lib: &[Token<'a>]) -> BTreeMap<&'a str, &'a str> {
    let mut exports = BTreeMap::new();
    for (at, token) in lib.iter().enumerate() {
        if token.text == "use" {
            for path in tree(lib, &mut (at + 1), &[]) {
                if let [module, .., name] = path[..] {
                    exports.insert(name, module);
                }
            }
        }
    }
    exports
}

/// The names at the root of the crate that `tokens` use, by `crate::` or by as many `super::` as
/// lead there from a file `depth` modules below the root, with their lines.
fn root_names<'a>(tokens: &[Token<'a>], depth: usize) -> Vec<(usize, &'a str)> {
    let mut names = Vec::new();
    let mut braces: Vec<bool> = Vec::new();
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut at = 0;
    while at < tokens.len() {
        match text(at) {
            "{" => braces.push(at >= 2 && text(at - 2) == "mod"),
            "}" => {
                braces.pop();
            }
            start @ ("crate" | "super") => {
                let line = tokens[at].line;
                let mut supers = usize::from(start == "super");
                at += 1;
                while text(at) == ":" && text(at + 1) == ":" && text(at + 2) == "super" {
                    (supers, at) = (supers + 1, at + 3);
                }
                let inline = braces.iter().filter(|is_mod| **is_mod).count();
                let at_root = start == "crate" || supers >= depth + inline;
                if at_root && text(at) == ":" && text(at + 1) == ":" {
                    let paths = tree(tokens, &mut (at + 2), &[]);
                    names.extend(paths.iter().filter_map(|path| Some((line, *path.first()?))));
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    names
}

/// The paths of the use tree at `at`: `a::{b, c::d as e}` is `a::b` and `a::c::e`.
fn tree<'a>(tokens: &[Token<'a>], at: &mut usize, prefix: &[&'a str]) -> Vec<Vec<&'a str>> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut path = prefix.to_vec();
    loop {
        match text(*at) {
            "{" => {
                let mut paths = Vec::new();
                *at += 1;
                while !matches!(text(*at), "}" | "") {
                    paths.extend(tree(tokens, at, &path));
                    if text(*at) == "," {
                        *at += 1;
                    } else if text(*at) != "}" {
                        return paths;
                    }
                }
                *at += 1;
                return paths;
            }
            word if word.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                path.push(word);
                *at += 1;
                if text(*at) == "as" {
                    path.pop();
                    path.push(text(*at + 1));
                    *at += 2;
                }
                if text(*at) == ":" && text(*at + 1) == ":" {
                    *at += 2;
                    continue;
                }
                return vec![path];
            }
            _ => return vec![path],
        }
    }
}

#[test]
fn names_at_the_root_are_found_in_every_spelling() {
    let cases: [(usize, &str, &[&str]); 9] = [
        (1, "use crate::task::id::TaskId;", &["task"]),
        (1, "use crate::{Clock, store::{Claim, Store}};", &["Clock", "store", "store"]),
        (2, "fn f() -> crate::Timestamp { crate::decide::claim() }", &["Timestamp", "decide"]),
        (1, "use super::engine::Load;", &["engine"]),
        (2, "use super::step::Done;", &[]),
        (2, "use super::super::engine;", &["engine"]),
        (1, "mod tests { use super::*; }", &[]),
        (1, "mod tests { use super::super::engine; }", &["engine"]),
        (1, "// crate::engine\nlet s = \"crate::engine\"; pub(crate) struct A;", &[]),
    ];
    for (depth, source, expected) in cases {
        let names: Vec<&str> =
            root_names(&tokens(source), depth).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, expected, "{source}");
    }
}

#[test]
fn exports_lead_back_to_their_module() {
    let lib = tokens("pub use store::{Claim, memory::Memory as Store}; pub use time::Timestamp;");
    let expected = [("Claim", "store"), ("Store", "store"), ("Timestamp", "time")];
    assert_eq!(exports(&lib), BTreeMap::from(expected));
}

#[test]
fn a_file_is_as_deep_as_its_module() {
    let cases = [("lib.rs", 0), ("time.rs", 1), ("task/mod.rs", 1), ("task/id.rs", 2)];
    for (path, expected) in cases {
        assert_eq!(depth(path), expected, "{path}");
    }
}
