//! The files that the rules are about: everything in the workspace that somebody reads.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the workspace.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the top of the workspace, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The file's name without its ending.
    pub(crate) fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.split_once('.').map_or(name, |(stem, _)| stem)
    }

    /// Names a line of this file, as editors do.
    pub(crate) fn at(&self, line: usize, breach: &str) -> String {
        format!("{}:{line}: {breach}", self.path)
    }
}

/// What nobody writes by hand, at the top.
const SKIPPED: [&str; 3] = [".git", "target", "data"];
/// Endings of text files; a file without an ending is one too.
const TEXTS: [&str; 11] =
    ["rs", "md", "toml", "sql", "sh", "yml", "yaml", "json", "html", "js", "css"];

/// The text files of the workspace, in order of their paths.
pub(crate) fn texts() -> Vec<Source> {
    let top = top();
    let mut sources = Vec::new();
    collect(&top, &top, &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 50, "the workspace was found at {}", top.display());
    sources
}

/// The Rust files of the workspace.
pub(crate) fn code() -> Vec<Source> {
    let is_code = |source: &Source| source.path.ends_with(".rs");
    texts().into_iter().filter(is_code).collect()
}

/// The Rust files below `folder`.
pub(crate) fn code_in(folder: &str) -> Vec<Source> {
    let below = format!("{folder}/");
    let code: Vec<Source> = code().into_iter().filter(|s| s.path.starts_with(&below)).collect();
    assert!(!code.is_empty(), "{folder} holds Rust files");
    code
}

/// Whether there is a file or folder at `path` in the workspace.
pub(crate) fn exists(path: &str) -> bool {
    top().join(path).exists()
}

fn top() -> PathBuf {
    let mut top = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    top.pop();
    top
}

fn collect(top: &Path, folder: &Path, sources: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).expect("a folder of the workspace can be listed");
    for entry in entries {
        let path = entry.expect("an entry of a folder can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // In a worktree of git `.git` is a file.
        if folder == top && SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(top, &path, sources);
        } else if path.extension().is_none_or(|end| TEXTS.iter().any(|text| end == *text)) {
            // What is no text has no lines; what was deleted meanwhile has none either.
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let relative = path.strip_prefix(top).expect("it is below the top");
            let path = relative.to_string_lossy().replace('\\', "/");
            sources.push(Source { path, text });
        }
    }
}

#[test]
fn every_member_of_the_workspace_is_walked() {
    let sources = texts();
    let walked = |path: &str| sources.iter().any(|source| source.path == path);
    let root = fs::read_to_string(top().join("Cargo.toml")).expect("the workspace has a root");
    let (_, members) = root.split_once("members = [").expect("it lists its members");
    let (members, _) = members.split_once(']').expect("the list ends");
    for member in members.split(',').map(|member| member.trim().trim_matches('"')) {
        if !member.is_empty() {
            assert!(walked(&format!("{member}/Cargo.toml")), "{member}");
        }
    }
    assert!(walked("Cargo.toml"));
    assert!(walked(".ci/run"));
}
