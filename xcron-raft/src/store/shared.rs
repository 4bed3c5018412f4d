//! What the handles of a store and its raft thread share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use xcron_core::mutant::{self, Mutant};
use xcron_core::{Agenda, Clock, Effect, Holder, Revision, StoreError, StoreErrorKind};

use super::sending::Sending;
use super::settings::{ROOM_BYTES_MIN, RaftSettings};
use super::stats::{Counters, StoreStats};
use crate::Error;
use crate::cluster::clock_guard::ClockGuard;
use crate::cluster::contacts::Contacts;
use crate::cluster::standing::{Role, Standing};
use crate::log::Log;
use crate::machine::{Newest, Published};
use crate::peer::Party;

/// State that both sides see.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: RaftSettings,
    pub(crate) published: Arc<Published>,
    pub(crate) counters: Counters,
    /// The log, once it is known to which cluster it belongs.
    pub(crate) log: OnceLock<Arc<Log>>,
    /// The newest snapshot, known from then on too.
    pub(crate) newest: OnceLock<Newest>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) guard: ClockGuard,
    pub(crate) party: Party,
    pub(crate) contacts: Contacts,
    /// How the others reach this node.
    pub(crate) address: OnceLock<String>,
    /// The number of this life of the node; 0 until the cluster has noted it.
    pub(crate) life: AtomicU64,
    pub(crate) fatal: watch::Sender<Option<Error>>,
    /// Where raft stands.
    standing: Mutex<Standing>,
    /// The term in which this node leads; 0 while it does not.
    tenure: AtomicU64,
    tenure_began: Mutex<Option<(Instant, Option<Duration>)>>,
    /// Until when a quorum has vouched for this node's leadership, in microseconds after `born`.
    leased_until_us: AtomicU64,
    born: Instant,
    /// Told when a leader is heard of that was not known.
    pub(crate) news: Notify,
    /// When a leader was last heard of.
    heard_leader: Mutex<Option<Instant>>,
    /// Set while this node hands over: it sends nothing any more, although it still leads.
    yields: AtomicBool,
    pub(super) sending: Sending,
    /// Whether the others have said that this node may take part: see `outreach`.
    arrived: AtomicBool,
    /// Why the cluster cannot be used, as far as this node knows; empty if it can.
    obstacle: Mutex<String>,
}

impl Shared {
    pub(crate) fn new(settings: RaftSettings, party: Party, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            published: Arc::default(),
            counters: Counters::default(),
            log: OnceLock::new(),
            newest: OnceLock::new(),
            clock,
            guard: ClockGuard::default(),
            party,
            contacts: Contacts::default(),
            address: OnceLock::new(),
            life: AtomicU64::new(0),
            fatal: watch::Sender::new(None),
            standing: Mutex::default(),
            tenure: AtomicU64::new(0),
            tenure_began: Mutex::default(),
            leased_until_us: AtomicU64::new(0),
            born: Instant::now(),
            news: Notify::new(),
            heard_leader: Mutex::default(),
            yields: AtomicBool::new(false),
            sending: Sending::default(),
            arrived: AtomicBool::new(false),
            obstacle: Mutex::default(),
        }
    }

    /// The number of this node; 0 while it has none.
    pub(crate) fn node_id(&self) -> u64 {
        self.party.identity().node
    }

    /// Where raft stands, as of the last change.
    pub(crate) fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    pub(crate) fn set_standing(&self, standing: Standing) {
        *lock(&self.standing) = standing;
    }

    /// Notes in which term this node leads; 0 if it does not.
    pub(crate) fn set_tenure(&self, term: u64) {
        let before = self.tenure.load(Ordering::SeqCst);
        if before == term {
            return;
        }
        let now = Instant::now();
        if before > 0 {
            // Until now this node has led itself.
            *lock(&self.heard_leader) = Some(now);
        }
        if term > 0 {
            let vacancy = lock(&self.heard_leader).map(|heard| now.duration_since(heard));
            *lock(&self.tenure_began) = Some((now, vacancy));
            self.lead_in(term);
        }
        self.tenure.store(term, Ordering::SeqCst);
        self.published.wake();
    }

    /// Notes that a leader was heard of.
    pub(crate) fn hear_leader(&self) {
        *lock(&self.heard_leader) = Some(Instant::now());
        if lock(&self.standing).leader.is_none() {
            self.news.notify_one();
        }
    }

    /// Whether the node that raft takes for the leader has been heard of lately; a leader hears of
    /// itself through a quorum. Raft remembers a leader until there is another.
    pub(crate) fn is_heard(&self, leader: u64) -> bool {
        let lately = Duration::from_millis(3 * self.settings.election_timeout_max_ms());
        if leader != self.node_id() {
            return lock(&self.heard_leader).is_some_and(|heard| heard.elapsed() <= lately);
        }
        let until = self.leased_until_us.load(Ordering::SeqCst);
        let now = self.born.elapsed().as_micros() as u64;
        lock(&self.standing).is_alone || until == 0 || now < until + lately.as_micros() as u64
    }

    /// How long after a majority has confirmed it this node may still send: shorter than the
    /// shortest election of any member, whatever its own settings are.
    pub(crate) fn lease(&self) -> Duration {
        let own = self.settings.election_timeout_ms;
        let least = self.contacts.election_timeout_ms().map_or(own, |others| others.min(own));
        let fifths = if mutant::is_on(Mutant::LeaseTooLong) { 40 } else { 4 };
        Duration::from_millis(least * fifths / 5)
    }

    /// Notes that a quorum vouches for this node's leadership for `lease` from `acked` on.
    pub(crate) fn extend_lease(&self, acked: Instant, lease: Duration) {
        let until = (acked + lease).saturating_duration_since(self.born);
        self.leased_until_us.store(until.as_micros() as u64, Ordering::SeqCst);
    }

    /// Whether nobody else can lead now: a quorum has said so lately.
    pub(crate) fn is_leased(&self) -> bool {
        lock(&self.standing).is_alone || !self.lease_left().is_zero()
    }

    /// For how long nobody else can lead, as a quorum has said.
    pub(super) fn lease_left(&self) -> Duration {
        let now = self.born.elapsed().as_micros() as u64;
        let until = self.leased_until_us.load(Ordering::SeqCst);
        Duration::from_micros(until.saturating_sub(now))
    }

    /// Whether this node may take part in raft: its disk is not behind what the others know of it.
    pub(crate) fn has_arrived(&self) -> bool {
        self.arrived.load(Ordering::SeqCst)
    }

    /// Notes that this node may take part.
    pub(crate) fn arrive(&self) {
        if !self.arrived.swap(true, Ordering::SeqCst) {
            // What was in the way until now is so no more.
            self.set_obstacle("");
        }
    }

    /// Stops or allows sending while this node leads.
    pub(crate) fn set_yields(&self, yields: bool) {
        self.yields.store(yields, Ordering::SeqCst);
        self.published.wake();
    }

    /// What this node has to plan.
    pub(crate) fn agenda(&self) -> Agenda {
        let view = self.published.view();
        let term = self.tenure.load(Ordering::SeqCst);
        let tenure = self.may_plan().then_some(term);
        let vacancy = lock(&self.tenure_began).and_then(|(_, vacancy)| vacancy);
        let newest = || view.newest_held_by(self.own_holder()).map(Revision);
        let entrusted = if tenure.is_none() { newest() } else { None };
        let next_due = view.next_due(&|holder| self.is_gone(holder));
        Agenda { tenure, next_due, vacancy, entrusted }
    }

    /// Whether this node leads and its clock is right; never after a failure.
    pub(crate) fn may_plan(&self) -> bool {
        let leads = self.is_leader() && self.life.load(Ordering::SeqCst) > 0;
        leads && !self.yields.load(Ordering::SeqCst) && self.clock_fault().is_none()
    }

    /// Whether an attempt of this node may leave now.
    pub(crate) fn may_send(&self) -> bool {
        if self.is_leader() { self.may_plan() && self.is_leased() } else { self.has_word() }
    }

    /// Whether this node leads; never after a failure.
    pub(crate) fn is_leader(&self) -> bool {
        self.tenure.load(Ordering::SeqCst) > 0 && self.fatal.borrow().is_none()
    }

    /// Whether `holder` sends nothing any more: it is an earlier life of its node, or has been
    /// silent for longer than it may send without word from the leader.
    pub(crate) fn is_gone(&self, holder: Holder) -> bool {
        if self.published.view().is_past_life(holder) {
            return true;
        }
        if holder.node == self.node_id() || !self.is_leader() {
            return false;
        }
        let began = lock(&self.tenure_began).map(|(at, _)| at);
        began.is_some_and(|began| self.is_lost(holder, began))
    }

    /// Why this node's clock cannot be trusted, if it cannot.
    pub(crate) fn clock_fault(&self) -> Option<String> {
        self.guard.fault(Instant::now(), self.clock.now())
    }

    /// Why this node should not lead, if so.
    pub(crate) fn unfit(&self) -> Option<String> {
        let full = || self.disk_full(self.room_left_bytes() as usize);
        self.clock_fault().or_else(|| full().map(|error| error.to_string()))
    }

    /// How much room commits leave in the log while no further segment is to be had.
    fn room_left_bytes(&self) -> u64 {
        ROOM_BYTES_MIN.min(self.settings.segment_bytes / 4)
    }

    /// Notes the failure that ends this store; the first one counts.
    pub(crate) fn fail(&self, error: Error) {
        let is_first = self.fatal.send_if_modified(|fatal| {
            let is_first = fatal.is_none();
            fatal.get_or_insert(error);
            is_first
        });
        if is_first {
            self.published.wake();
        }
    }

    /// The failure that ended this store, as the caller of a commit or a read is told.
    pub(crate) fn failure(&self, effect: Effect) -> Option<StoreError> {
        let fatal = self.fatal.borrow();
        let error = fatal.as_ref()?;
        Some(StoreError::new(StoreErrorKind::Fatal, effect, error.to_string()))
    }

    /// Why nothing can be asked of the cluster yet: this node belongs to none.
    pub(crate) fn not_begun(&self) -> Option<StoreError> {
        if self.log.get().is_some() {
            return None;
        }
        let why = self.obstacle("this node belongs to no cluster yet");
        Some(StoreError::new(StoreErrorKind::Unavailable, Effect::None, why))
    }

    /// Why the cluster cannot be used, for whoever asks; `default` if nothing is known.
    pub(crate) fn obstacle(&self, default: &str) -> String {
        let known = lock(&self.obstacle).clone();
        if known.is_empty() { default.to_owned() } else { known }
    }

    /// Notes why the cluster cannot be used.
    pub(crate) fn set_obstacle(&self, why: impl Into<String>) {
        *lock(&self.obstacle) = why.into();
    }

    /// Why a commit of `bytes` cannot be taken now: the disk is full. It is refused before the log
    /// needs the room that is left, so this passes when there is space again.
    pub(crate) fn disk_full(&self, bytes: usize) -> Option<StoreError> {
        let log = self.log.get()?;
        let full = log.full()?;
        let room = log.stats().room.load(Ordering::Relaxed);
        let left = self.room_left_bytes();
        let needed = self.counters.in_flight_bytes.load(Ordering::Relaxed) + bytes as u64 + left;
        let message = format!("{full}; {room} bytes of log are left");
        (room < needed).then(|| StoreError::new(StoreErrorKind::Overloaded, Effect::None, message))
    }

    /// All counters.
    pub(crate) fn stats(&self) -> StoreStats {
        let (mut log_bytes, mut log_syncs) = (0, 0);
        if let Some(log) = self.log.get() {
            log_bytes = log.stats().bytes.load(Ordering::Relaxed);
            log_syncs = log.stats().syncs.load(Ordering::Relaxed);
        }
        let snapshot_time = self.newest.get().and_then(Newest::time);
        let at_snapshot = self.counters.log_bytes_at_snapshot.load(Ordering::Relaxed);
        let standing = self.standing();
        let view = self.published.view();
        let applied = view.applied.map_or(0, |id| id.index);
        StoreStats {
            is_leader: self.is_leader(),
            role: if standing.role == Role::Leader && !self.is_leader() {
                Role::Candidate
            } else {
                standing.role
            },
            last_applied: applied,
            last_log: standing.last_log.unwrap_or(0),
            snapshot_age: snapshot_time.map(|time| self.clock.now().since(time)),
            log_bytes,
            log_bytes_since_snapshot: log_bytes.saturating_sub(at_snapshot),
            log_syncs,
            failed_runs: view.failed_runs(),
            ..self.counters.read()
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
