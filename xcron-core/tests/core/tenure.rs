//! Terms that end and begin, as at a change of leader: who sends what is left, and what counts as
//! missed.

use crate::world::{World, at, cron, one_shot, seconds, task_id};
use async_trait::async_trait;
use futures::FutureExt;
use futures::channel::oneshot;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use xcron_core::{
    Agenda, Callback, Change, ChangeError, Claim, Clock, Committed, Consistency, Effect, Entrusted,
    Holder, MemoryStore, Misfire, Revision, Sender, Settings, Store, StoreError, StoreErrorKind,
    Task, TaskCounts, TaskId, TaskWithHistory, Timestamp,
};

/// A store whose node is entitled to decide only in some terms.
#[derive(Debug)]
struct Elected {
    inner: Arc<MemoryStore>,
    term: Mutex<Term>,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    /// Whether nobody vouches for the term at the moment.
    is_doubted: AtomicBool,
    commits: AtomicUsize,
    reads: AtomicUsize,
    /// Whether nobody hears what becomes of the next commit, which is only on its way.
    loses_next: AtomicBool,
    on_its_way: Mutex<Vec<Change>>,
    /// Whether it says nothing of what is due.
    is_cut_off: AtomicBool,
    /// Whether its node's clock is off.
    is_off: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct Term {
    tenure: Option<u64>,
    vacancy: Option<Duration>,
}

impl Elected {
    fn over(world: &World, tenure: Option<u64>) -> Arc<Self> {
        let term = Mutex::new(Term { tenure, vacancy: None });
        Arc::new(Self {
            inner: Arc::clone(&world.store),
            term,
            waiting: Mutex::default(),
            is_doubted: AtomicBool::new(false),
            commits: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            loses_next: AtomicBool::new(false),
            on_its_way: Mutex::default(),
            is_cut_off: AtomicBool::new(false),
            is_off: AtomicBool::new(false),
        })
    }

    fn begin(&self, tenure: Option<u64>, vacancy: Option<Duration>) {
        *self.term.lock().expect("no panic") = Term { tenure, vacancy };
        for waiting in self.waiting.lock().expect("no panic").drain(..) {
            // Whoever waited may have left.
            let _left = waiting.send(());
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Elected {
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        let before = self.commits.fetch_add(1, Ordering::Relaxed);
        assert!(before < 1_000, "the engine commits again and again");
        if self.loses_next.swap(false, Ordering::Relaxed) {
            *self.on_its_way.lock().expect("no panic") = changes;
            let (kind, effect) = (StoreErrorKind::Unavailable, Effect::Unknown);
            return Err(StoreError::new(kind, effect, "no answer in time"));
        }
        self.inner.commit(changes).await
    }

    async fn get(
        &self,
        id: &TaskId,
        consistency: Consistency,
    ) -> Result<Option<TaskWithHistory>, StoreError> {
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
        let before = self.reads.fetch_add(1, Ordering::Relaxed);
        assert!(before < 1_000, "the engine reads what is due again and again");
        if self.is_cut_off.load(Ordering::Relaxed) {
            let kind = StoreErrorKind::Unavailable;
            return Err(StoreError::new(kind, Effect::None, "no majority answers"));
        }
        self.inner.due(until, limit).await
    }

    async fn finished(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.inner.finished(limit).await
    }

    fn agenda(&self) -> Agenda {
        let Term { tenure, vacancy } = *self.term.lock().expect("no panic");
        Agenda { tenure, vacancy, ..self.inner.agenda() }
    }

    async fn agenda_changed(&self, seen: Agenda) {
        while !self.agenda().is_news_to(&seen) {
            let (sender, changed) = oneshot::channel();
            self.waiting.lock().expect("no panic").push(sender);
            let of_inner = Agenda { tenure: self.inner.agenda().tenure, ..seen };
            futures::select_biased! {
                _ = changed.fuse() => {}
                () = self.inner.agenda_changed(of_inner).fuse() => {}
            }
        }
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
        let fault = StoreError::new(StoreErrorKind::Unavailable, Effect::None, "it is off");
        Some(fault).filter(|_| self.is_off.load(Ordering::Relaxed))
    }

    fn may_send(&self) -> bool {
        self.agenda().tenure.is_some() && !self.is_doubted.load(Ordering::Relaxed)
    }

    fn stands(&self, claim: &Claim) -> bool {
        self.may_send() && self.inner.stands(claim)
    }

    fn counts(&self) -> TaskCounts {
        self.inner.counts()
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready().await
    }
}

/// Every fifth second, none of which is made up for; the leader is away from second 4 on, for as
/// long as `vacancy` says.
async fn skips_after(vacancy: Option<Duration>, away: u64) -> (Vec<i64>, u64) {
    let world = World::new();
    let store = Elected::over(&world, Some(1));
    let scheduler = world.scheduler_over(Arc::clone(&store) as Arc<dyn Store>);
    let mut task = cron("t", "*/5 * * * * *");
    task.definition.misfire = Misfire::Skip;
    scheduler.create(task).await.expect("created");
    let script = async {
        world.clock.sleep_until(at(4)).await;
        store.begin(None, None);
        world.clock.sleep_until(at(4).plus(seconds(away))).await;
        store.begin(Some(2), vacancy);
    };
    world.run_with(&scheduler, 12, script).await;
    let state = world.task("t").await.expect("kept").task.state;
    (world.arrivals(), state.counters.skipped_misfire)
}

#[tokio::test]
async fn what_became_due_between_two_leaders_that_follow_closely_is_late_and_not_missed() {
    let (arrivals, skipped) = skips_after(Some(seconds(2)), 2).await;
    assert_eq!((arrivals, skipped), (vec![6, 10], 0), "the one of second 5 came a second late");
}

#[tokio::test]
async fn what_became_due_while_nobody_led_for_long_is_missed() {
    let (arrivals, skipped) = skips_after(Some(seconds(4)), 4).await;
    assert_eq!((arrivals, skipped), (vec![10], 1));
    let (arrivals, skipped) = skips_after(None, 2).await;
    assert_eq!((arrivals, skipped), (vec![10], 1), "nobody knows for how long");
}

#[tokio::test]
async fn who_leads_no_more_hands_back_what_has_not_left_and_claims_nothing() {
    let world = World::new();
    let store = Elected::over(&world, Some(1));
    let scheduler = world.scheduler_over(Arc::clone(&store) as Arc<dyn Store>);
    scheduler.create(one_shot("t", 10)).await.expect("created");
    let claimed_ahead = at(10).minus(Duration::from_millis(20));
    let script = async {
        // Claimed by now, and not sent yet.
        world.clock.sleep_until(claimed_ahead).await;
        let held = world.task("t").await.expect("kept").task.state;
        assert_eq!(held.runs.first().map(|run| run.attempt), Some(1));
        store.begin(None, None);
    };
    world.run_with(&scheduler, 20, script).await;
    assert_eq!(world.arrivals(), Vec::<i64>::new());
    let state = world.task("t").await.expect("kept").task.state;
    let run = state.runs.first().expect("an open run");
    assert_eq!((run.attempt, run.lost), (1, 1), "handed back, for the next leader at once");
    assert!(state.due_at.is_some_and(|due| due <= at(10)), "{state:?}");
    // The next leader sends it.
    store.begin(Some(2), Some(seconds(1)));
    world.run_until(&scheduler, 22).await;
    assert_eq!(world.arrivals().len(), 1);
    assert!(world.task(task_id("t").as_str()).await.expect("kept").task.state.runs.is_empty());
}

/// Who leads may have to wait until others have vouched for it anew. What is due then stays
/// claimed: claimed again, it would cost a commit and an attempt each time, all in vain.
#[tokio::test]
async fn what_is_due_while_nobody_vouches_for_the_leader_waits_in_hand_and_is_claimed_once() {
    let world = World::new();
    let store = Elected::over(&world, Some(1));
    let scheduler = world.scheduler_over(Arc::clone(&store) as Arc<dyn Store>);
    for n in 0..20 {
        scheduler.create(one_shot(&format!("t{n}"), 10)).await.expect("created");
    }
    scheduler.create(one_shot("deleted", 10)).await.expect("created");
    let script = async {
        world.clock.sleep_until(at(9)).await;
        store.is_doubted.store(true, Ordering::Relaxed);
        world.clock.sleep_until(at(11)).await;
        assert_eq!(world.arrivals(), Vec::<i64>::new());
        scheduler.delete(&task_id("deleted")).await.expect("deleted");
        world.clock.sleep_until(at(12)).await;
        store.is_doubted.store(false, Ordering::Relaxed);
    };
    let before = store.commits.load(Ordering::Relaxed);
    world.run_with(&scheduler, 20, script).await;
    assert_eq!(world.arrivals(), [12; 20], "as soon as somebody vouches");
    assert!(world.receipts().iter().all(|receipt| receipt.attempt == 1));
    let commits = store.commits.load(Ordering::Relaxed) - before;
    assert!(commits <= 10, "{commits} commits: claims, a deletion, and settlements");
}

/// A claim that was given up may be committed by the next leader all the same. It names a sender
/// that lives and knows nothing of it.
#[tokio::test]
async fn a_claim_that_happens_after_its_leader_gave_it_up_is_handed_back() {
    let world = World::new();
    let store = Elected::over(&world, Some(1));
    let scheduler = world.scheduler_over(Arc::clone(&store) as Arc<dyn Store>);
    scheduler.create(one_shot("t", 10)).await.expect("created");
    store.loses_next.store(true, Ordering::Relaxed);
    let script = async {
        world.clock.sleep_until(at(10).minus(Duration::from_millis(5))).await;
        store.begin(None, None);
        let late = std::mem::take(&mut *store.on_its_way.lock().expect("no panic"));
        assert_eq!(late.len(), 1, "the claim");
        world.store.commit(late).await.expect("memory answers");
        world.clock.sleep_until(at(12)).await;
        let state = world.task("t").await.expect("kept").task.state;
        assert_eq!(state.runs.first().map(|run| (run.attempt, run.lost)), Some((1, 1)));
        store.begin(Some(2), Some(seconds(1)));
    };
    world.run_with(&scheduler, 20, script).await;
    assert_eq!(world.arrivals(), [12]);
}

/// A destination has room again, and the page that is read for it is full of tasks of another that
/// has none. The same page would come again and again, at the same instant.
#[tokio::test]
async fn a_page_of_which_nothing_can_be_claimed_is_not_read_again_at_once() {
    let places = Settings { in_flight_per_destination_max: 2, ..Settings::default() };
    let world = World::with_settings(places);
    let store = Elected::over(&world, Some(1));
    let scheduler = world.scheduler_over(Arc::clone(&store) as Arc<dyn Store>);
    for n in 0..40 {
        let (id, target) =
            if n < 30 { (format!("a-{n}"), "hangs") } else { (format!("b-{n}"), "quick") };
        let mut task = one_shot(&id, 10);
        task.definition.callback = Callback::new(target);
        scheduler.create(task).await.expect("created");
    }
    world.targets.hold("hangs");
    let script = async {
        world.clock.sleep_until(at(14)).await;
        let arrived = world.receipts().len();
        assert_eq!(arrived, 10 + 2, "all of one target, and what the other has places for");
        world.targets.release("hangs");
    };
    world.run_with(&scheduler, 100, script).await;
    assert_eq!(world.arrivals().len(), 40);
}

/// What troubled a leader that was cut off is over once another leads: a node that has nothing to
/// commit any more would otherwise call itself not ready for good.
#[tokio::test]
async fn who_was_cut_off_and_leads_no_more_is_ready_again() {
    let world = World::new();
    let store = Elected::over(&world, Some(1));
    let scheduler = world.scheduler_over(Arc::clone(&store) as Arc<dyn Store>);
    scheduler.create(one_shot("t", 10)).await.expect("created");
    store.is_cut_off.store(true, Ordering::Relaxed);
    let script = async {
        world.clock.sleep_until(at(15)).await;
        let refused = scheduler.ready().await.expect_err("nothing is fired");
        assert!(refused.to_string().contains("refuses to take what is due"), "{refused}");
        store.begin(None, None);
        world.clock.sleep_until(at(17)).await;
        scheduler.ready().await.expect("it has nothing to commit");
    };
    world.run_with(&scheduler, 20, script).await;
}

#[tokio::test]
async fn no_wish_is_decided_on_by_a_clock_that_is_off() {
    let world = World::new();
    let store = Elected::over(&world, Some(1));
    let scheduler = world.scheduler_over(Arc::clone(&store) as Arc<dyn Store>);
    scheduler.create(one_shot("t", 10)).await.expect("created");
    let (id, before) = (task_id("t"), world.task("t").await);
    store.is_off.store(true, Ordering::Relaxed);
    let off = StoreError::new(StoreErrorKind::Unavailable, Effect::None, "it is off");
    let refused = ChangeError::Store(off.clone());
    let moved = one_shot("t", 20).definition;
    assert_eq!(scheduler.create(one_shot("u", 10)).await, Err(off.clone().into()));
    let both = vec![one_shot("u", 10), one_shot("v", 10)];
    let all = scheduler.create_many(both).await;
    assert!(all.iter().all(|created| *created == Err(off.clone().into())), "{all:?}");
    assert_eq!(scheduler.update(&id, moved, None).await, Err(refused.clone()));
    assert_eq!(scheduler.pause(&id, None).await, Err(refused.clone()));
    assert_eq!(scheduler.resume(&id).await, Err(refused.clone()));
    assert_eq!(scheduler.trigger(&id).await, Err(refused.clone()));
    assert_eq!(scheduler.retry(&id, None).await, Err(refused));
    assert_eq!(world.task("t").await, before);
    assert!(world.task("u").await.is_none(), "nothing came of it");
}
