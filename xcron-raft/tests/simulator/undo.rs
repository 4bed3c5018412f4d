//! The ends of faults: what was done is undone, and told.

use std::time::Duration;

use xcron_raft::disk::memory::MemoryDisk;

use crate::load::Handle;
use crate::world::{Event, Expected, World};

/// How a fault is undone.
#[derive(Debug)]
pub(crate) enum Undo {
    Start(u64),
    Revive(Vec<u64>, Began),
    Resume(u64, Began),
    Open(Vec<(u64, u64)>, Began),
    Flap(u64, u32, Began),
    Calm(Began),
    Quicken(u64, Began),
    Disarm(u64, Began),
    Space(u64, Began),
    Clock(u64, Began),
    Remain(u64, u64, Began),
    Restore(u64, MemoryDisk, Began),
    LivesOn(u64, u64, Began),
    Noticed,
}

/// What began when, to be told when it is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began {
    pub(crate) name: &'static str,
    pub(crate) node: Option<u64>,
    pub(crate) at_us: i64,
}

impl World {
    /// Undoes a fault.
    pub(crate) fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Start(number) => self.start(number),
            Undo::Revive(numbers, began) => {
                numbers.into_iter().for_each(|number| self.start(number));
                self.over(began);
            }
            Undo::Resume(number, began) => {
                if let Some(life) = self.nodes.get(&number).and_then(|node| node.life.as_ref()) {
                    life.process.resume();
                }
                self.note(number, |condition| condition.is_paused = false);
                self.over(began);
            }
            Undo::Open(ways, began) => {
                self.open(&ways);
                self.over(began);
            }
            Undo::Flap(number, left, began) => self.flap(number, left, began),
            Undo::Calm(began) => {
                self.set_weather(self.plan.weather);
                self.over(began);
            }
            Undo::Quicken(number, began) => {
                if let Some(life) = self.nodes.get(&number).and_then(|node| node.life.as_ref()) {
                    life.process.set_disk_delay(self.plan.disk_delay.0, self.plan.disk_delay.1);
                }
                self.over(began);
            }
            Undo::Disarm(number, began) => {
                if self.nodes.get(&number).is_some_and(|node| !node.disk.disarm()) {
                    self.over(began);
                }
            }
            Undo::Space(number, began) => self.give_space(number, began),
            Undo::Clock(number, began) => {
                let ahead_ms = self.dice.below(41) as i64 - 20;
                if let Some(node) = self.nodes.get(&number) {
                    node.clock.set(ahead_ms, 0);
                }
                self.judge_health();
                self.over(began);
            }
            Undo::Remain(number, id, began) => self.settle_removal(number, id, began),
            Undo::Restore(number, disk, began) => self.restore(number, disk, began),
            Undo::LivesOn(number, life, began) => self.must_have_ended(number, life, began),
            Undo::Noticed => self.judge_health(),
        }
    }

    fn give_space(&mut self, number: u64, began: Began) {
        if let Some(node) = self.nodes.get(&number) {
            node.disk.limit_capacity(None);
        }
        if self.expected.get(&number) == Some(&Expected::Full) {
            self.expected.remove(&number);
        }
        // It may take ten seconds until the node has noticed.
        self.health.excuse_for(&self.recorder, 10_000_000);
        self.note(number, |condition| condition.is_disk_bad = false);
        self.over(began);
    }

    /// Lets the ways of a node come and go.
    fn flap(&mut self, number: u64, left: u32, began: Began) {
        let others: Vec<u64> = self.nodes.keys().copied().filter(|n| *n != number).collect();
        let ways: Vec<_> = others.iter().flat_map(|&n| [(n, number), (number, n)]).collect();
        if left.is_multiple_of(2) && left > 0 {
            self.hold(&ways);
        } else if left % 2 == 1 {
            self.open(&ways);
        }
        if left == 0 {
            return self.over(began);
        }
        let span = self.dice.millis(50, 1_500);
        self.schedule(span, Event::Undo(Undo::Flap(number, left - 1, began)));
    }

    /// A removal was asked for a while ago: either the node is out, or it stays.
    fn settle_removal(&mut self, number: u64, id: u64, began: Began) {
        let leader = self.health.leader();
        let handle = leader.and_then(|leader| self.handles().get(&leader).cloned());
        let knows =
            |handle: Handle| handle.store.status().nodes.iter().any(|node| node.node_id == id);
        match handle.map(knows) {
            Some(false) => {
                self.forget(number);
                self.over(began);
            }
            Some(true) => self.start(number),
            // Nobody can tell now.
            None => {
                let after = Duration::from_secs(2);
                self.schedule(after, Event::Undo(Undo::Remain(number, id, began)));
            }
        }
    }

    /// A sync of a node's log was to fail: if it did, this life of the node has ended since (I14).
    fn must_have_ended(&mut self, number: u64, life: u64, began: Began) {
        let Some(node) = self.nodes.get(&number) else {
            return;
        };
        let lives_on = node.lives == life && node.is_awake();
        if lives_on && node.disk.has_failed_sync() {
            self.recorder.violation(format!("I14: node {number} lives on after a failed sync"));
        }
        if lives_on {
            // It may not have synced since.
            self.expected.remove(&number);
            node.disk.fail_no_sync();
        }
        self.over(began);
    }

    /// A node with a disk that is not its own has had its time; it must have refused.
    fn restore(&mut self, number: u64, disk: MemoryDisk, began: Began) {
        let has_refused = self.expected.remove(&number) == Some(Expected::Refused);
        let took_part = self.handles().get(&number).is_some_and(|handle| {
            handle.store.status().node_id != 0 && handle.store.stats().last_applied > 0
        });
        if !has_refused && took_part {
            let name = began.name;
            self.recorder.violation(format!("node {number} took part after a {name} of its disk"));
        }
        self.kill(number);
        if let Some(node) = self.nodes.get_mut(&number) {
            node.disk = disk;
        }
        self.start(number);
        // Refused or not by now, it did not serve meanwhile.
        self.over(began);
    }
}
