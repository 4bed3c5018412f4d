//! The public texts lead where they say: every relative link names something that exists.

use super::none;
use super::sources::{self, Source};

#[test]
fn a_link_leads_to_something_that_exists() {
    let mut breaches = Vec::new();
    for source in sources::texts().iter().filter(|source| source.path.ends_with(".md")) {
        for (line, target) in links(source) {
            let path = target.split('#').next().unwrap_or_default();
            let outside = target.contains("://") || path.is_empty();
            if !outside && !sources::exists(&beside(&source.path, path)) {
                breaches.push(source.at(line, &target));
            }
        }
    }
    none("a relative link of a text leads to a file or folder", breaches);
}

/// The targets of the inline links of a Markdown text, with their lines; code blocks have none.
fn links(source: &Source) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in source.text.lines().enumerate() {
        in_code ^= line.starts_with("```");
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            links.push((index + 1, target.to_owned()));
        }
    }
    links
}

/// `path` as seen from the folder of `file`.
fn beside(file: &str, path: &str) -> String {
    match file.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{path}"),
        None => path.to_owned(),
    }
}

#[test]
fn links_are_found_outside_of_code() {
    let text = "[a](b.md) and [c](d#e)\n```sh\n[f](g)\n```\n[h](https://i.j)\n";
    let source = Source { path: "docs/x.md".to_owned(), text: text.to_owned() };
    let expected = [(1, "b.md"), (1, "d#e"), (5, "https://i.j")];
    assert_eq!(links(&source), expected.map(|(line, target)| (line, target.to_owned())));
    assert_eq!(beside("docs/x.md", "b.md"), "docs/b.md");
    assert_eq!(beside("x.md", "b.md"), "b.md");
}
