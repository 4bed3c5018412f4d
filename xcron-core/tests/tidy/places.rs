//! What belongs where: names that say something, clocks and runtimes at their seams, raft behind
//! its crate, and no machine's paths in anything public.

use super::lexer::{Token, tokens};
use super::none;
use super::sources::{self, Source};

/// Words that say nothing about what a file holds, wherever they stand in its name,
const EMPTY_WORDS: [&str; 7] =
    ["manager", "managers", "util", "utils", "helper", "helpers", "common"];
/// and names that say nothing when they stand alone.
const EMPTY_NAMES: [&str; 2] = ["data", "info"];

#[test]
fn a_file_opens_by_naming_its_responsibility() {
    let closed = |source: &Source| !source.text.starts_with("//! ");
    let breaches = sources::code().into_iter().filter(closed);
    let breaches = breaches.map(|source| source.at(1, "opens without //!"));
    none("a file opens with //! and its one responsibility", breaches.collect());
}

#[test]
fn a_module_is_named_after_what_it_holds() {
    let mut breaches = Vec::new();
    for source in sources::code() {
        let folders = source.path.split('/').rev().skip(1);
        if folders.chain([source.stem()]).any(says_nothing) {
            breaches.push(source.at(1, "a part of its path says nothing"));
        }
        let tokens = tokens(&source.text);
        for pair in tokens.windows(2).filter(|pair| pair[0].text == "mod") {
            if says_nothing(pair[1].text) {
                breaches.push(source.at(pair[1].line, &format!("mod {}", pair[1].text)));
            }
        }
    }
    none("no module is called manager, util, helper, common, data or info", breaches);
}

#[test]
fn core_knows_neither_http_nor_raft_nor_a_runtime() {
    let words: &[&[&str]] =
        &[&["hyper"], &["reqwest"], &["axum"], &["openraft"], &["xcron_raft"], &["tokio"]];
    none("xcron-core/src stays free of these", found("xcron-core/src", words, &[]));
}

#[test]
fn http_knows_no_raft() {
    let words: &[&[&str]] = &[&["openraft"], &["xcron_raft"]];
    none("xcron-http stays free of these", found("xcron-http", words, &[]));
}

/// The files of xcron-raft that speak openraft's types; all else of it is ours and stays so.
const OPENRAFT_FILES: [&str; 10] = [
    "xcron-raft/src/consensus.rs",
    "xcron-raft/src/log_store.rs",
    "xcron-raft/src/machine.rs",
    "xcron-raft/src/network.rs",
    "xcron-raft/src/runtime/mod.rs",
    "xcron-raft/src/snapshot/reader.rs",
    "xcron-raft/src/suite_tests.rs",
    "xcron-raft/src/types.rs",
    "xcron-raft/src/wire/entry.rs",
    "xcron-raft/src/wire/raft.rs",
];

#[test]
fn openraft_stays_in_its_files() {
    let breaches = found("xcron-raft", &[&["openraft"]], &OPENRAFT_FILES);
    none("only OPENRAFT_FILES use openraft", breaches);
}

#[test]
fn clocks_are_read_at_their_seams() {
    let clocks: &[&[&str]] =
        &[&["SystemTime", ":", ":", "now"], &["Instant", ":", ":", "now"], &["new_v4"]];
    let mut breaches = found("xcron-core/src", clocks, &["xcron-core/src/clock.rs"]);
    // tokio's Instant stands still in a paused runtime, so xcron-raft may read that one.
    let walls: &[&[&str]] = &[&["SystemTime"], &["std", ":", ":", "time", ":", ":", "Instant"]];
    breaches.extend(found("xcron-raft/src", walls, &[]));
    none("time is an argument; only SystemClock reads the machine's", breaches);
}

#[test]
fn files_and_sockets_are_touched_at_their_seam() {
    let words: &[&[&str]] =
        &[&["std", ":", ":", "fs"], &["tokio", ":", ":", "fs"], &["std", ":", ":", "net"]];
    let mut breaches = found("xcron-core/src", words, &[]);
    let seams = ["xcron-raft/src/disk/real.rs", "xcron-raft/src/net/real.rs"];
    breaches.extend(found("xcron-raft/src", words, &seams));
    let sockets: &[&[&str]] = &[&["tokio", ":", ":", "net"]];
    breaches.extend(found("xcron-raft/src", sockets, &seams[1..]));
    none("only disk/real.rs touches files and only net/real.rs sockets", breaches);
}

#[test]
fn replicas_iterate_nothing_unordered() {
    let words: &[&[&str]] = &[&["HashMap"], &["HashSet"]];
    let mut breaches = found("xcron-core", words, &["xcron-core/tests/tidy/places.rs"]);
    breaches.extend(found("xcron-raft", words, &[]));
    none("xcron-core and xcron-raft use ordered maps and sets", breaches);
}

#[test]
fn a_select_is_biased() {
    let mut breaches = Vec::new();
    for source in sources::code() {
        let tokens = tokens(&source.text);
        for at in matches(&tokens, &["select", "!"]) {
            if tokens.get(at + 3).is_none_or(|token| token.text != "biased") {
                breaches.push(source.at(tokens[at].line, "select! without biased"));
            }
        }
    }
    none("a select! polls in a fixed order, or a run cannot be replayed", breaches);
}

#[test]
fn no_path_of_a_machine_is_public() {
    let mut breaches = Vec::new();
    for source in sources::texts() {
        for (index, line) in source.text.lines().enumerate() {
            if names_a_machine(line) {
                breaches.push(source.at(index + 1, line.trim()));
            }
        }
    }
    none("texts and code name no place on somebody's machine", breaches);
}

fn says_nothing(name: &str) -> bool {
    EMPTY_NAMES.contains(&name) || name.split('_').any(|word| EMPTY_WORDS.contains(&word))
}

/// Where `words` occur in the Rust files below `folder`, but for those in `seams`.
fn found(folder: &str, words: &[&[&str]], seams: &[&str]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources::code_in(folder) {
        if seams.iter().any(|seam| source.path.starts_with(seam)) {
            continue;
        }
        let tokens = tokens(&source.text);
        for words in words {
            for at in matches(&tokens, words) {
                breaches.push(source.at(tokens[at].line, &words.concat()));
            }
        }
    }
    breaches
}

/// The indexes at which the sequence `words` begins.
fn matches(tokens: &[Token<'_>], words: &[&str]) -> Vec<usize> {
    let same =
        |window: &[Token<'_>]| window.iter().map(|token| token.text).eq(words.iter().copied());
    let windows = tokens.windows(words.len()).enumerate();
    windows.filter(|(_, window)| same(window)).map(|(at, _)| at).collect()
}

/// Whether `line` holds an absolute path to where somebody works.
fn names_a_machine(line: &str) -> bool {
    let places = ["home", "root", "work", "workspace", "Users"].map(|top| format!("/{top}/"));
    let begins = |at: usize| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}>".contains(c))
    };
    places.iter().any(|place| line.match_indices(place).any(|(at, _)| begins(at)))
}

#[test]
fn names_that_say_nothing_are_told_from_others() {
    for (name, expected) in [
        ("util", true),
        ("string_utils", true),
        ("task_manager", true),
        ("data", true),
        ("info", true),
        ("data_dir", false),
        ("utilisation", false),
        ("mod", false),
    ] {
        assert_eq!(says_nothing(name), expected, "{name}");
    }
}

#[test]
fn a_path_of_a_machine_is_told_from_an_address() {
    let root = "/root";
    for (line, expected) in [
        (format!("see {root}/notes"), true),
        (format!("\"{root}/x\""), true),
        (format!("{root}/x"), true),
        (format!("http://example.com{root}/x"), false),
        (format!("src{root}/mod.rs"), false),
        (format!("the {root} folder"), false),
    ] {
        assert_eq!(names_a_machine(&line), expected, "{line}");
    }
}

#[test]
fn sequences_of_words_are_found_and_quotes_are_not() {
    let source =
        tokens("let a = Instant::now(); // Instant::now\n \"Instant::now\"; Instant::later()");
    assert_eq!(matches(&source, &["Instant", ":", ":", "now"]), [3]);
}
