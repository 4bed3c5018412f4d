//! Random correct histories pass, and edits that make them wrong are noticed.

use super::edits::{EDITS, Edit};
use super::model;
use xcron_checker::{History, Settings};

/// How many histories are judged, and edited, with the seeds from 0 on.
fn cases() -> u64 {
    let asked = std::env::var("XCRON_CHECKER_CASES").ok();
    asked.map_or(200, |cases| cases.parse().expect("XCRON_CHECKER_CASES is a number"))
}

/// The seeds; `XCRON_CHECKER_FROM` is the first one.
fn seeds() -> std::ops::Range<u64> {
    let first = std::env::var("XCRON_CHECKER_FROM").ok();
    let first = first.map_or(0, |first| first.parse().expect("XCRON_CHECKER_FROM is a number"));
    first..first + cases()
}

/// The history, to print when it is judged wrongly.
fn text(history: &History) -> String {
    let mut text = Vec::new();
    history.write(&mut text).expect("memory takes everything");
    String::from_utf8_lossy(&text).into_owned()
}

fn settings() -> Settings {
    // The few operations of a small history may well be unknown.
    Settings { unknown_percent_max: 100.0, ..Settings::default() }
}

#[test]
fn correct_histories_pass() {
    for seed in seeds() {
        let history = model::history(seed);
        let verdict = history.judge_with(&settings());
        assert!(verdict.is_pass(), "seed {seed}: {verdict}\n{}", text(&history));
    }
}

#[test]
fn every_wrong_edit_is_noticed() {
    let mut applied = vec![0; EDITS.len()];
    for seed in seeds() {
        let correct = model::history(seed);
        for (index, (name, edit)) in EDITS.iter().enumerate() {
            let mut dice = super::dice::Dice::new(seed ^ 0xed17);
            let mut wrong: History = correct.clone();
            if (edit as &Edit)(&mut wrong, &mut dice) {
                applied[index] += 1;
                let verdict = wrong.judge_with(&settings());
                assert!(verdict.is_violated(), "seed {seed}, {name}: {verdict}\n{}", text(&wrong));
            }
        }
    }
    println!("edits: {applied:?}");
    for ((name, _), times) in EDITS.iter().zip(&applied) {
        assert!(*times > 0 || cases() < 200, "{name} fitted no history of {}", cases());
    }
}
