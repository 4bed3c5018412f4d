//! Crashes at every failpoint and at random: the log comes back as it stood after some operation
//! that is not older than the last acknowledged one.

use super::{Acks, Content, append, content, id, open, payload};
use crate::disk::failpoint::FAILPOINTS;
use crate::disk::memory::MemoryDisk;
use crate::log::{Log, Vote};

/// A small generator whose stream is a function of its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % bound
    }
}

/// Does one random operation to the log and to the model of it; false if it was refused.
fn step(log: &Log, model: &mut Content, random: &mut Random, acks: &Acks) -> bool {
    let next = match (model.entries.last(), model.purged) {
        (Some((last, _)), _) => last.index + 1,
        (None, Some(purged)) => purged.index + 1,
        (None, None) => 0,
    };
    let term = model.vote.map_or(1, |vote| vote.term);
    match random.below(20) {
        0 => {
            let vote = Vote { term: term + 1, node: random.below(3), committed: true };
            model.vote = Some(vote);
            log.save_vote(vote, acks.done()).is_ok()
        }
        1 if model.entries.len() > 4 => {
            model.entries.truncate(model.entries.len() - 2);
            let last = model.entries.last().map(|(id, _)| *id);
            log.truncate_after(last).is_ok()
        }
        2 | 3 if model.entries.len() > 12 => {
            let through = model.entries[random.below(10) as usize].0;
            model.purged = Some(through);
            model.entries.retain(|(id, _)| id.index > through.index);
            log.purge(through).is_ok()
        }
        4 => {
            let count = 1 + random.below(6);
            let bytes = random.below(900) as usize;
            let batch: Vec<_> =
                (next..next + count).map(|i| (id(term, i), payload(i + term, bytes))).collect();
            model.entries.extend(batch.clone());
            log.append(batch, acks.done()).is_ok()
        }
        _ => {
            let bytes = random.below(500) as usize;
            model.entries.push((id(term, next), payload(next, bytes)));
            append(log, term, next, bytes, acks).is_ok()
        }
    }
}

/// Whether `found` is `before` with a part of the entries that made it `after`: an unacknowledged
/// batch that spans two segments may be kept in part.
fn is_between(before: &Content, after: &Content, found: &Content) -> bool {
    (before.vote, before.purged) == (found.vote, found.purged)
        && found.entries.starts_with(&before.entries)
        && after.entries.starts_with(&found.entries)
}

/// Works until the disk dies or `steps` are done, cuts the power, and checks what comes back.
fn round(disk: &MemoryDisk, start: Content, steps: u64, seed: u64) -> Content {
    let log = match open(disk, seed) {
        Err(_) if disk.is_dead() => {
            disk.crash(seed);
            open(disk, seed)
        }
        opened => opened,
    };
    let log = log.unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    assert_eq!(content(&log), start, "seed {seed}");
    let mut random = Random(seed);
    let mut states = vec![start];
    // The newest state that must survive.
    let mut durable = 0;
    for number in 1..=steps {
        let mut model = states[states.len() - 1].clone();
        let acks = Acks::default();
        let accepted = step(&log, &mut model, &mut random, &acks);
        let is_alive = accepted && log.fatal().borrow().is_none() && !disk.is_dead();
        states.push(model);
        if acks.acked() > 0 || is_alive {
            durable = number as usize;
        }
        if !is_alive {
            break;
        }
    }
    drop(log);
    disk.crash(seed);
    let log = open(disk, seed + 1).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    let found = content(&log);
    let is_state = states[durable..].contains(&found)
        || states[durable..].windows(2).any(|pair| is_between(&pair[0], &pair[1], &found));
    assert!(is_state, "seed {seed}: found {:?}, no state since {durable}", log.range());
    drop(log);
    disk.crash(seed + 2);
    found
}

#[test]
fn a_crash_at_any_failpoint_loses_nothing_acknowledged() {
    for point in FAILPOINTS.iter().filter(|point| point.starts_with("log.")) {
        for seed in 0..60 {
            let disk = MemoryDisk::default();
            let mut model = Content::default();
            for times in 1..6 {
                disk.arm(point, 1 + seed % (3 * times));
                model = round(&disk, model, 120, seed * 100 + times);
            }
        }
    }
}

#[test]
fn a_crash_at_any_moment_loses_nothing_acknowledged() {
    for seed in 0..150 {
        let disk = MemoryDisk::default();
        let mut model = Content::default();
        for times in 0..8 {
            model = round(&disk, model, 1 + (seed + times * 13) % 90, seed * 1_000 + times * 10);
        }
    }
}

#[test]
fn each_failpoint_of_the_log_is_reached() {
    for point in FAILPOINTS.iter().filter(|point| point.starts_with("log.")) {
        let disk = MemoryDisk::default();
        let log = open(&disk, 1).unwrap();
        disk.arm(point, 1);
        let mut random = Random(5);
        let mut model = Content::default();
        for _ in 0..400 {
            step(&log, &mut model, &mut random, &Acks::default());
        }
        assert!(disk.is_dead(), "{point} was never reached");
    }
}
