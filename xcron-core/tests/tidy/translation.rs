//! The Chinese README says the same as the English one, as far as a program can tell: its code and
//! its links are those of the other.

use super::none;
use super::sources;
use std::collections::BTreeSet;

const ENGLISH: &str = "README.md";
const CHINESE: &str = "README_CN.md";

/// What two texts in different languages have in common.
#[derive(Debug, Default)]
struct Common {
    /// Blocks of code, in their order, with the line that says what they are.
    blocks: Vec<String>,
    /// Code within a line.
    spans: BTreeSet<String>,
    /// Where links and pictures lead, but for places of the text itself and of its translation.
    links: BTreeSet<String>,
    /// How deep each heading is, and how many rows each table has, in their order.
    shape: Vec<String>,
}

impl Common {
    fn of(text: &str) -> Self {
        let mut common = Self::default();
        let mut block: Option<String> = None;
        let mut rows = 0;
        for line in text.lines().chain([""]) {
            match &mut block {
                Some(open) => {
                    open.push_str(line);
                    open.push('\n');
                    if line == "```" {
                        common.blocks.extend(block.take());
                    }
                }
                None if line.starts_with("```") => block = Some(format!("{line}\n")),
                None => common.take(line, &mut rows),
            }
        }
        common
    }

    fn take(&mut self, line: &str, rows: &mut usize) {
        if line.starts_with('|') {
            *rows += 1;
        } else if *rows > 0 {
            self.shape.push(format!("a table of {rows} rows"));
            *rows = 0;
        }
        if let Some((depth, _)) = line.split_once(' ').filter(|(depth, _)| depth.starts_with('#')) {
            self.shape.push(format!("{depth} a heading"));
        }
        let spans = line.split('`').skip(1).step_by(2);
        self.spans.extend(spans.map(str::to_owned));
        let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let is_elsewhere = |to: &&str| !to.starts_with('#') && ![ENGLISH, CHINESE].contains(to);
        self.links.extend(links.filter(is_elsewhere).map(str::to_owned));
    }
}

/// What is there in one of the two alone.
fn apart(what: &str, english: &BTreeSet<String>, chinese: &BTreeSet<String>) -> Vec<String> {
    let missing = english.difference(chinese).map(|each| format!("no {what} {each}"));
    let added = chinese.difference(english).map(|each| format!("one {what} more: {each}"));
    missing.chain(added).collect()
}

fn text(name: &str) -> String {
    let found = sources::texts().into_iter().find(|source| source.path == name);
    found.map(|source| source.text).unwrap_or_default()
}

#[test]
fn the_chinese_readme_has_the_code_the_links_and_the_shape_of_the_english_one() {
    let (english, chinese) = (text(ENGLISH), text(CHINESE));
    assert!(english.contains(CHINESE) && chinese.contains(ENGLISH), "each leads to the other");
    let (english, chinese) = (Common::of(&english), Common::of(&chinese));
    assert!(english.blocks.len() > 5 && english.spans.len() > 50, "{english:?}");
    assert_eq!(chinese.blocks, english.blocks, "blocks of code are the same, remarks included");
    assert_eq!(chinese.shape, english.shape, "it has the same headings and tables");
    let mut breaches = apart("code", &english.spans, &chinese.spans);
    breaches.extend(apart("link to", &english.links, &chinese.links));
    none("README_CN.md has the code and the links of README.md", breaches);
}

#[test]
fn what_two_languages_have_in_common_is_found() {
    let common = Common::of("# A\n\n`b` [c](d) [e](#a)\n\n```sh\n# f `g`\n```\n| h |\n|---|\n");
    assert_eq!(common.blocks, ["```sh\n# f `g`\n```\n"]);
    assert_eq!(common.spans, BTreeSet::from(["b".to_owned()]));
    assert_eq!(common.links, BTreeSet::from(["d".to_owned()]));
    assert_eq!(common.shape, ["# a heading", "a table of 2 rows"]);
}
