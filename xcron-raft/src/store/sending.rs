//! Who may send: the leader while a majority vouches for it, and whoever else has attempts claimed
//! for it while the leader vouches for that one.
//!
//! The leader gives its word in answer to a question, for as long as nobody else can lead, and
//! counted from the question on: so it ends with the leader's own lease at the latest. Whom the
//! leader has taken for gone gets no word until nothing is claimed for it any more, or an attempt
//! could be made twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use xcron_core::mutant::{self, Mutant};
use xcron_core::{Holder, Sender};

use super::shared::{Shared, lock};
use crate::wire::peer::ReportMessage;

/// The longest that the leader's word counts: shorter than it waits for a silent node.
const WORD_MAX: Duration = Duration::from_millis(800);

/// Who has asked for the leader's word and has not asked for so long sends nothing any more, once
/// the last word does not count any more. What it was to send is late by as much.
const SILENCE_MAX: Duration = Duration::from_millis(700);

/// Who says for so long that no word has reached it is given none any more.
const DEAF_MAX: Duration = Duration::from_millis(400);

/// Nothing is claimed for a node that was not heard of for so long.
const UNHEARD_MAX: Duration = Duration::from_millis(400);

/// A node that is so many entries behind is given nothing to send.
const BEHIND_MAX: u64 = 1_000;

/// What is known of sending.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    /// How many attempts others may claim for this node.
    offered: AtomicUsize,
    /// Until when the leader vouches for this node, and which entry it has to have applied.
    word: Mutex<Option<(Instant, u64)>>,
    /// What this node, which leads, has told others.
    told: Mutex<Told>,
}

/// What a leader has told others in its term.
#[derive(Debug, Default)]
struct Told {
    /// The last term in which this node led.
    term: u64,
    /// Whom it has taken for gone.
    lost: BTreeSet<Holder>,
    /// When it gave its word to each last, and until when that counts.
    words: BTreeMap<Holder, (Instant, Instant)>,
    /// Since when each says that it has claims, and no word that counts.
    deaf: BTreeMap<Holder, Instant>,
}

impl Told {
    fn is_deaf(&self, holder: Holder, now: Instant) -> bool {
        self.deaf.get(&holder).is_some_and(|since| now.duration_since(*since) > DEAF_MAX)
    }
}

impl Shared {
    /// Who this node is in claims.
    pub(crate) fn own_holder(&self) -> Holder {
        Holder { node: self.node_id(), incarnation: self.life.load(Ordering::SeqCst) }
    }

    /// How many attempts others may claim for this node.
    pub(crate) fn offered(&self) -> u64 {
        self.sending.offered.load(Ordering::SeqCst) as u64
    }

    pub(super) fn offer(&self, attempts: usize) {
        self.sending.offered.store(attempts, Ordering::SeqCst);
    }

    /// Whether others have claimed attempts for this node.
    pub(crate) fn has_claims(&self) -> bool {
        self.published.view().newest_held_by(self.own_holder()).is_some()
    }

    /// Notes that the leader vouches for this node until `until`, once it has applied `after`.
    pub(crate) fn take_word(&self, until: Instant, after: u64) {
        let mut word = lock(&self.sending.word);
        if word.is_none_or(|(known, _)| known < until) {
            *word = Some((until, after));
        }
    }

    /// Whether this node, which follows, may send now what was claimed for it.
    pub(super) fn has_word(&self) -> bool {
        let Some((until, after)) = *lock(&self.sending.word) else {
            return false;
        };
        let is_well = self.fatal.borrow().is_none() && self.clock_fault().is_none();
        let applied = self.published.view().applied.map_or(0, |id| id.index);
        let counts = Instant::now() < until && applied >= after;
        is_well && (counts || mutant::is_on(Mutant::SendsWithoutWord))
    }

    /// For how long from its question on whoever asks may send, and which entry it has to have
    /// applied, if this node may say so.
    pub(crate) fn vouch_for(&self, asks: &ReportMessage) -> Option<(u64, Duration)> {
        let left = self.may_plan().then(|| self.lease_left())?;
        let is_member = self.standing().voters.contains(&asks.node);
        if !is_member || left.is_zero() {
            return None;
        }
        let holder = Holder { node: asks.node, incarnation: asks.life };
        let (mut told, now) = (lock(&self.sending.told), Instant::now());
        let view = self.published.view();
        if view.held_by(holder) == 0 {
            told.lost.remove(&holder);
            told.deaf.remove(&holder);
        } else if asks.may_send {
            told.deaf.remove(&holder);
        } else {
            told.deaf.entry(holder).or_insert(now);
        }
        if told.lost.contains(&holder) || told.is_deaf(holder, now) {
            return None;
        }
        let left = left.min(WORD_MAX);
        // An earlier word counts for as long as it did, also when leases get shorter.
        let known = told.words.get(&holder).map_or(now, |(_, until)| *until);
        told.words.retain(|other, _| other.node != holder.node);
        told.words.insert(holder, (now, known.max(now + left)));
        Some((view.applied.map_or(0, |id| id.index), left))
    }

    /// Whether `holder`, another node, is taken for gone by this one, which leads since `began`.
    pub(super) fn is_lost(&self, holder: Holder, began: Instant) -> bool {
        let (mut told, now) = (lock(&self.sending.told), Instant::now());
        let lease_max = Duration::from_millis(self.settings.election_timeout_ms);
        let is_gone = match told.words.get(&holder) {
            // Until then it may send, even if it was let go meanwhile.
            Some((_, until)) if now < *until => false,
            Some((given, _)) => {
                now.duration_since(*given) > SILENCE_MAX || told.is_deaf(holder, now)
            }
            None => self.contacts.is_silent(holder, began, lease_max, now),
        };
        if is_gone {
            told.lost.insert(holder);
        }
        told.lost.contains(&holder)
    }

    /// Forgets what others were told in an earlier term than `term`.
    pub(super) fn lead_in(&self, term: u64) {
        let mut told = lock(&self.sending.told);
        if told.term != term {
            *told = Told { term, ..Told::default() };
        }
    }

    /// The other nodes that attempts may be claimed for.
    pub(super) fn senders(&self) -> Vec<Sender> {
        if !self.may_plan() {
            return Vec::new();
        }
        let (view, standing) = (self.published.view(), self.standing());
        let applied = view.applied.map_or(0, |id| id.index);
        let told = lock(&self.sending.told);
        let takes = |report: &ReportMessage| {
            let holder = Holder { node: report.node, incarnation: report.life };
            let is_near = report.applied.unwrap_or(0).saturating_add(BEHIND_MAX) >= applied;
            report.unfit.is_empty()
                && is_near
                && standing.voters.contains(&report.node)
                && view.is_present_life(holder)
                && !told.lost.contains(&holder)
                && !told.deaf.contains_key(&holder)
        };
        let heard = self.contacts.heard_within(UNHEARD_MAX, Instant::now()).into_iter();
        let reachable = heard.filter(takes);
        let senders = reachable.map(|report| {
            let holder = Holder { node: report.node, incarnation: report.life };
            let offered = usize::try_from(report.offered).unwrap_or(usize::MAX);
            Sender { holder, room: offered.saturating_sub(view.held_by(holder)) }
        });
        senders.filter(|sender| sender.room > 0).collect()
    }
}
