//! The judge: from a history to a verdict.
//!
//! Each rule is a small module that looks at one task, and says what it finds. They agree on what
//! is uncertain: a task's `life` says when it surely and when it possibly existed, `spans` when
//! the cluster could not be expected to fire, and `due` what therefore must fire and what may.

mod asked;
mod attempts;
mod case;
mod cluster;
mod counters;
mod due;
mod eras;
mod fences;
mod findings;
mod firing;
mod ledger;
mod life;
mod oracles;
mod overlap;
mod register;
mod run;
pub mod settings;
mod spans;
pub mod verdict;

use crate::history::History;
use case::Case;
use findings::Findings;
use life::Life;
use oracles::Oracles;
use run::Run;
use settings::Settings;
use std::collections::BTreeMap;
use verdict::Verdict;

/// Judges `history` by `settings`.
#[must_use]
pub fn judge(history: &History, settings: &Settings) -> Verdict {
    let case = Case::new(history, settings);
    let mut findings = Findings::default();
    let mut oracles = Oracles::default();
    count(&case, &mut findings);
    cluster::weigh(history, &case, &mut findings);
    cluster::replicas(&case, &mut findings);
    cluster::recovery(&case, &mut findings);
    let mut dues = BTreeMap::new();
    for task in case.tasks.values() {
        let life = Life::new(task, case.end_us);
        match due::all_due(&case, &life, &mut oracles) {
            Ok(due) => drop(dues.insert(task.name, (life, due))),
            Err(error) => findings.weaknesses.push(format!("task {}: {error}", task.name)),
        }
    }
    due::queue(&case, &mut dues);
    for task in case.tasks.values() {
        register::judge(&case, task, &mut findings);
        cluster::finals(&case, task, &mut findings);
        let Some((life, dues)) = dues.get_mut(task.name) else {
            continue;
        };
        let runs = Run::all(&task.receipts, &life.retries);
        findings.figures.fired += runs.len();
        due::oblige(&case, life, dues);
        overlap::excuse(&case, life, &runs, dues);
        attempts::judge(&case, task, life, &runs, &mut findings);
        firing::judge(&case, task, life, dues, &runs, &mut findings);
        asked::judge(&case, task, life, &runs, &mut findings);
        overlap::judge(&case, task, life, &runs, &mut findings);
        fences::judge(&case, task, &mut findings);
        fences::in_order(task, life, &runs, &mut findings);
        counters::judge(task, life, &mut findings);
        ledger::judge(&case, task, life, (dues, &runs), &mut oracles, &mut findings);
    }
    findings.into_verdict(&history.begin.label, settings)
}

fn count(case: &Case<'_>, findings: &mut Findings) {
    let figures = &mut findings.figures;
    figures.operations = case.operations;
    figures.unknown = case.unknown;
    figures.tasks = case.tasks.len();
    figures.faults = case.faults.iter().filter(|fault| fault.took_effect).count();
    figures.attempts = case.tasks.values().map(|task| task.receipts.len()).sum();
}
