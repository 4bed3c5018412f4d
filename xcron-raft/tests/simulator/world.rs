//! The cluster and everything around it, and the one loop that lets things happen to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use xcron_checker::StateHash;
use xcron_core::Store as _;
use xcron_raft::ErrorKind;
use xcron_raft::disk::memory::MemoryDisk;
use xcron_raft::net::memory::MemoryNet;

use crate::clock::{NodeClock, Truth};
use crate::dice::Dice;
use crate::health::{Condition, Health};
use crate::load::{Handle, Load};
use crate::node::{Exit, Node, Surroundings};
use crate::plan::Plan;
use crate::record::Recorder;
use crate::targets::Targets;
use crate::undo::Undo;

/// How often it is looked who leads.
pub(crate) const WATCH: Duration = Duration::from_millis(25);
/// How often replicas are compared.
const COMPARE: Duration = Duration::from_millis(1_900);
/// How often it is looked who the members are.
const LOOK_AT_MEMBERS: u32 = 20;

/// What is to happen.
#[derive(Debug)]
pub(crate) enum Event {
    Watch,
    Compare,
    Fault,
    Snapshot,
    Undo(Undo),
}

/// The cluster and everything around it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) dice: Dice,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) around: Surroundings,
    pub(crate) load: Arc<Load>,
    pub(crate) nodes: BTreeMap<u64, Node>,
    pub(crate) conditions: BTreeMap<u64, Condition>,
    /// Ways that are blocked, and by how many faults.
    pub(crate) blocked: BTreeMap<(u64, u64), u32>,
    /// Nodes whose end has a reason that is known: the words that it has to give.
    pub(crate) expected: BTreeMap<u64, Expected>,
    /// Nodes that somebody wanted to remove: they may be let go whenever that is carried out.
    pub(crate) leaving: BTreeSet<u64>,
    pub(crate) health: Health,
    pub(crate) numbers: u64,
    /// When faults are undone, however long they were to last.
    pub(crate) faults_end: Instant,
    events: BTreeMap<(Instant, u64), Event>,
    scheduled: u64,
    watches: u32,
    exits: mpsc::UnboundedReceiver<(u64, u64, Exit)>,
}

/// Why a node may end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A sync was made to fail.
    SyncError,
    /// Its disk is not its own any more: it has to refuse.
    Refusal,
    /// It has refused, and will again if it is started before it has its own disk back.
    Refused,
    /// Its disk is full: it may not be able to start.
    Full,
}

impl World {
    pub(crate) fn new(plan: Plan, keeps_events: bool) -> Self {
        let seed = plan.seed;
        let truth = Truth::begin(plan.began_s);
        let recorder = Arc::new(Recorder::new(truth, keeps_events));
        let (exits_to, exits) = mpsc::unbounded_channel();
        let targets = Mutex::new(Dice::new(seed, "targets"));
        let targets = Arc::new(Targets { recorder: recorder.clone(), dice: targets });
        let handles = crate::load::Handles::default();
        let around = Surroundings {
            net: MemoryNet::seeded(seed ^ 0x6e65_7400),
            handles: handles.clone(),
            targets,
            exits: exits_to,
        };
        let load = Arc::new(Load {
            handles,
            recorder: recorder.clone(),
            drafts: Mutex::default(),
            wishes: plan.wishes.clone(),
            tasks_max: plan.tasks_max,
            gap_ms: plan.client_gap_ms,
            places: plan.places,
            is_over: AtomicBool::new(false),
            busy: Default::default(),
        });
        Self {
            dice: Dice::new(seed, "world"),
            recorder,
            around,
            load,
            nodes: BTreeMap::new(),
            conditions: BTreeMap::new(),
            blocked: BTreeMap::new(),
            expected: BTreeMap::new(),
            leaving: BTreeSet::new(),
            health: Health::default(),
            numbers: 0,
            faults_end: Instant::now(),
            events: BTreeMap::new(),
            scheduled: 0,
            watches: 0,
            exits,
            plan,
        }
    }

    /// Adds a node; a founder knows the others by `peer_hosts`, a later one is let in by `join`.
    pub(crate) fn add_node(&mut self, peer_hosts: Vec<String>, join: Vec<String>) -> u64 {
        self.numbers += 1;
        let number = self.numbers;
        let address = address(number);
        let off = self.plan.clock_off_ms;
        let ahead_ms = self.dice.below(2 * off + 1) as i64 - off as i64;
        let drift_ppm = self.dice.below(101) as i64 - 50;
        let mut settings = self.plan.settings.clone();
        settings.advertise = address.clone();
        settings.peer_hosts = peer_hosts;
        settings.join = join;
        for &other in self.nodes.keys() {
            let there = super::world::address(other);
            self.around.net.set_weather(&address, &there, self.plan.weather);
            self.around.net.set_weather(&there, &address, self.plan.weather);
        }
        let clock = Arc::new(NodeClock::new(self.recorder.truth, ahead_ms, drift_ppm));
        let node = Node {
            number,
            address,
            disk: MemoryDisk::default(),
            clock,
            settings,
            disk_delay: self.plan.disk_delay,
            places: self.plan.places,
            life: None,
            lives: 0,
        };
        self.nodes.insert(number, node);
        self.conditions.insert(number, Condition::default());
        self.start(number);
        number
    }

    /// Begins a life of a node that has none.
    pub(crate) fn start(&mut self, number: u64) {
        let seed = self.dice.next();
        let Some(node) = self.nodes.get_mut(&number).filter(|node| node.life.is_none()) else {
            return;
        };
        node.disk.kill();
        node.start(&self.around, seed);
        self.recorder.trace(&format!("node {number} starts"));
        self.note(number, |condition| {
            condition.is_up = true;
            condition.is_paused = false;
        });
    }

    /// Ends the life of a node as `kill -9` does.
    pub(crate) fn kill(&mut self, number: u64) {
        if let Some(node) = self.nodes.get_mut(&number) {
            node.kill(&self.around);
        }
        self.recorder.trace(&format!("node {number} is killed"));
        self.health.sender(&self.recorder, number, false);
        self.note(number, |condition| condition.is_up = false);
    }

    /// Takes a node out of the world for good.
    pub(crate) fn forget(&mut self, number: u64) {
        self.kill(number);
        self.nodes.remove(&number);
        self.conditions.remove(&number);
        self.expected.remove(&number);
        self.judge_health();
    }

    /// Changes how a node is.
    pub(crate) fn note(&mut self, number: u64, change: impl FnOnce(&mut Condition)) {
        if let Some(condition) = self.conditions.get_mut(&number) {
            change(condition);
        }
        self.judge_health();
    }

    pub(crate) fn judge_health(&mut self) {
        for (number, condition) in &mut self.conditions {
            if let Some(node) = self.nodes.get(number) {
                condition.clock_ahead_us = node.clock.ahead_us();
            }
        }
        let nodes: Vec<_> = self.conditions.iter().map(|(n, c)| (*n, *c)).collect();
        let blocked = &self.blocked;
        let passes = |a: u64, b: u64| !blocked.contains_key(&(a, b));
        self.health.judge(&self.recorder, &nodes, &passes);
    }

    pub(crate) fn handles(&self) -> MutexGuard<'_, BTreeMap<u64, Handle>> {
        self.around.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn schedule(&mut self, after: Duration, event: Event) {
        self.scheduled += 1;
        self.events.insert((Instant::now() + after, self.scheduled), event);
    }

    /// Lets things happen until `end`.
    pub(crate) async fn run_until(&mut self, end: Instant) {
        loop {
            let next = self.events.first_key_value().map_or(end, |((at, _), _)| *at);
            tokio::select! {
                biased;
                Some((node, life, exit)) = self.exits.recv() => self.take_exit(node, life, exit),
                () = sleep_until(next.min(end)) => {
                    if next > end {
                        return;
                    }
                    let Some(((at, _), event)) = self.events.pop_first() else {
                        return;
                    };
                    if at > end {
                        return;
                    }
                    self.happen(event);
                }
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Watch => {
                self.watch();
                self.schedule(WATCH, Event::Watch);
            }
            Event::Compare => {
                self.compare();
                self.schedule(COMPARE, Event::Compare);
            }
            Event::Fault => {
                self.inject();
                let gap = self.gap_between_faults();
                self.schedule(gap, Event::Fault);
            }
            Event::Snapshot => {
                self.snapshot_somewhere();
                let gap = self.dice.gap(self.plan.snapshot_gap_ms);
                self.schedule(gap, Event::Snapshot);
            }
            Event::Undo(undo) => self.undo(undo),
        }
    }

    /// Half of the faults come just before a second is full, when claims are in hand that have not
    /// been sent.
    fn gap_between_faults(&mut self) -> Duration {
        let gap = self.dice.gap(self.plan.fault_gap_ms);
        if self.dice.chance(500) {
            return gap;
        }
        let second_us = 1_000_000;
        let into_us = (self.recorder.now_us() as u64 + gap.as_micros() as u64) % second_us;
        let before_us = self.dice.below(60_000);
        gap + Duration::from_micros(2 * second_us - into_us - before_us)
    }

    /// Forgets the faults and snapshots to come, and undoes those under way.
    pub(crate) fn heal(&mut self) {
        let events = std::mem::take(&mut self.events);
        for event in events.into_values() {
            if let Event::Undo(undo) = event {
                self.undo(undo);
            }
        }
        // Undoing one may have put off another.
        let events = std::mem::take(&mut self.events);
        for event in events.into_values() {
            if let Event::Undo(undo) = event {
                self.undo(undo);
            }
        }
        let down: Vec<u64> = self.nodes.keys().copied().collect();
        down.into_iter().for_each(|number| self.start(number));
        self.schedule(WATCH, Event::Watch);
        self.schedule(COMPARE, Event::Compare);
    }

    /// Looks who leads, and now and then who the members are.
    fn watch(&mut self) {
        self.watches += 1;
        let members: Vec<u64> =
            self.conditions.iter().filter(|(_, c)| c.is_member).map(|(n, _)| *n).collect();
        let blocked = &self.blocked;
        let passes = |a: u64, b: u64| !blocked.contains_key(&(a, b));
        let handles = self.around.handles.lock().unwrap_or_else(PoisonError::into_inner);
        for (&number, node) in &self.nodes {
            let reached = |other: &&u64| {
                **other == number || (passes(number, **other) && passes(**other, number))
            };
            let reaches = members.iter().filter(reached).count() > members.len() / 2;
            let handle = handles.get(&number).filter(|_| reaches && node.is_awake());
            let term = handle.and_then(|handle| handle.store.agenda().tenure);
            self.health.tenure(&self.recorder, number, term);
            let awake = handles.get(&number).filter(|_| node.is_awake());
            let may_send = awake.is_some_and(|handle| handle.store.may_send());
            self.health.sender(&self.recorder, number, may_send || term.is_some());
        }
        if self.watches.is_multiple_of(LOOK_AT_MEMBERS)
            && let Some(handle) = self.health.leader().and_then(|leader| handles.get(&leader))
        {
            let voters: BTreeSet<String> = {
                let nodes = handle.store.status().nodes.into_iter();
                nodes.filter(|node| node.is_voter).map(|node| node.address).collect()
            };
            for (number, condition) in &mut self.conditions {
                condition.is_member = voters.contains(&address(*number));
            }
        }
        drop(handles);
        self.judge_health();
    }

    /// Takes down what each replica amounts to.
    fn compare(&mut self) {
        let handles: Vec<(u64, Handle)> =
            self.handles().iter().map(|(n, handle)| (*n, handle.clone())).collect();
        for (node, handle) in handles {
            if handle.process.is_dead() {
                continue;
            }
            let (index, hash) = handle.store.state_hash();
            self.recorder.line(StateHash { node, index, hash });
        }
    }

    fn snapshot_somewhere(&mut self) {
        let numbers: Vec<u64> = self.handles().keys().copied().collect();
        if numbers.is_empty() {
            return;
        }
        let number = *self.dice.pick(&numbers);
        let Some(handle) = self.handles().get(&number).cloned() else {
            return;
        };
        let store = handle.store.clone();
        drop(handle.process.spawn(async move { store.snapshot().await }));
    }

    /// A life has ended by itself.
    fn take_exit(&mut self, number: u64, life: u64, exit: Exit) {
        let is_current = |node: &Node| node.life.as_ref().is_some_and(|now| now.number == life);
        if !self.nodes.get(&number).is_some_and(is_current) {
            return;
        }
        self.recorder.trace(&format!("node {number} ended: {exit:?}"));
        self.kill(number);
        let was_removed =
            matches!(&exit, Exit::Failed(error) if error.to_string().contains("was removed"));
        if was_removed && self.leaving.contains(&number) {
            return self.forget(number);
        }
        let expected = self.expected.get(&number).copied();
        let again = match (&exit, expected) {
            (Exit::Died | Exit::Stopped, _) => true,
            (Exit::Failed(error), Some(Expected::SyncError)) => error.kind() == ErrorKind::Storage,
            (Exit::Failed(error), Some(Expected::Full)) => error.kind() == ErrorKind::Full,
            (Exit::Failed(error), Some(Expected::Refusal | Expected::Refused)) => {
                let kinds = [ErrorKind::Foreign, ErrorKind::Damaged];
                if kinds.contains(&error.kind()) {
                    self.expected.insert(number, Expected::Refused);
                    return;
                }
                false
            }
            (Exit::Failed(_), None) => false,
        };
        if !again {
            self.recorder.violation(format!("node {number} ended by itself: {exit:?}"));
        }
        if expected == Some(Expected::SyncError) {
            self.expected.remove(&number);
            let seed = self.dice.next();
            self.nodes[&number].disk.crash(seed);
        } else if matches!(exit, Exit::Died) && self.dice.chance(500) {
            // The power failed, rather than the process.
            let seed = self.dice.next();
            self.nodes[&number].disk.crash(seed);
        }
        let after = self.dice.scaled_millis(20, 8_000);
        self.schedule(after, Event::Undo(Undo::Start(number)));
    }
}

/// Where node `number` is reached.
pub(crate) fn address(number: u64) -> String {
    format!("n{number}:1")
}
