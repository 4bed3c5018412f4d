//! Who belongs to the cluster, as the log says: numbers, addresses, and the format in force.
//!
//! Raft's membership follows the roster, one change at a time: whoever is let in becomes a learner
//! and then a voter, whoever is let go leaves. A number is given once and never again, and has
//! nothing to do with an address.

use bytes::Bytes;
use imbl::OrdMap;
use xcron_core::Timestamp;
use xcron_core::mutant::{self, Mutant};

use crate::types::StoredMembership;
use crate::wire::Unreadable;
use crate::wire::change::{AdmitMessage, MoveMessage};

/// The newest format of entries and snapshots that this version reads and writes.
///
/// Format 2 adds the roster, stamps, and the format itself; format 3 keeps failed runs apart;
/// format 4 keeps attempts one by one; in format 5 puts leave out what the task says already.
pub(crate) const FORMAT_MAX: u32 = 5;

/// The first format in which failed runs are kept apart.
pub(crate) const FORMAT_KEEPS_FAILED: u32 = 3;

/// The first format in which attempts are kept.
pub(crate) const FORMAT_KEEPS_ATTEMPTS: u32 = 4;

/// The first format in which puts are short.
pub(crate) const FORMAT_SHORT_PUTS: u32 = 5;

/// The format of a cluster that has not agreed on a newer one.
pub(crate) const FORMAT_MIN: u32 = 1;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// How the others reach it.
    pub(crate) address: String,
    /// What it called itself when it asked to be let in; empty for a founder.
    pub(crate) nonce: Bytes,
}

/// Who belongs to the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roster {
    members: OrdMap<u64, Member>,
    /// The greatest number that was ever given.
    last_id: u64,
    format: u32,
    time: Timestamp,
}

impl Default for Roster {
    fn default() -> Self {
        let (members, last_id) = (OrdMap::new(), 0);
        Self { members, last_id, format: FORMAT_MIN, time: Timestamp::MIN }
    }
}

impl Roster {
    /// What a snapshot holds; one of format 1 holds nothing.
    pub(crate) fn restored(
        members: impl IntoIterator<Item = (u64, Member)>,
        last_id: u64,
        format: u32,
        time: Timestamp,
    ) -> Self {
        let members = members.into_iter().collect();
        Self { members, last_id, format: format.max(FORMAT_MIN), time }
    }

    /// Takes the members that raft begins with, if nobody has been let in before.
    pub(crate) fn found(&mut self, membership: &StoredMembership) {
        if self.last_id > 0 {
            return;
        }
        for (&id, node) in membership.membership().nodes() {
            let member = Member { address: node.addr.clone(), nonce: Bytes::new() };
            self.members.insert(id, member);
            self.last_id = self.last_id.max(id);
        }
    }

    /// Lets a node in; one that asks again has its number already.
    pub(crate) fn admit(&mut self, admit: AdmitMessage) -> u64 {
        let known = self.members.iter().find(|(_, member)| member.nonce == admit.nonce);
        if let Some((&id, _)) = known.filter(|_| !admit.nonce.is_empty()) {
            return id;
        }
        self.last_id += 1;
        // A copy: a slice would keep all of the entry that it came with.
        let nonce = Bytes::copy_from_slice(&admit.nonce);
        self.members.insert(self.last_id, Member { address: admit.address, nonce });
        self.last_id
    }

    /// Lets a node go.
    pub(crate) fn remove(&mut self, id: u64) {
        self.members.remove(&id);
    }

    /// Makes this the only member: a cluster begins anew with it.
    pub(crate) fn replace(&mut self, id: u64, address: String) {
        self.members = OrdMap::unit(id, Member { address, nonce: Bytes::new() });
        self.last_id = self.last_id.max(id);
        self.format = self.format.max(2);
    }

    /// Notes where a member is reached from now on.
    pub(crate) fn relocate(&mut self, moved: MoveMessage) {
        if let Some(member) = self.members.get_mut(&moved.node) {
            member.address = moved.address;
        }
    }

    /// Raises the format in force.
    pub(crate) fn raise_format(&mut self, format: u32, format_max: u32) -> Result<(), Unreadable> {
        if format > format_max {
            let what = format!("format {format}, this version reads up to {format_max}");
            return Err(Unreadable::new(what));
        }
        self.format = self.format.max(format);
        Ok(())
    }

    /// Notes the time of an entry; time in the log never goes back.
    pub(crate) fn stamp(&mut self, millis: i64) {
        let goes_back = mutant::is_on(Mutant::WallClockBehindLog);
        let least = if goes_back { Timestamp::MIN } else { self.time };
        self.time = least.max(Timestamp::from_millis(millis));
    }

    /// The member with this number.
    pub(crate) fn get(&self, id: u64) -> Option<&Member> {
        self.members.get(&id)
    }

    /// All members in order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Member)> {
        self.members.iter().map(|(&id, member)| (id, member))
    }

    /// The greatest number that was ever given.
    pub(crate) fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Whether the node with this number was let go.
    pub(crate) fn is_removed(&self, id: u64) -> bool {
        id <= self.last_id && !self.members.contains_key(&id)
    }

    /// The format that is written.
    pub(crate) fn format(&self) -> u32 {
        self.format
    }

    /// The newest time of an entry.
    pub(crate) fn time(&self) -> Timestamp {
        self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(nonce: &'static str) -> AdmitMessage {
        AdmitMessage { nonce: nonce.into(), address: "a:1".into() }
    }

    #[test]
    fn a_number_is_given_once_and_never_again() {
        let mut roster = Roster::default();
        assert_eq!(roster.admit(ask("x")), 1);
        assert_eq!(roster.admit(ask("y")), 2);
        assert_eq!(roster.admit(ask("x")), 1, "asking twice lets in once");
        roster.remove(2);
        assert!(roster.is_removed(2) && !roster.is_removed(3));
        assert_eq!(roster.admit(ask("y")), 3, "who was let go comes back as somebody else");
    }

    #[test]
    fn founders_are_taken_over_once() {
        let membership = crate::types::membership(None, [(7, "a:1".to_owned())]);
        let mut roster = Roster::default();
        roster.found(&membership);
        assert_eq!(roster.last_id(), 7);
        roster.remove(7);
        roster.found(&membership);
        assert_eq!(roster.iter().count(), 0);
    }

    #[test]
    fn time_never_goes_back_and_a_newer_format_is_refused() {
        let mut roster = Roster::default();
        roster.stamp(5);
        roster.stamp(3);
        assert_eq!(roster.time(), Timestamp::from_millis(5));
        assert!(roster.raise_format(2, 1).is_err());
        assert!(roster.raise_format(2, 2).is_ok());
        assert_eq!(roster.format(), 2);
    }
}
