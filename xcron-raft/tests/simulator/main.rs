//! A whole cluster in one process, in virtual time: real nodes over a disk, a network and clocks in
//! memory that fail in every way, judged by the independent checker.
//!
//! A seed stands for a plan: sizes, rates, settings, and which faults there are. The ordinary test
//! command runs a few short seeds; `cargo simulate` runs more and longer ones. A red seed prints
//! the command that replays it.
//!
//! | variable | is | default |
//! |---|---|---|
//! | `XCRON_SIM_SEED` | runs this seed alone | |
//! | `XCRON_SIM_FIRST`, `XCRON_SIM_SEEDS` | the first seed, and how many | 1, 4 |
//! | `XCRON_SIM_NODES` | how many nodes; otherwise 3, 5 or 7 by the seed | |
//! | `XCRON_SIM_MINUTES` | how long faults go on, in virtual minutes | 3 |
//! | `XCRON_SIM_MUTANTS` | `cargo mutants`: names and commas, or how many at random | all |
//! | `XCRON_SIM_DRAW` | `cargo mutants`: what so many are drawn by | 1 |
//! | `XCRON_SIM_HOURS` | `cargo mutants`: how long each is hunted, in virtual hours | 50 |
//! | `XCRON_SIM_TRACE` | a file that gets the events of a seed that is run alone | |
//! | `XCRON_SIM_HISTORY` | a file that gets its history | |

mod clock;
mod definitions;
mod dice;
mod faults;
mod health;
mod load;
#[cfg(xcron_mutants)]
mod mutants;
mod node;
mod plan;
mod record;
mod series;
mod simulation;
mod targets;
mod undo;
mod wishes;
mod world;

use series::Series;

/// A simulation is a thread that allocates little things all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[test]
fn seeds_are_green() {
    Series::from_environment().run();
}

#[cfg(tokio_unstable)]
#[test]
fn a_seed_gives_the_same_history_every_time() {
    Series::from_environment().run_twice();
}

#[cfg(xcron_mutants)]
#[test]
fn every_mutant_is_killed() {
    mutants::hunt();
}

#[test]
fn seeds_that_were_red_once_stay_green() {
    for line in include_str!("regressions.txt").lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            let numbers: Vec<u64> = line
                .split_whitespace()
                .map(|number| number.parse().expect("seed, nodes and minutes"))
                .collect();
            Series::of_one(numbers[0], numbers[1], numbers[2]).run();
        }
    }
}
