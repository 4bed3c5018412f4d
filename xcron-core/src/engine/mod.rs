//! The engine: one future that carries values between the decisions, the store and the
//! dispatcher. It decides nothing itself.
//!
//! Two roles meet here. The *planner* reads what is due, lets [`decide`](crate::decide) claim it
//! and commits the claims ([`step`]); the *sender* sends the claimed attempts at their instant,
//! lane by lane ([`lanes`]), and hands the outcomes back to the planner to settle. Settles and
//! claims share one commit, and one commit is under way at a time: the slower the disk, the more
//! each commit carries.
//!
//! What does not fit here is claimed for other nodes ([`away`]). There the sender takes it up
//! ([`adopted`]), and settles what came of it with a commit of its own.

mod adopted;
mod away;
mod destinations;
mod hands;
mod lane;
mod lanes;
mod load;
mod lookahead;
mod pace;
mod parts;
mod place;
mod prune;
mod quiet;
mod step;
mod trouble;
mod waits;

pub use load::Load;
pub(crate) use parts::Parts;

use crate::Timestamp;
use crate::decide::{self, Start};
use crate::dispatch::{Delivery, Outcome, Verdict};
use crate::mutant::{self, Mutant};
use crate::observe::{Event, Observer};
use crate::store::{Agenda, StoreError};
use crate::task::id::TaskId;
use crate::task::state::{Phase, TaskState};
use crate::task::{Revision, Task};
use adopted::Adopted;
use away::Away;
use futures::FutureExt;
use hands::Hands;
use lanes::{Lanes, SILENT_AFTER, Sign};
use lookahead::Lookahead;
use prune::Prune;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use trouble::Trouble;
use waits::{Back, Waits, Wake};

/// The engine looks up at least this often, whatever happens.
pub(crate) const TICK: Duration = Duration::from_secs(1);
/// An engine that did not look up for this long was paused: what was due meanwhile was missed.
pub(crate) const STALL: Duration = Duration::from_secs(3);
/// How long the engine waits before it asks a store again that failed.
const STORE_PAUSE: Duration = Duration::from_millis(100);
/// How long the engine waits before it asks again whether it may send.
const SEND_PAUSE: Duration = Duration::from_millis(10);
/// The most attempts sent to destinations that are not known to answer before the engine looks at
/// what has come back: those that answer go first then.
const UNSURE_AT_ONCE: usize = 16;
/// How long the next of them wait for that.
const UNSURE_PAUSE: Duration = Duration::from_millis(1);
/// The most while others answer: each has to be dialled, which takes the time of several answers.
const UNSURE_BESIDE_ANSWERS: usize = 4;
/// Others answer until nothing has come back for so long.
const ANSWERS_FOR: Duration = Duration::from_millis(5);
/// The most outcomes taken in before the engine looks at the rest of its work.
const OUTCOMES_AT_ONCE: usize = 256;

/// Why an engine stopped by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The store failed for good: nothing can be claimed or settled any more.
    #[error("the store failed for good: {0}")]
    Store(StoreError),
    /// The scheduler runs already.
    #[error("this scheduler runs already, expected one `run` at a time")]
    Running,
}

/// An attempt in hand, from its claim to the commit of its outcome.
#[derive(Clone, Debug)]
struct Attempt {
    start: Start,
    destination: Arc<str>,
    /// Of the task when it was claimed.
    version: u64,
}

/// An attempt that came back.
#[derive(Debug)]
struct Returned {
    attempt: Attempt,
    outcome: Outcome,
    started_at: Option<Timestamp>,
    ended_at: Timestamp,
}

impl Returned {
    /// Tells what became of the attempt, now that `state` is durable.
    fn tell(&self, state: &TaskState, observer: &dyn Observer) {
        let Start { claim, not_before } = &self.attempt.start;
        let run = &claim.run_id();
        let attempt = claim.attempt;
        if let Some(started_at) = self.started_at {
            let lateness = started_at.since(*not_before);
            observer.observe(&Event::Started { run, attempt, lateness });
        }
        let waits = state.runs.iter().any(|open| {
            open.occurrence == claim.occurrence && matches!(open.phase, Phase::Waiting { .. })
        });
        if waits && self.outcome.verdict == Verdict::Failed {
            let error = self.outcome.error.as_deref();
            observer.observe(&Event::Retried { run, attempt, error });
        }
    }
}

/// One run of a scheduler.
pub(crate) struct Engine {
    parts: Arc<Parts>,
    hands: Hands,
    lanes: Lanes,
    away: Away,
    lookahead: Lookahead,
    prune: Prune,
    trouble: Trouble,
    waits: Waits,
    /// Claimed attempts whose instant has not come, by instant.
    ahead: BTreeMap<(Timestamp, u64), Attempt>,
    ahead_count: u64,
    /// What came back and is not settled yet.
    returned: Vec<Returned>,
    /// Tasks to read anew, because a change decided on this revision conflicted or may happen.
    uncertain: BTreeMap<TaskId, Revision>,
    step_began: Timestamp,
    pause_until: Timestamp,
    look_at_full_at: Timestamp,
    read_again_at: Timestamp,
    tenure: Option<u64>,
    adopted: Adopted,
    /// Whether the step under way claims something, or gives up claims that were never in hand.
    is_claiming: bool,
    active_since: Timestamp,
    /// When a destination answered last.
    answered_at: Timestamp,
    seen_at: Timestamp,
    stopping: bool,
}

/// Says that the engine has ended, however it does.
struct Ends<'a>(&'a Parts);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store.offer(0);
        self.0.load.end();
    }
}

/// What an outcome says about its target after so long.
fn sign(outcome: &Outcome, age: Duration) -> Sign {
    match outcome.verdict {
        Verdict::NotStarted => Sign::Nothing,
        Verdict::Failed if outcome.code.is_none() && age >= SILENT_AFTER => Sign::Silent,
        Verdict::Succeeded | Verdict::Refused | Verdict::Failed => Sign::Answers,
    }
}

impl Engine {
    pub(crate) fn new(parts: Arc<Parts>) -> Self {
        let settings = parts.settings;
        let lanes = Lanes::new(settings.in_flight_max, settings.in_flight_per_destination_max);
        Self {
            parts,
            hands: Hands::default(),
            away: Away::new(lanes.claims_per_lane_max()),
            lanes,
            lookahead: Lookahead::new(),
            prune: Prune::new(settings.finished_max, settings.finished_retention),
            trouble: Trouble::default(),
            waits: Waits::default(),
            ahead: BTreeMap::new(),
            ahead_count: 0,
            returned: Vec::new(),
            uncertain: BTreeMap::new(),
            step_began: Timestamp::MIN,
            pause_until: Timestamp::MIN,
            look_at_full_at: Timestamp::MIN,
            read_again_at: Timestamp::MIN,
            tenure: None,
            adopted: Adopted::default(),
            is_claiming: false,
            active_since: Timestamp::MAX,
            answered_at: Timestamp::MIN,
            seen_at: Timestamp::MAX,
            stopping: false,
        }
    }

    /// Fires what is due until `shutdown` resolves, then drains.
    pub(crate) async fn run(
        mut self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), EngineError> {
        let parts = Arc::clone(&self.parts);
        if !parts.load.begin() {
            return Err(EngineError::Running);
        }
        let _ends = Ends(&parts);
        self.adopted.begin(parts.store.as_ref())?;
        parts.store.offer(self.lanes.claims_max());
        let mut shutdown = pin!(shutdown);
        loop {
            let now = parts.clock.now();
            let agenda = parts.store.agenda();
            self.notice(now, agenda);
            self.adopt(agenda)?;
            self.release(now);
            let send_at = self.send(now);
            let look_at = self.plan(now, agenda).min(send_at);
            if self.stopping && self.is_idle() {
                return Ok(());
            }
            parts.load.set_idle(self.is_idle() && self.lanes.queued() == 0);
            let ahead = self.ahead.first_key_value().map(|((at, _), _)| *at);
            self.waits.set_alarm(&parts.clock, ahead.map_or(look_at, |at| at.min(look_at)));
            self.waits.listen(&parts.store, agenda);
            let shutdown = if self.stopping { None } else { Some(shutdown.as_mut()) };
            match self.waits.next(shutdown).await {
                Wake::Shutdown => self.stop(),
                Wake::Drained => return Ok(()),
                Wake::Step(done) => self.absorb(done)?,
                Wake::Back(back) => self.take_back(back),
                Wake::Look => {}
            }
        }
    }

    /// Notices since when this node has been able to fire.
    fn notice(&mut self, now: Timestamp, agenda: Agenda) {
        let stalled = now.since(self.seen_at) > STALL;
        if agenda.tenure != self.tenure {
            self.adopted.look_at_all();
        }
        if agenda.tenure != self.tenure || stalled {
            let was_planner = self.tenure.is_some();
            self.tenure = agenda.tenure;
            // Between two leaders that follow each other closely nothing is missed, only late.
            let is_short = !stalled && agenda.vacancy.is_some_and(|vacancy| vacancy <= STALL);
            let is_short = is_short && !mutant::is_on(Mutant::NewLeaderStartsFromNow);
            let since = if is_short { now.minus(STALL) } else { now };
            // A stall that was noticed a moment ago is not forgotten with the term.
            let noticed = Some(self.active_since).filter(|noticed| *noticed <= now);
            self.active_since = noticed.map_or(since, |noticed| noticed.max(since));
            if was_planner && agenda.tenure.is_none() {
                // Somebody else plans from here on, and sends what has not left yet.
                self.hand_back_unsent();
                self.away.clear();
            }
        }
        self.seen_at = now;
    }

    /// Keeps a claimed attempt until its instant.
    fn keep(&mut self, attempt: Attempt) {
        if self.stopping {
            return self.hand_back(attempt);
        }
        self.ahead_count += 1;
        self.ahead.insert((attempt.start.not_before, self.ahead_count), attempt);
    }

    /// Lets the attempts whose instant has come wait for their turn.
    fn release(&mut self, now: Timestamp) {
        while let Some(entry) = self.ahead.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let attempt = entry.remove();
            if mutant::is_on(Mutant::FullQueueDrops) && self.lanes.queued() >= 8 {
                self.lanes.release(&attempt.destination);
                self.hands.let_go(&attempt.start.claim);
                continue;
            }
            self.lanes.push(attempt);
        }
    }

    /// Sends as many of the waiting attempts as there are free places; answers when to look again.
    ///
    /// While nothing may be sent they stay where they are: they would come back unsent, each to be
    /// claimed anew.
    fn send(&mut self, now: Timestamp) -> Timestamp {
        let may_send = self.lanes.queued() == 0 || self.parts.store.may_send();
        let others_answer = now.since(self.answered_at) <= ANSWERS_FOR;
        let unsure_max = if others_answer { UNSURE_BESIDE_ANSWERS } else { UNSURE_AT_ONCE };
        let mut unsure = 0;
        while may_send
            && unsure < unsure_max
            && let Some(attempt) = self.lanes.pop(now)
        {
            unsure += usize::from(!self.lanes.is_proven(&attempt.destination));
            let claim = attempt.start.claim.clone();
            let Some(task) = self.hands.get(&claim.task) else {
                self.lanes.returned(&attempt.destination, Sign::Nothing, now);
                self.lanes.release(&attempt.destination);
                continue;
            };
            if decide::is_too_late(task, &claim, now) || self.has_moved(task, &attempt) {
                self.lanes.returned(&attempt.destination, Sign::Nothing, now);
                self.hand_back(attempt);
                continue;
            }
            let definition = Arc::clone(&task.definition);
            let (store, clock) = (Arc::clone(&self.parts.store), Arc::clone(&self.parts.clock));
            let not_before = attempt.start.not_before;
            let delivery = Delivery::new(definition, claim, not_before, store, clock);
            let dispatcher = Arc::clone(&self.parts.dispatcher);
            self.waits.send(async move {
                let dispatched = AssertUnwindSafe(dispatcher.dispatch(delivery.clone()));
                let outcome = dispatched.catch_unwind().await;
                let outcome =
                    outcome.unwrap_or_else(|_| Outcome::failed("the dispatcher panicked"));
                (attempt, delivery, outcome)
            });
        }
        let (lanes, load) = (&self.lanes, &self.parts.load);
        load.set(lanes.in_flight(), lanes.queued(), lanes.oldest_queued());
        match (may_send, unsure < unsure_max) {
            (true, true) => now.plus(TICK),
            (true, false) => now.plus(UNSURE_PAUSE),
            (false, _) => now.plus(SEND_PAUSE),
        }
    }

    /// Whether `task` has got another target since. What was claimed later has not waited behind
    /// `attempt` then, and may have left before it with a higher fence.
    fn has_moved(&self, task: &Task, attempt: &Attempt) -> bool {
        let destination = || self.parts.dispatcher.destination(&task.definition.callback);
        task.state.version != attempt.version && destination() != attempt.destination
    }

    /// Takes in an attempt that came back, and those that came back with it.
    fn take_back(&mut self, back: Back) {
        let ended_at = self.parts.clock.now();
        let mut taken = 0;
        let mut next = Some(back);
        while let Some((attempt, delivery, outcome)) = next {
            let started_at = delivery.started_at();
            let sign = sign(&outcome, delivery.age(ended_at));
            if sign == Sign::Answers {
                self.answered_at = ended_at;
            }
            self.lanes.returned(&attempt.destination, sign, ended_at);
            self.lanes.release(&attempt.destination);
            self.returned.push(Returned { attempt, outcome, started_at, ended_at });
            taken += 1;
            next = if taken < OUTCOMES_AT_ONCE { self.waits.back_now() } else { None };
        }
    }

    /// Claims nothing any more and hands back what has not left.
    fn stop(&mut self) {
        self.stopping = true;
        self.parts.store.offer(0);
        self.parts.load.stop();
        let drained_at = self.parts.clock.now().plus(self.parts.settings.drain);
        self.waits.drain_until(&self.parts.clock, drained_at);
        self.hand_back_unsent();
    }

    fn hand_back_unsent(&mut self) {
        let ahead = std::mem::take(&mut self.ahead).into_values();
        let unsent: Vec<Attempt> = ahead.chain(self.lanes.drain()).collect();
        unsent.into_iter().for_each(|attempt| self.hand_back(attempt));
    }

    fn hand_back(&mut self, attempt: Attempt) {
        self.lanes.release(&attempt.destination);
        let ended_at = self.parts.clock.now();
        let outcome = Outcome::not_started();
        self.returned.push(Returned { attempt, outcome, started_at: None, ended_at });
    }

    fn is_idle(&self) -> bool {
        let in_hand = self.waits.has_attempts() || self.waits.has_step();
        !in_hand && self.returned.is_empty() && self.ahead.is_empty() && self.uncertain.is_empty()
    }
}
