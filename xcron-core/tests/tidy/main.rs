//! The rules that the code keeps, as tests: sizes, names, layers, links,
//! guarantees, translations and what belongs where.
//!
//! There is no list of exceptions for sizes: a file near its limit is split along the noun that
//! is trying to escape.

mod guarantees;
mod layers;
mod lexer;
mod links;
mod places;
mod sizes;
mod sources;
mod translation;

/// Fails with everything that breaks a rule, so that one run shows it all.
#[track_caller]
fn none(rule: &str, mut breaches: Vec<String>) {
    breaches.sort();
    let count = breaches.len();
    assert!(breaches.is_empty(), "{count} breaches of: {rule}\n  {}", breaches.join("\n  "));
}
