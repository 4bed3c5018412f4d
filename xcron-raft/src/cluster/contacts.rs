//! What this node knows of the others: how each said it is, when it was last heard of, where it is
//! reached, and how far its clock is off.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use xcron_core::Holder;

use super::clock_guard::Reading;
use crate::wire::peer::ReportMessage;

/// A node that was not heard of for so long counts as out of reach.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(1);

/// How long a new leader waits for word from whoever holds open runs: a node that is up greets a
/// new leader at once.
pub(crate) const GREETING_MAX: Duration = Duration::from_millis(200);

/// What is known of one node.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    /// What it said of itself.
    pub(crate) report: ReportMessage,
    /// When it was last heard of.
    pub(crate) seen_at: Instant,
    /// What its clock showed when it was last asked.
    pub(crate) clock: Option<Reading>,
}

impl Contact {
    /// Whether it has been heard of lately.
    pub(crate) fn is_reachable(&self, now: Instant) -> bool {
        now.duration_since(self.seen_at) <= SILENCE_MAX
    }
}

/// What is known of the others. There are as many entries as nodes that were members in this
/// node's life and proved it.
#[derive(Debug, Default)]
pub(crate) struct Contacts {
    known: Mutex<BTreeMap<u64, Contact>>,
    /// Where nodes were found that have not been heard of since.
    found: Mutex<BTreeMap<u64, String>>,
}

impl Contacts {
    fn known(&self) -> MutexGuard<'_, BTreeMap<u64, Contact>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a node says of itself, and what its clock shows if that was well measured.
    pub(crate) fn note(&self, report: ReportMessage, clock: Option<Reading>, now: Instant) {
        let mut known = self.known();
        let before = known.get(&report.node).and_then(|contact| contact.clock);
        let clock = clock.or(before);
        self.found.lock().unwrap_or_else(PoisonError::into_inner).remove(&report.node);
        known.insert(report.node, Contact { report, seen_at: now, clock });
    }

    /// Notes that a node answers at `address`; what it says itself later counts more.
    pub(crate) fn find(&self, node: u64, address: &str) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(node, address.to_owned());
    }

    /// What is known of a node.
    pub(crate) fn get(&self, node: u64) -> Option<Contact> {
        self.known().get(&node).cloned()
    }

    /// Forgets a node that is not a member any more.
    pub(crate) fn retain(&self, is_member: impl Fn(u64) -> bool) {
        self.known().retain(|&node, _| is_member(node));
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.retain(|&node, _| is_member(node));
    }

    /// Where a node was found, or said that it is reached.
    pub(crate) fn address(&self, node: u64) -> Option<String> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(&node).cloned();
        if found.is_some() {
            return found;
        }
        let known = self.known();
        known.get(&node).map(|contact| contact.report.address.clone()).filter(|a| !a.is_empty())
    }

    /// Where each of those who were heard of says that it is reached.
    pub(crate) fn addresses(&self) -> Vec<(u64, String)> {
        let known = self.known();
        known.iter().map(|(id, contact)| (*id, contact.report.address.clone())).collect()
    }

    /// The least time that any of them waits for a leader.
    pub(crate) fn election_timeout_ms(&self) -> Option<u64> {
        let known = self.known();
        known.values().map(|contact| contact.report.election_timeout_ms).filter(|&ms| ms > 0).min()
    }

    /// What those said of themselves that were heard of within `span`.
    pub(crate) fn heard_within(&self, span: Duration, now: Instant) -> Vec<ReportMessage> {
        let known = self.known();
        let heard = known.values().filter(|contact| now.duration_since(contact.seen_at) <= span);
        heard.map(|contact| contact.report.clone()).collect()
    }

    /// What the clocks of these nodes showed when they were last asked.
    pub(crate) fn clocks(&self, nodes: &[u64]) -> Vec<Reading> {
        let known = self.known();
        nodes.iter().filter_map(|node| known.get(node)?.clock).collect()
    }

    /// Whether a leader since `led_since` may take it that `holder` sends nothing any more: it has
    /// been silent since for longer than its lease lasts. That given by the leader before lasts for
    /// `lease` at the most.
    pub(crate) fn is_silent(
        &self,
        holder: Holder,
        led_since: Instant,
        lease: Duration,
        now: Instant,
    ) -> bool {
        let known = self.known();
        let contact = known.get(&holder.node);
        let seen = contact.filter(|contact| contact.report.life == holder.incarnation);
        match seen.map(|contact| contact.seen_at).filter(|&seen| seen > led_since) {
            Some(seen) => now.duration_since(seen) > SILENCE_MAX,
            None => now.duration_since(led_since) > GREETING_MAX.max(lease),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(node: u64, life: u64) -> ReportMessage {
        ReportMessage { node, life, ..ReportMessage::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_is_silent_once_a_new_leader_has_waited_for_its_greeting() {
        let contacts = Contacts::default();
        let holder = Holder { node: 2, incarnation: 5 };
        contacts.note(report(2, 5), None, Instant::now());
        tokio::time::advance(Duration::from_millis(1)).await;
        let (led, lease) = (Instant::now(), GREETING_MAX);
        let is_silent = |holder, now| contacts.is_silent(holder, led, lease, now);
        assert!(!is_silent(holder, led), "what was said to nobody counts for nothing");
        assert!(is_silent(holder, led + GREETING_MAX * 2));
        assert!(!contacts.is_silent(holder, led, GREETING_MAX * 3, led + GREETING_MAX * 2));
        tokio::time::advance(Duration::from_millis(100)).await;
        contacts.note(report(2, 5), None, Instant::now());
        assert!(!is_silent(holder, led + GREETING_MAX * 2));
        assert!(is_silent(holder, led + SILENCE_MAX * 2));
        let earlier = Holder { node: 2, incarnation: 4 };
        assert!(is_silent(earlier, led + GREETING_MAX * 2));
    }
}
