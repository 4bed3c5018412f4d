//! The engine over a store that fails, forgets to answer and is slow, and targets that fail:
//! whatever happens, every occurrence comes to one end and no attempt is made twice.

use crate::world::{World, at, cron, one_shot, seconds};
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use xcron_core::testing::{SimClock, store_suite};
use xcron_core::{
    Agenda, Change, Claim, Clock, Committed, Consistency, Effect, Entrusted, Holder, MemoryStore,
    Misfire, Outcome, Overlap, Revision, Sender, Store, StoreError, StoreErrorKind, Task,
    TaskCounts, TaskId, TaskWithHistory, Timestamp,
};

/// A sequence that looks random and is a function of its seed (SplitMix64).
#[derive(Debug)]
struct Dice(AtomicU64);

impl Dice {
    /// A number below `sides`.
    fn roll(&self, sides: u64) -> u64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// A store whose commits are slow, or fail before or after they happened.
#[derive(Debug)]
struct FlakyStore {
    inner: Arc<MemoryStore>,
    clock: SimClock,
    dice: Dice,
    /// Commits that fail, of a hundred.
    failures: AtomicU64,
    /// Commits that were given up and are still on their way: when each happens.
    late: Mutex<Vec<(Timestamp, Vec<Change>)>>,
    failed: Mutex<BTreeSet<&'static str>>,
    /// Takes no commit from the first instant to the second.
    outage: Option<(Timestamp, Timestamp)>,
    /// Takes no commit of more changes, as a nearly full disk does.
    changes_max: usize,
}

impl FlakyStore {
    fn new(world: &World, seed: u64, failures: u64) -> Self {
        let (inner, clock) = (Arc::clone(&world.store), world.clock.clone());
        let dice = Dice(AtomicU64::new(seed));
        Self {
            inner,
            clock,
            dice,
            failures: AtomicU64::new(failures),
            late: Mutex::default(),
            failed: Mutex::default(),
            outage: None,
            changes_max: usize::MAX,
        }
    }

    fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Lets those happen that were on their way for long enough.
    async fn let_late_ones_happen(&self) {
        let now = self.clock.now();
        let late: Vec<_> =
            self.late.lock().expect("no panic").extract_if(.., |(at, _)| *at <= now).collect();
        for (_, changes) in late {
            // Nobody waits for the answer any more.
            self.inner.commit(changes).await.expect("memory answers");
        }
    }

    fn fail(&self, effect: Effect) -> StoreError {
        self.failed.lock().expect("no panic").insert(effect.as_str());
        StoreError::new(StoreErrorKind::Unavailable, effect, "the dice say no")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for FlakyStore {
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        let now = self.clock.now();
        if self.outage.is_some_and(|(from, to)| (from..to).contains(&now)) {
            return Err(self.fail(Effect::None));
        }
        if changes.len() > self.changes_max {
            return Err(self.fail(Effect::None));
        }
        let (roll, failures) = (self.dice.roll(100), self.failures());
        if roll < failures {
            return Err(self.fail(Effect::None));
        }
        if failures > 0 {
            let wait = Duration::from_millis(self.dice.roll(400));
            self.clock.sleep_until(self.clock.now().plus(wait)).await;
        }
        self.let_late_ones_happen().await;
        if roll < 2 * failures && self.dice.roll(2) == 0 {
            let at = self.clock.now().plus(Duration::from_millis(self.dice.roll(3_000)));
            self.late.lock().expect("no panic").push((at, changes));
            return Err(self.fail(Effect::Unknown));
        }
        let committed = self.inner.commit(changes).await?;
        if roll < 2 * failures {
            return Err(self.fail(Effect::Unknown));
        }
        Ok(committed)
    }

    async fn get(
        &self,
        id: &TaskId,
        consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
        self.let_late_ones_happen().await;
        if self.dice.roll(100) < self.failures() {
            return Err(self.fail(Effect::None));
        }
        self.inner.get(id, consistency).await
    }

    async fn scan(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<Task>, StoreError> {
        self.inner.scan(after, limit, consistency).await
    }

    async fn scan_history(
        &self,
        after: Option<&TaskId>,
        limit: usize,
        failed: bool,
        consistency: Consistency,
    ) -> Result<Vec<TaskWithHistory>, StoreError> {
        self.inner.scan_history(after, limit, failed, consistency).await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.let_late_ones_happen().await;
        if self.dice.roll(100) < self.failures() {
            return Err(self.fail(Effect::None));
        }
        self.inner.due(until, limit).await
    }

    async fn finished(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.inner.finished(limit).await
    }

    fn agenda(&self) -> Agenda {
        self.inner.agenda()
    }

    async fn agenda_changed(&self, seen: Agenda) {
        self.inner.agenda_changed(seen).await;
    }

    fn holder(&self) -> Holder {
        self.inner.holder()
    }

    fn is_gone(&self, holder: Holder) -> bool {
        self.inner.is_gone(holder)
    }

    fn senders(&self) -> Vec<Sender> {
        self.inner.senders()
    }

    fn offer(&self, attempts: usize) {
        self.inner.offer(attempts);
    }

    fn entrusted(&self, since: Revision, limit: usize) -> Result<Entrusted, StoreError> {
        self.inner.entrusted(since, limit)
    }

    fn is_open(&self, claim: &Claim, made: Revision) -> bool {
        self.inner.is_open(claim, made)
    }

    fn clock_fault(&self) -> Option<StoreError> {
        self.inner.clock_fault()
    }

    fn may_send(&self) -> bool {
        self.inner.may_send()
    }

    fn stands(&self, claim: &Claim) -> bool {
        self.inner.stands(claim)
    }

    fn counts(&self) -> TaskCounts {
        self.inner.counts()
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready().await
    }
}

#[tokio::test]
async fn the_flaky_store_that_does_not_fail_keeps_the_contract() {
    store_suite::run(|| async {
        let mut world = World::new();
        world.store = Arc::new(MemoryStore::with_history(store_suite::HISTORY));
        Arc::new(FlakyStore::new(&world, 1, 0)) as Arc<dyn Store>
    })
    .await;
}

/// Two minutes of one world; panics where it breaks a promise, and names the seed.
async fn live_through(seed: u64) {
    let world = World::new();
    let scheduler = world.scheduler();
    let dice = Dice(AtomicU64::new(!seed));
    let mut names = Vec::new();
    for n in 0..12 {
        let mut task = cron(&format!("cron{n}"), ["* * * * * *", "*/7 * * * * *"][n % 2]);
        task.definition.overlap = [Overlap::Allow, Overlap::Skip, Overlap::Queue][n % 3];
        task.definition.jitter = seconds([0, 3][n / 6]);
        scheduler.create(task).await.expect("created");
        names.push(format!("cron{n}"));
    }
    for n in 0..40 {
        let at = 1 + i64::try_from(dice.roll(100)).expect("small");
        scheduler.create(one_shot(&format!("once{n}"), at)).await.expect("created");
        names.push(format!("once{n}"));
    }
    for name in &names {
        let fails = (0..30).filter(|_| dice.roll(4) == 0).map(|_| Outcome::failed("no"));
        world.targets.script(name, fails);
    }
    let flaky = Arc::new(FlakyStore::new(&world, seed, 10));
    let over_flaky = world.scheduler_over(Arc::clone(&flaky) as Arc<dyn Store>);
    // In the end everything works, until nothing is left over.
    let healing = async {
        world.clock.sleep_until(at(110)).await;
        flaky.failures.store(0, Ordering::Relaxed);
    };
    world.run_with(&over_flaky, 125, healing).await;
    assert_eq!(flaky.failed.lock().expect("no panic").len(), 2, "seed {seed}: faults happened");

    let mut seen = BTreeSet::new();
    for receipt in world.receipts() {
        assert!(receipt.at >= receipt.scheduled_time, "seed {seed}: early: {receipt:?}");
        let attempt = (receipt.run_id.clone(), receipt.attempt);
        assert!(seen.insert(attempt), "seed {seed}: an attempt was made twice: {receipt:?}");
    }
    for name in names {
        let state = world.task(&name).await.expect("kept").task.state;
        let definition = world.task(&name).await.expect("kept").task.definition;
        let calendar = scheduler.calendar();
        let expected =
            calendar.count_between(&definition.schedule, at(0), state.decided_until.max(at(0)));
        let ends = state.counters.ended() + state.counters.skipped();
        let open = u64::try_from(state.runs.len()).expect("small");
        assert_eq!(ends + open, expected, "seed {seed}: {name}: {state:?}");
        let forgotten = state.runs.iter().find(|run| run.occurrence.time() < at(115));
        assert_eq!(forgotten, None, "seed {seed}: {name}");
        assert!(state.decided_until >= at(115) || name.starts_with("once"), "seed {seed}: {name}");
    }
}

#[tokio::test]
async fn every_occurrence_comes_to_one_end_and_no_attempt_is_made_twice() {
    for seed in 1..=60 {
        live_through(seed).await;
    }
}

#[tokio::test]
async fn what_was_due_while_the_store_took_no_commit_follows_the_misfire_policy() {
    let world = World::new();
    for (misfire, name) in
        [(Misfire::FireOnce, "once"), (Misfire::Skip, "skip"), (Misfire::FireAll, "all")]
    {
        let mut task = cron(name, "* * * * * *");
        task.definition.misfire = misfire;
        world.scheduler().create(task).await.expect("created");
    }
    let mut store = FlakyStore::new(&world, 1, 0);
    let half = Duration::from_millis(500);
    store.outage = Some((at(5).plus(half), at(20).plus(half)));
    let scheduler = world.scheduler_over(Arc::new(store));
    let (asked, clock) = (scheduler.clone(), world.clock.clone());
    world
        .run_with(&scheduler, 30, async move {
            clock.sleep_until(at(15)).await;
            assert!(asked.ready().await.is_err(), "nothing can be fired");
            clock.sleep_until(at(25)).await;
            assert!(asked.ready().await.is_ok());
        })
        .await;
    for (name, missed) in [("once", vec![20]), ("skip", vec![]), ("all", (6..=20).collect())] {
        let of_task = world.receipts().into_iter().filter(|r| r.run_id.starts_with(name));
        let times = of_task.map(|r| r.scheduled_time.as_secs() - crate::world::BEGIN);
        let expected: Vec<i64> = (1..=5).chain(missed).chain(21..=30).collect();
        assert_eq!(times.collect::<Vec<_>>(), expected, "{name}");
    }
}

#[tokio::test]
async fn a_store_that_takes_only_little_at_once_is_asked_for_little() {
    let world = World::new();
    for n in 0..300 {
        world.scheduler().create(one_shot(&format!("t{n}"), 5)).await.expect("created");
    }
    let mut store = FlakyStore::new(&world, 1, 0);
    store.changes_max = 2;
    let scheduler = world.scheduler_over(Arc::new(store));
    world.run_until(&scheduler, 120).await;
    assert_eq!(scheduler.counts().finished, 300, "all of them fired and settled");
    assert_eq!(world.receipts().len(), 300);
}
