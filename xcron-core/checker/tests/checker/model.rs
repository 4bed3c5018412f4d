//! A small model of a scheduler that writes correct histories: tasks of every kind, targets that
//! fail, clients that get no answer, and outages.

use super::dice::Dice;
use std::collections::BTreeSet;
use xcron_checker::oracle::Oracle;
use xcron_checker::{
    Begin, Call, Definition, DeliveryMode, End, FinalTask, History, Misfire, Op, Outcome, Overlap,
    Receipt, Retry, Schedule, Seen, SenderLost, StateHash, TaskPhase, Tenure, Unhealthy,
};

pub(crate) const S: i64 = 1_000_000;
const MS: i64 = 1_000;
/// When everything ends.
pub(crate) const END: i64 = 150 * S;

/// A span without a majority and when a leader came back after it.
#[derive(Clone, Copy, Debug)]
struct Outage {
    from: i64,
    back: i64,
}

/// A history that a correct cluster may have written.
pub(crate) fn history(seed: u64) -> History {
    let mut dice = Dice::new(seed);
    let mut history = History::new(Begin::new(0, 3).label(format!("model seed {seed}")));
    let outages = outages(&mut dice, &mut history);
    for number in 0..dice.between(1, 4) {
        Life::new(&format!("t-{number}"), &outages, &mut dice).live(&mut history);
    }
    for index in 1..4 {
        for node in 1..4 {
            history.push(StateHash::new(node, index * 1_000, format!("{seed:x}{index}")));
        }
    }
    history.push(End::complete(END));
    history
}

fn outages(dice: &mut Dice, history: &mut History) -> Vec<Outage> {
    let mut outages = Vec::new();
    let mut at = dice.between(5, 60) * S + dice.between(0, S);
    while dice.chance(55) && at < 100 * S {
        let to = at + dice.between(1, 25) * S + dice.between(0, S);
        let back = to + dice.between(0, 2_900) * MS;
        history.push(SenderLost { node: 1, at_us: at });
        history.push(Unhealthy { from_us: at, to_us: to });
        history.push(Tenure { from_us: back, node: 1, term: outages.len() as u64 + 2 });
        outages.push(Outage { from: at, back });
        at = back + dice.between(6, 30) * S;
    }
    outages
}

fn definition(dice: &mut Dice) -> Definition {
    let cron = |cron: &str, zone: &str| Schedule::Cron { cron: cron.into(), timezone: zone.into() };
    let schedule = match dice.between(0, 5) {
        0 | 1 => Schedule::At { at_s: dice.between(4, 110) },
        2 => cron("*/7 * * * * *", "UTC"),
        3 => cron("3-50/9 * * * * *", "Europe/Berlin"),
        4 => cron("* * * * *", "Australia/Lord_Howe"),
        _ => cron("*/20,5 * * * * *", "Africa/Cairo"),
    };
    let is_cron = matches!(schedule, Schedule::Cron { .. });
    let mut definition = Definition::new(schedule);
    definition.timeout_s = dice.between(3, 8);
    definition.misfire = dice.pick(&[Misfire::FireOnce, Misfire::FireAll, Misfire::Skip]);
    definition.overlap =
        dice.pick(&[Overlap::Allow, Overlap::Allow, Overlap::Skip, Overlap::Queue]);
    let modes = [DeliveryMode::AtLeastOnce, DeliveryMode::AtLeastOnce, DeliveryMode::AtMostOnce];
    definition.delivery = dice.pick(&modes);
    definition.retry = Retry {
        attempts_max: u32::try_from(dice.between(1, 4)).expect("small"),
        backoff_min_s: dice.between(1, 3),
        backoff_max_s: dice.between(3, 6),
        age_max_s: dice.pick(&[20, 86_400]),
    };
    if is_cron {
        definition.runs_max = dice.chance(20).then(|| dice.between(1, 6).unsigned_abs());
        definition.end_s = dice.chance(20).then(|| dice.between(65, 140));
        definition.misfire_window_s = dice.chance(20).then(|| dice.between(5, 20));
    } else {
        definition.jitter_s = dice.pick(&[0, 0, 5]);
    }
    definition
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Queued,
    /// On its way, to be settled then, as won (`Some(true)`), failed or ended by a 410 (`None`).
    Sending(i64, Option<bool>, i64),
    Waiting(i64),
}

#[derive(Clone, Copy, Debug)]
struct Run {
    at_s: i64,
    attempt: u32,
    failures: u32,
    claimed: i64,
    phase: Phase,
}

/// What happens next to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Recover,
    Settle(i64),
    Retry(i64),
    Due(i64),
    Claim(i64),
    Ask(u8),
}

/// One task from its create to the end.
struct Life<'a> {
    name: String,
    outages: &'a [Outage],
    dice: &'a mut Dice,
    definition: Definition,
    events: BTreeSet<(i64, Event)>,
    receipts: Vec<Receipt>,
    ops: Vec<Op>,
    runs: Vec<Run>,
    missed: Vec<i64>,
    counts: FinalTask,
    claimed: u64,
    fence: u64,
    is_there: bool,
    is_paused: bool,
    /// When the last of what is made up for is claimed; what is due meanwhile waits its turn.
    caught_up: i64,
}

impl<'a> Life<'a> {
    fn new(name: &str, outages: &'a [Outage], dice: &'a mut Dice) -> Self {
        Self {
            name: name.to_owned(),
            definition: definition(dice),
            outages,
            dice,
            events: BTreeSet::new(),
            receipts: Vec::new(),
            ops: Vec::new(),
            runs: Vec::new(),
            missed: Vec::new(),
            counts: FinalTask::active(name),
            claimed: 0,
            fence: 0,
            is_there: false,
            is_paused: false,
            caught_up: 0,
        }
    }

    /// When a leader comes back, if there is none at `at`.
    fn down(&self, at: i64) -> Option<i64> {
        self.outages.iter().find(|out| (out.from..out.back).contains(&at)).map(|out| out.back)
    }

    /// Whether a client may be left without an answer: not once the cluster must have recovered.
    fn may_lose(&self, at: i64) -> bool {
        self.outages.last().is_none_or(|last| at < last.back)
    }

    /// When something that is asked at `sent` takes effect, and the answer to it; it has none
    /// while there is no leader.
    fn ask(&mut self, op: Op, sent: i64) -> Option<i64> {
        let done = sent + self.dice.between(1, 20) * MS;
        let back = done + self.dice.between(1, 20) * MS;
        let lost = self.dice.chance(8) && self.may_lose(sent);
        let (op, effect) = match self.down(sent).or_else(|| self.down(done)) {
            None if lost => (op, Some(done)),
            None => (op.answered_ok(back), Some(done)),
            Some(_) if self.dice.chance(50) => (op.answered(Outcome::None, back), None),
            Some(up) => {
                let effect = self.dice.chance(50).then_some(up + 1);
                (op.answered(Outcome::Unknown, back), effect)
            }
        };
        self.ops.push(op);
        effect
    }

    fn live(mut self, history: &mut History) {
        let sent = self.dice.between(S, 10 * S);
        let create = Op::create(&self.name, self.definition.clone(), sent);
        if let Some(born) = self.ask(create, sent) {
            self.is_there = true;
            self.plan(born);
        }
        while let Some((at, event)) = self.events.pop_first() {
            if at > END {
                break;
            }
            self.step(at, event);
        }
        for line in self.ops.drain(..) {
            history.push(line);
        }
        for line in self.receipts.drain(..) {
            history.push(line);
        }
        for node in 1..4 {
            history.push(self.last().on(node));
        }
    }

    fn plan(&mut self, born: i64) {
        let is_once = matches!(self.definition.schedule, Schedule::At { .. });
        let first = if is_once { 0 } else { born.div_euclid(S) + 1 };
        let last = (END / S).min(self.definition.end_s.unwrap_or(i64::MAX));
        for at_s in self.oracle().within(first, last) {
            let spread = self.dice.between(0, self.definition.jitter_s * S);
            self.events.insert(((at_s * S + spread).max(born), Event::Due(at_s)));
        }
        let recovered = self.outages.iter().map(|out| (out.back, Event::Recover));
        self.events.extend(recovered.filter(|(at, _)| *at >= born));
        for kind in 0..6 {
            if self.dice.chance(30) && (kind < 2 || !is_once) {
                let at = born + self.dice.between(S, 120 * S);
                self.events.insert((at, Event::Ask(kind)));
            }
        }
    }

    fn oracle(&self) -> Oracle {
        let Definition { schedule, dst_gap, dst_fold, .. } = &self.definition;
        Oracle::new(schedule, *dst_gap, *dst_fold).expect("the model writes valid schedules")
    }

    fn step(&mut self, at: i64, event: Event) {
        if let Event::Ask(kind) = event {
            return self.asked(at, kind);
        }
        if !self.is_there {
            return;
        }
        if let Some(up) = self.down(at) {
            match event {
                Event::Due(at_s) => self.missed.push(at_s),
                Event::Settle(_) => {}
                later => drop(self.events.insert((up + 1, later))),
            }
            return;
        }
        match event {
            Event::Recover => self.recover(at),
            Event::Settle(at_s) => self.settle(at, at_s),
            Event::Retry(at_s) => {
                if let Some(index) = self.runs.iter().position(|run| run.at_s == at_s) {
                    self.attempt(at, index);
                }
            }
            Event::Due(_) if self.is_paused => self.skip(1),
            Event::Due(at_s) if at < self.caught_up => {
                self.caught_up += MS;
                self.events.insert((self.caught_up, Event::Claim(at_s)));
            }
            Event::Due(at_s) | Event::Claim(at_s) => self.claim(at, at_s),
            Event::Ask(_) => {}
        }
    }

    fn skip(&mut self, occurrences: u64) {
        if self.definition.runs_max.is_none_or(|most| self.claimed < most) {
            self.counts.skipped += occurrences;
        }
    }

    fn claim(&mut self, at: i64, at_s: i64) {
        if self.definition.runs_max.is_some_and(|most| self.claimed >= most) {
            return;
        }
        let queued = self.runs.iter().any(|run| run.phase == Phase::Queued);
        match self.definition.overlap {
            Overlap::Skip if !self.runs.is_empty() => return self.skip(1),
            Overlap::Queue if queued => return self.skip(1),
            _ => {}
        }
        self.claimed += 1;
        let phase = Phase::Queued;
        self.runs.push(Run { at_s, attempt: 0, failures: 0, claimed: at, phase });
        if self.definition.overlap != Overlap::Queue || self.runs.len() == 1 {
            self.attempt(at, self.runs.len() - 1);
        }
    }

    fn attempt(&mut self, at: i64, index: usize) {
        let sent = at + self.dice.between(0, 30) * MS;
        self.fence += 1;
        self.runs[index].attempt += 1;
        let run = self.runs[index];
        let name = format!("{}@{}", self.name, run.at_s);
        let receipt = Receipt::new(&self.name, name, run.at_s, sent)
            .attempt(run.attempt)
            .fence(self.fence)
            .from_node(1);
        let timeout = self.definition.timeout_s * S;
        let quick = sent + self.dice.between(1, 500) * MS;
        let slow = sent + self.dice.between(1, (timeout - 2 * S) / MS) * MS;
        let (receipt, known, result) = match self.dice.between(0, 11) {
            0 => (receipt.answered("500", quick), quick, Some(false)),
            1 => (receipt.answered("302", quick), quick, Some(false)),
            2 => (receipt, sent + timeout, Some(false)),
            3 => (receipt.answered("410", quick), quick, None),
            4 => (
                Receipt { retry_after_s: Some(4), ..receipt.answered("429", quick) },
                quick,
                Some(false),
            ),
            5 | 6 => (receipt.answered("200", slow), slow, Some(true)),
            _ => (receipt.answered("204", quick), quick, Some(true)),
        };
        let asked = receipt.retry_after_s.unwrap_or(0) * S;
        let settled = known + self.dice.between(2, 80) * MS;
        self.runs[index].phase = Phase::Sending(settled, result, asked);
        self.events.insert((settled, Event::Settle(run.at_s)));
        // What was claimed just before an outage never leaves.
        if self.down(sent).is_none() {
            self.receipts.push(receipt);
        }
    }

    fn settle(&mut self, at: i64, at_s: i64) {
        let Some(index) = self.runs.iter().position(|run| run.at_s == at_s) else {
            return;
        };
        let run = self.runs[index];
        let Phase::Sending(settled, result, asked) = run.phase else {
            return;
        };
        if settled != at {
            return;
        }
        let retry = self.definition.retry;
        let failures = run.failures + 1;
        match result {
            Some(true) => self.end(at, index, |counts| counts.succeeded(1)),
            Some(false)
                if self.definition.delivery == DeliveryMode::AtLeastOnce
                    && failures < retry.attempts_max =>
            {
                let least = (retry.backoff_min_s << (failures - 1)).min(retry.backoff_max_s) * S;
                let spread = self.dice.between(0, least / 4);
                let wait = (least + spread).min(retry.backoff_max_s * S).max(asked);
                if at + wait - run.claimed > retry.age_max_s * S {
                    return self.end(at, index, |counts| counts.failed(1));
                }
                self.runs[index].failures = failures;
                self.runs[index].phase = Phase::Waiting(at + wait);
                self.events.insert((at + wait, Event::Retry(at_s)));
            }
            _ => self.end(at, index, |counts| counts.failed(1)),
        }
    }

    fn end(&mut self, at: i64, index: usize, count: impl Fn(FinalTask) -> FinalTask) {
        self.runs.remove(index);
        self.counts = count(self.counts.clone());
        if self.runs.len() == 1 && self.runs[0].phase == Phase::Queued {
            self.attempt(at, 0);
        }
    }

    fn recover(&mut self, at: i64) {
        let lost = |run: &Run| match run.phase {
            Phase::Sending(settled, ..) => settled < at || self.was_cut(settled, at),
            Phase::Queued | Phase::Waiting(_) => false,
        };
        let lost: Vec<i64> = self.runs.iter().filter(|run| lost(run)).map(|run| run.at_s).collect();
        for at_s in lost {
            let Some(index) = self.runs.iter().position(|run| run.at_s == at_s) else {
                continue;
            };
            match self.definition.delivery {
                DeliveryMode::AtMostOnce => self.end(at, index, |counts| counts.unknown(1)),
                DeliveryMode::AtLeastOnce => self.attempt(at, index),
            }
        }
        let missed = std::mem::take(&mut self.missed);
        if self.is_paused {
            return self.skip(missed.len() as u64);
        }
        let window = self.definition.window_s() * S;
        let (mut due, old): (Vec<i64>, Vec<i64>) =
            missed.into_iter().partition(|at_s| at_s * S > at - window);
        let skipped = match self.definition.misfire {
            Misfire::FireAll => 0,
            Misfire::Skip => due.len(),
            Misfire::FireOnce => due.len().saturating_sub(1),
        };
        self.skip((old.len() + skipped) as u64);
        due.drain(..skipped);
        for (index, at_s) in due.into_iter().enumerate() {
            let pace = i64::try_from(index).expect("few") * 100 * MS;
            self.caught_up = at + pace + MS;
            self.events.insert((at + pace, Event::Claim(at_s)));
        }
    }

    /// Whether what was to be settled at `settled` was under way when the outage that ended at
    /// `back` began.
    fn was_cut(&self, settled: i64, back: i64) -> bool {
        self.outages.iter().any(|out| out.back == back && out.from <= settled)
    }

    fn asked(&mut self, at: i64, kind: u8) {
        let call = match kind {
            0 => Call::Delete,
            2 | 3 => Call::Pause,
            4 => Call::Resume,
            _ => Call::Query,
        };
        let op = Op::new(call, &self.name, at).by(u64::from(kind), 1);
        if !self.is_there {
            if self.down(at).is_none() {
                self.ops.push(op.answered(Outcome::Absent, at + 5 * MS));
            }
            return;
        }
        if call == Call::Query {
            if self.down(at).is_none() {
                let seen = self.seen(at);
                self.ops.push(op.saw(seen, at + 5 * MS));
            }
            return;
        }
        // What comes late is not modelled: it takes effect at once or not at all.
        if self.down(at).is_some() || self.down(at + 50 * MS).is_some() {
            self.ops.push(op.answered(Outcome::None, at + 5 * MS));
            return;
        }
        let lost = self.dice.chance(10) && self.may_lose(at);
        let back = at + self.dice.between(1, 40) * MS;
        self.ops.push(if lost { op } else { op.answered_ok(back) });
        match call {
            Call::Delete => self.is_there = false,
            Call::Pause => self.is_paused = true,
            _ => self.is_paused = false,
        }
    }

    fn seen(&self, at: i64) -> Seen {
        let last = self.last();
        let state = last.state.filter(|state| *state != TaskPhase::Finished || at > 145 * S);
        Seen {
            fingerprint: Some(self.definition.fingerprint()),
            state,
            next_s: None,
            run_count: Some(last.run_count),
            succeeded: Some(last.succeeded),
            failed: Some(last.failed),
            skipped: Some(last.skipped),
        }
    }

    /// What remains of it at the end.
    fn last(&self) -> FinalTask {
        if !self.is_there {
            return FinalTask::absent(&self.name);
        }
        let mut last = self.counts.clone();
        for run in &self.runs {
            last = last.open(format!("{}@{}", self.name, run.at_s), run.at_s, run.attempt);
        }
        let had_all = self.definition.runs_max.is_some_and(|most| self.claimed >= most);
        let next = self.oracle().next_after(END / S);
        last.next_s =
            next.filter(|next| !had_all && self.definition.end_s.is_none_or(|end| *next <= end));
        let over = last.next_s.is_none() && last.open_runs.is_empty();
        last.state = Some(match (self.is_paused, over) {
            (true, _) => TaskPhase::Paused,
            (false, true) => TaskPhase::Finished,
            (false, false) => TaskPhase::Active,
        });
        last
    }
}
