//! A scheduler in virtual time, killed and stopped in the middle.

use crate::world::{World, at, cron, one_shot, seconds};
use futures::executor::block_on;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use xcron_core::testing::{Simulation, durable_suite};
use xcron_core::{MemoryStore, Misfire, RunEnd, Store};

#[test]
fn nothing_is_missed_where_nothing_was_due_and_time_flew() {
    let world = World::new();
    let mut hourly = cron("hourly", "0 * * * *");
    hourly.definition.misfire = Misfire::Skip;
    let scheduler = world.scheduler();
    block_on(scheduler.create(hourly)).expect("a new task");
    let mut simulation = Simulation::begin(&scheduler, &world.clock);
    simulation.run_until(at(30 * 86_400)).expect("it runs on");
    simulation.stop().expect("it stops in order");
    let counters = block_on(world.task("hourly")).expect("it exists").task.state.counters;
    assert_eq!((counters.succeeded, counters.skipped_misfire), (720, 0));
    let receipts = world.receipts();
    assert!(receipts.iter().all(|receipt| receipt.at == receipt.scheduled_time), "none is late");
}

#[test]
fn what_was_in_flight_at_a_kill_is_attempted_again_after_the_restart() {
    let world = World::new();
    world.targets.delay("slow", seconds(5));
    let scheduler = world.scheduler();
    block_on(scheduler.create(one_shot("slow", 60))).expect("a new task");
    let mut simulation = Simulation::begin(&scheduler, &world.clock);
    simulation.run_until(at(62)).expect("it runs on");
    drop(simulation);
    assert_eq!(world.arrivals(), [60]);

    world.store.restart();
    world.clock.set(at(100));
    let scheduler = world.scheduler();
    let mut simulation = Simulation::begin(&scheduler, &world.clock);
    simulation.run_until(at(103)).expect("it runs on");
    simulation.stop().expect("it stops in order, once the answer is there");
    assert_eq!(world.arrivals(), [60, 100]);
    let run = block_on(world.task("slow")).expect("it exists").history.remove(0);
    assert_eq!((run.end, run.attempts, run.ended_at), (RunEnd::Succeeded, 2, at(105)));
}

#[test]
fn a_target_that_takes_longer_than_it_may_fails() {
    let world = World::new();
    world.targets.delay("slow", seconds(11));
    let scheduler = world.scheduler();
    let mut task = one_shot("slow", 1);
    task.definition.retry.max_attempts = 1;
    block_on(scheduler.create(task)).expect("a new task");
    let mut simulation = Simulation::begin(&scheduler, &world.clock);
    simulation.run_until(at(60)).expect("it runs on");
    let run = block_on(world.task("slow")).expect("it exists").history.remove(0);
    assert_eq!((run.end, run.error.as_deref()), (RunEnd::Failed, Some("timed out")));
}

#[test]
fn a_memory_that_is_taken_up_again_is_a_durable_store() {
    let stores: Mutex<BTreeMap<&str, Arc<MemoryStore>>> = Mutex::default();
    block_on(durable_suite::run(|name| {
        let store = Arc::clone(stores.lock().expect("no panic").entry(name).or_default());
        store.restart();
        async { store as Arc<dyn Store> }
    }));
}
