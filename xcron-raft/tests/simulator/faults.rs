//! The faults: each begins at a moment that the seed draws, and is undone later.

use std::time::Duration;

use tokio::time::Instant;
use xcron_checker::Fault;
use xcron_raft::disk::failpoint::FAILPOINTS;
use xcron_raft::disk::memory::MemoryDisk;
use xcron_raft::net::memory::Weather;
use xcron_raft::{RaftSettings, RaftStore};

use crate::undo::{Began, Undo};
use crate::world::{Event, Expected, World, address};

/// How long after a power cut others have noticed that their connections are dead, and made new
/// ones: nobody tells them.
const NOTICED_AFTER: Duration = Duration::from_millis(2_200);

/// What can be done to a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// `kill -9` of one node.
    Kill,
    /// `kill -9` of the leader.
    KillLeader,
    /// The process ends at a named point of its write paths.
    Failpoint,
    /// A clean stop and a start.
    Stop,
    /// One node, or some, or all lose power.
    PowerCut,
    /// All nodes are down, for up to an hour.
    Outage,
    /// `SIGSTOP` for up to a minute.
    Pause,
    /// The leader reaches nobody.
    IsolateLeader,
    /// Two halves that do not reach each other.
    Halves,
    /// What one sends to another does not arrive.
    OneWay,
    /// One node's ways come and go.
    Flapping,
    /// Packets are slow, and some get lost.
    Storm,
    /// A disk takes long for everything.
    SlowDisk,
    /// A sync fails.
    SyncError,
    /// No space is left.
    DiskFull,
    /// A clock is set wrong.
    ClockStep,
    /// Leadership is handed over on request.
    Transfer,
    /// A node is added, or one let go.
    Membership,
    /// A node comes back with an empty disk.
    Wipe,
    /// A bit of a disk flips.
    Damage,
}

impl Kind {
    pub(crate) const ALL: [Self; 20] = [
        Self::Kill,
        Self::KillLeader,
        Self::Failpoint,
        Self::Stop,
        Self::PowerCut,
        Self::Outage,
        Self::Pause,
        Self::IsolateLeader,
        Self::Halves,
        Self::OneWay,
        Self::Flapping,
        Self::Storm,
        Self::SlowDisk,
        Self::SyncError,
        Self::DiskFull,
        Self::ClockStep,
        Self::Transfer,
        Self::Membership,
        Self::Wipe,
        Self::Damage,
    ];
}

impl World {
    /// Lets one fault begin.
    pub(crate) fn inject(&mut self) {
        let kind = *self.dice.pick(&self.plan.faults);
        let numbers: Vec<u64> = self.nodes.keys().copied().collect();
        let any = *self.dice.pick(&numbers);
        // The last one known may have been let go since.
        let leader = self.health.leader().filter(|it| numbers.contains(it)).unwrap_or(any);
        let likely = if self.dice.chance(400) { leader } else { any };
        self.recorder.trace(&format!("{kind:?}"));
        match kind {
            Kind::Kill => self.kill_some("kill", vec![likely], (20, 20_000)),
            Kind::KillLeader => self.kill_some("kill_leader", vec![leader], (20, 8_000)),
            Kind::Failpoint => self.arm_failpoint(likely),
            Kind::Stop => self.stop(likely),
            Kind::PowerCut => self.cut_power(likely, &numbers),
            Kind::Outage => self.outage(numbers),
            Kind::Pause => self.pause(likely),
            Kind::IsolateLeader => self.part("isolate_leader", &[leader], &numbers),
            Kind::Halves => {
                let some = self.dice.between(1, numbers.len() as u64 / 2) as usize;
                let from = self.dice.below(numbers.len() as u64) as usize;
                let turned = numbers[from..].iter().chain(&numbers[..from]);
                let some: Vec<u64> = turned.take(some).copied().collect();
                self.part("halves", &some, &numbers);
            }
            Kind::OneWay => {
                let other = *self.dice.pick(&numbers);
                let began = self.began("one_way", Some(likely));
                self.block(vec![(likely, other)], began);
            }
            Kind::Flapping => {
                let began = self.began("flapping", Some(likely));
                self.undo(Undo::Flap(likely, 8, began));
            }
            Kind::Storm => self.storm(),
            Kind::SlowDisk => self.slow_disk(likely),
            Kind::SyncError => self.fail_sync(likely),
            Kind::DiskFull => self.fill_disk(likely),
            Kind::ClockStep => self.step_clock(likely),
            Kind::Transfer => self.transfer(),
            Kind::Membership => self.change_members(any),
            Kind::Wipe => self.wipe(any),
            Kind::Damage => self.damage(any),
        }
    }

    pub(crate) fn began(&self, name: &'static str, node: Option<u64>) -> Began {
        Began { name, node, at_us: self.recorder.now_us() }
    }

    pub(crate) fn over(&self, began: Began) {
        let Began { name, node, at_us } = began;
        self.recorder.fault(Fault::new(name, node, at_us, self.recorder.now_us()));
    }

    fn lives(&self, number: u64) -> bool {
        self.nodes.get(&number).is_some_and(|node| node.life.is_some())
    }

    fn kill_some(&mut self, name: &'static str, struck: Vec<u64>, (least_ms, most_ms): (u64, u64)) {
        let began = self.began(name, (struck.len() == 1).then(|| struck[0]));
        let struck: Vec<u64> = struck.into_iter().filter(|number| self.lives(*number)).collect();
        if struck.is_empty() {
            return;
        }
        struck.iter().for_each(|number| self.kill(*number));
        let after = self.dice.scaled_millis(least_ms, most_ms);
        self.schedule(after, Event::Undo(Undo::Revive(struck, began)));
    }

    fn arm_failpoint(&mut self, number: u64) {
        if !self.lives(number) {
            return;
        }
        let point = self.dice.pick(&FAILPOINTS);
        let times = self.dice.scaled_millis(1, 20).as_millis() as u64;
        self.nodes[&number].disk.arm(point, times);
        let began = self.began("failpoint", Some(number));
        self.schedule(Duration::from_secs(20), Event::Undo(Undo::Disarm(number, began)));
    }

    fn stop(&mut self, number: u64) {
        if let Some(node) = self.nodes.get_mut(&number)
            && node.is_awake()
        {
            node.stop();
            let began = self.began("stop", Some(number));
            self.over(began);
        }
    }

    fn cut_power(&mut self, likely: u64, numbers: &[u64]) {
        let some = match self.dice.below(3) {
            0 => vec![likely],
            1 => {
                let minority = (numbers.len() - 1) / 2;
                numbers.iter().copied().skip(likely as usize % 2).take(minority).collect()
            }
            _ => numbers.to_vec(),
        };
        let struck: Vec<u64> = some.into_iter().filter(|number| self.lives(*number)).collect();
        for number in &struck {
            self.around.net.vanish(&address(*number));
        }
        let seeds: Vec<u64> = struck.iter().map(|_| self.dice.next()).collect();
        self.kill_some("power_cut", struck.clone(), (20, 20_000));
        for (number, seed) in struck.into_iter().zip(seeds) {
            self.nodes[&number].disk.crash(seed);
            self.nodes[&number].disk.die();
            let until_us = self.recorder.now_us() + NOTICED_AFTER.as_micros() as i64;
            self.note(number, |condition| condition.unheard_until_us = until_us);
        }
        self.schedule(NOTICED_AFTER, Event::Undo(Undo::Noticed));
    }

    fn outage(&mut self, numbers: Vec<u64>) {
        if !self.dice.chance(250) {
            return;
        }
        let most_ms = *self.dice.pick(&[60_000, 600_000, 3_600_000]);
        self.kill_some("outage", numbers, (1_000, most_ms));
    }

    fn pause(&mut self, number: u64) {
        let span = self.dice.scaled_millis(100, 60_000);
        let began = self.began("pause", Some(number));
        let awake = self.nodes.get(&number).filter(|node| node.is_awake());
        if let Some(life) = awake.and_then(|node| node.life.as_ref()) {
            life.process.pause();
            self.note(number, |condition| condition.is_paused = true);
            self.schedule(span, Event::Undo(Undo::Resume(number, began)));
        }
    }

    /// Parts `some` from the rest.
    fn part(&mut self, name: &'static str, some: &[u64], numbers: &[u64]) {
        let mut ways = Vec::new();
        for &a in some {
            for &b in numbers.iter().filter(|b| !some.contains(b)) {
                ways.extend([(a, b), (b, a)]);
            }
        }
        let began = self.began(name, (some.len() == 1).then(|| some[0]));
        self.block(ways, began);
    }

    fn block(&mut self, ways: Vec<(u64, u64)>, began: Began) {
        let ways: Vec<_> = ways.into_iter().filter(|(a, b)| a != b).collect();
        if ways.is_empty() {
            return;
        }
        self.hold(&ways);
        let span = self.dice.scaled_millis(100, 40_000);
        self.schedule(span, Event::Undo(Undo::Open(ways, began)));
    }

    pub(crate) fn hold(&mut self, ways: &[(u64, u64)]) {
        for &(a, b) in ways {
            *self.blocked.entry((a, b)).or_default() += 1;
            self.around.net.block(&address(a), &address(b));
        }
        self.judge_health();
    }

    pub(crate) fn open(&mut self, ways: &[(u64, u64)]) {
        for &(a, b) in ways {
            let Some(count) = self.blocked.get_mut(&(a, b)) else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                self.blocked.remove(&(a, b));
                self.around.net.open(&address(a), &address(b));
            }
        }
        self.judge_health();
    }

    fn storm(&mut self) {
        let weather = Weather {
            least: self.dice.scaled_millis(1, 40),
            spread: self.dice.scaled_millis(1, 200),
            lost_per_mille: *self.dice.pick(&[0, 20, 100]),
            resend: self.dice.millis(100, 400),
        };
        self.set_weather(weather);
        let span = self.dice.scaled_millis(500, 20_000);
        // A leader may lose its lease at any moment of it.
        self.health.excuse_for(&self.recorder, span.as_micros() as i64);
        let began = self.began("storm", None);
        self.schedule(span, Event::Undo(Undo::Calm(began)));
    }

    pub(crate) fn set_weather(&mut self, weather: Weather) {
        for a in self.nodes.keys() {
            for b in self.nodes.keys().filter(|b| *b != a) {
                self.around.net.set_weather(&address(*a), &address(*b), weather);
            }
        }
    }

    fn slow_disk(&mut self, number: u64) {
        let Some(life) = self.nodes.get(&number).and_then(|node| node.life.as_ref()) else {
            return;
        };
        let span = self.dice.scaled_millis(200, 15_000);
        if self.dice.chance(400) {
            // What has begun waits to the end of it, even if it is undone before.
            life.process.stall_disk_until(self.faults_end.min(Instant::now() + span));
        } else {
            let most = self.dice.millis(50, 2_000);
            life.process.set_disk_delay(most / 10, most);
        }
        let began = self.began("slow_disk", Some(number));
        self.health.excuse_for(&self.recorder, span.as_micros() as i64 + 2_000_000);
        self.schedule(span, Event::Undo(Undo::Quicken(number, began)));
    }

    fn fail_sync(&mut self, number: u64) {
        if !self.lives(number) || self.expected.contains_key(&number) {
            return;
        }
        self.expected.insert(number, Expected::SyncError);
        let node = &self.nodes[&number];
        node.disk.fail_sync_of("log-");
        let began = self.began("sync_error", Some(number));
        let undo = Undo::LivesOn(number, node.lives, began);
        self.schedule(Duration::from_secs(20), Event::Undo(undo));
    }

    fn fill_disk(&mut self, number: u64) {
        if !self.lives(number) || self.expected.contains_key(&number) {
            return;
        }
        let disk = &self.nodes[&number].disk;
        let left = self.dice.below(80_000);
        disk.limit_capacity(Some(disk.used_bytes() + left));
        self.expected.insert(number, Expected::Full);
        self.note(number, |condition| condition.is_disk_bad = true);
        let began = self.began("disk_full", Some(number));
        let span = self.dice.scaled_millis(500, 40_000);
        self.schedule(span, Event::Undo(Undo::Space(number, began)));
    }

    fn step_clock(&mut self, number: u64) {
        // A step too small to be noticed moves the median all the same: another beside it would be
        // judged by a clock that is wrong.
        let off = |ahead: i64| ahead.abs() >= 300_000;
        let wrong = self.conditions.values().filter(|c| c.is_member && off(c.clock_ahead_us));
        let members = self.conditions.values().filter(|c| c.is_member).count();
        if wrong.count() + 1 > members.saturating_sub(1) / 2 {
            return;
        }
        let ten_years_ms = 10 * 365 * 86_400_000;
        let size = *self.dice.pick(&[300, 390, 700, 2_000, 60_000, 3_600_000, ten_years_ms]);
        let ahead_ms = if self.dice.chance(500) { size } else { -size };
        let drift_ppm = *self.dice.pick(&[0, 0, 100, -100, 900]);
        self.nodes[&number].clock.set(ahead_ms, drift_ppm);
        self.judge_health();
        let began = self.began("clock_step", Some(number));
        let span = self.dice.scaled_millis(500, 60_000);
        self.schedule(span, Event::Undo(Undo::Clock(number, began)));
    }

    fn transfer(&mut self) {
        let handles: Vec<_> = self.handles().values().cloned().collect();
        if handles.is_empty() {
            return;
        }
        let handle = self.dice.pick(&handles).clone();
        let store = handle.store;
        drop(handle.process.spawn(async move { store.transfer_leader(None).await }));
        let began = self.began("transfer", None);
        self.over(began);
    }

    fn change_members(&mut self, any: u64) {
        let members: Vec<u64> =
            self.conditions.iter().filter(|(_, c)| c.is_member).map(|(n, _)| *n).collect();
        let began = self.began("membership", None);
        if members.len() <= self.plan.nodes as usize && self.nodes.len() < 9 {
            let join = members.iter().map(|number| address(*number)).collect();
            self.add_node(Vec::new(), join);
            return self.over(began);
        }
        let handle = self.handles().get(&any).cloned();
        let Some(handle) = handle.filter(|_| members.contains(&any)) else {
            return;
        };
        let node_id = handle.store.status().node_id;
        if node_id == 0 {
            // It runs on an empty disk for now: nobody could say whom to let go.
            return;
        }
        let asked: Vec<_> = self.handles().values().cloned().collect();
        let asked = self.dice.pick(&asked).clone();
        let store = asked.store;
        drop(asked.process.spawn(async move { store.remove_node(node_id).await }));
        self.leaving.insert(any);
        self.schedule(Duration::from_secs(15), Event::Undo(Undo::Remain(any, node_id, began)));
    }

    fn wipe(&mut self, number: u64) {
        let is_member = self.conditions.get(&number).is_some_and(|c| c.is_member);
        // Once it has been let go, an empty disk is what it may be back with.
        let leaves = !is_member || self.leaving.contains(&number);
        if !self.lives(number) || leaves || self.expected.contains_key(&number) {
            return;
        }
        self.kill(number);
        let Some(node) = self.nodes.get_mut(&number) else {
            return;
        };
        let own = std::mem::take(&mut node.disk);
        self.expected.insert(number, Expected::Refusal);
        self.start(number);
        self.note(number, |condition| condition.is_up = false);
        let began = self.began("wipe", Some(number));
        let span = Duration::from_secs(6);
        self.schedule(span, Event::Undo(Undo::Restore(number, own, began)));
    }

    fn damage(&mut self, number: u64) {
        if !self.lives(number) || self.expected.contains_key(&number) {
            return;
        }
        let of_log = self.dice.chance(500);
        let node = &self.nodes[&number];
        let Some((name, most)) = must_be_read(&node.disk, &node.settings, of_log) else {
            return;
        };
        self.kill(number);
        let disk = &self.nodes[&number].disk;
        disk.kill();
        let own = disk.fork();
        let (offset, bit) = (self.dice.below(most as u64) as usize, self.dice.below(8) as u8);
        self.nodes[&number].disk.flip(&name, offset, bit);
        self.expected.insert(number, Expected::Refusal);
        self.start(number);
        self.note(number, |condition| condition.is_up = false);
        let began = self.began("damage", Some(number));
        let span = Duration::from_secs(4);
        self.schedule(span, Event::Undo(Undo::Restore(number, own, began)));
    }
}

/// A file of which every byte before the offset has to be found right at a start.
fn must_be_read(
    disk: &MemoryDisk,
    settings: &RaftSettings,
    of_log: bool,
) -> Option<(String, usize)> {
    use xcron_raft::disk::Disk as _;
    let copy = disk.fork();
    let files = copy.list().ok()?;
    let snapshot = files.iter().rfind(|file| file.name.ends_with(".snap"));
    if let Some(snapshot) = snapshot.filter(|_| !of_log) {
        return Some((snapshot.name.clone(), snapshot.len as usize));
    }
    // The last frames of the log may be torn; there are as many before as after the middle.
    let (name, end) = RaftStore::log_end(&copy, settings)?;
    (end > 8_192).then_some((name, end as usize / 2))
}
