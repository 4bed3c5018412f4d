//! The hunt for mutants: each has to be found by some seed within so many simulated hours.

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use xcron_core::mutant::{self, Mutant};

use crate::dice::Dice;
use crate::plan::Plan;
use crate::series::number;
use crate::simulation::run;

/// How long faults go on in each simulation of a hunt, in virtual minutes.
const MINUTES: u64 = 20;

/// What became of one mutant.
struct Hunted {
    mutant: Mutant,
    after: Duration,
    seed: u64,
    /// What gave it away; none if it lives.
    evidence: Option<String>,
}

/// Hunts the mutants that the environment names, or all, and fails if one lives.
pub(crate) fn hunt() {
    let mutants = chosen();
    let most = Duration::from_secs(3_600 * number("XCRON_SIM_HOURS").unwrap_or(50));
    let next = AtomicUsize::new(0);
    let living = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(&mutant) = mutants.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let hunted = hunt_one(mutant, most);
                    hunted.tell();
                    if hunted.evidence.is_none() {
                        living.lock().expect("no panic").push(mutant.as_str());
                    }
                }
            });
        }
    });
    let living = living.into_inner().expect("no panic");
    assert!(living.is_empty(), "these mutants live: {living:?}");
}

fn chosen() -> Vec<Mutant> {
    let Ok(text) = env::var("XCRON_SIM_MUTANTS") else {
        return Mutant::ALL.to_vec();
    };
    if let Ok(count) = text.parse() {
        let mut dice = Dice::new(number("XCRON_SIM_DRAW").unwrap_or(1), "mutants");
        let mut all = Mutant::ALL.to_vec();
        while all.len() > count {
            all.swap_remove(dice.below(all.len() as u64) as usize);
        }
        return all;
    }
    let named = |name: &str| Mutant::named(name).unwrap_or_else(|| panic!("no mutant is {name:?}"));
    text.split(',').map(named).collect()
}

fn hunt_one(mutant: Mutant, most: Duration) -> Hunted {
    let mut after = Duration::ZERO;
    let mut seed = number("XCRON_SIM_FIRST").unwrap_or(1);
    while after < most {
        let plan = Plan::draw(seed, 3, MINUTES);
        mutant::turn_on(Some(mutant));
        let report = run(plan.clone(), false);
        mutant::turn_on(None);
        after += report.span;
        let told = report.recorded.violations.first().cloned();
        let judged = report.verdict.violations.first().map(ToString::to_string);
        let evidence = judged.or(told);
        // What is red without it as well gives nothing away.
        if evidence.is_some() && run(plan, false).is_green() {
            return Hunted { mutant, after, seed, evidence };
        }
        seed += 1;
    }
    Hunted { mutant, after, seed, evidence: None }
}

impl Hunted {
    fn tell(&self) {
        let Self { mutant, after, seed, evidence } = self;
        let hours = after.as_secs_f64() / 3_600.0;
        let name = mutant.as_str();
        match evidence {
            Some(evidence) => {
                println!("KILLED {name} after {hours:.1} simulated hours, seed {seed}: {evidence}");
            }
            None => println!("ALIVE  {name} after {hours:.1} simulated hours"),
        }
    }
}
