//! Every input that a fuzzer has kept, and every one that was tried by hand, checked again without
//! a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use xcron_server::fuzzing::TARGETS;

/// A corpus of fewer inputs checks next to nothing.
const INPUTS_MIN: usize = 20;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The files and folders at `path`, in order of their names.
fn entries(path: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut entries: Vec<PathBuf> =
        listed.map(|entry| entry.expect("a folder can be read").path()).collect();
    entries.sort();
    entries
}

fn stems(path: &Path) -> BTreeSet<String> {
    let stem = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    entries(path).iter().map(stem).collect()
}

/// Checks the whole corpus of the target `name`.
fn replay(name: &str) {
    let (_, check) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    let inputs = entries(&fuzz().join("corpus").join(name));
    assert!(inputs.len() >= INPUTS_MIN, "the corpus of {name} has {} inputs", inputs.len());
    // A fuzzer begins with nothing.
    check(&[]);
    let mut failed = Vec::new();
    for input in &inputs {
        let bytes = fs::read(input).expect("an input can be read");
        if catch_unwind(AssertUnwindSafe(|| check(&bytes))).is_err() {
            failed.push(input.display().to_string());
        }
    }
    assert!(failed.is_empty(), "{name} fails for:\n{}", failed.join("\n"));
}

#[test]
fn every_target_has_a_fuzzer_and_a_corpus_and_no_other_is_there() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(stems(&fuzz().join("corpus")), targets);
    assert_eq!(stems(&fuzz().join("fuzz_targets")), targets);
}

macro_rules! replays {
    ($($test:ident: $target:literal,)*) => {
        $(#[test]
        fn $test() {
            replay($target);
        })*

        #[test]
        fn every_target_is_replayed() {
            let replayed: BTreeSet<&str> = [$($target),*].into();
            assert_eq!(replayed, TARGETS.iter().map(|(name, _)| *name).collect());
        }
    };
}

replays! {
    no_expression_breaks_a_promise: "cron",
    no_request_breaks_a_promise: "requests",
    no_configuration_breaks_a_promise: "config",
    no_log_breaks_a_promise: "log",
    no_snapshot_breaks_a_promise: "snapshots",
    no_peer_breaks_a_promise: "peers",
    no_callback_breaks_a_promise: "callbacks",
    no_answer_breaks_a_promise: "answers",
}
