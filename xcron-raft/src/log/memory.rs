//! The log as readers see it: every entry's place, and the payloads of the newest ones.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::id::{Checkpoint, LogId, RecordHead, RecordKind};

/// Where the record of an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u32,
    pub(crate) len: u32,
}

/// The payload of an entry, or where to read it.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Cached(Bytes),
    Stored(Place),
}

#[derive(Debug)]
struct Slot {
    term: u64,
    node: u64,
    ticket: u64,
    place: Option<Place>,
    payload: Option<Bytes>,
}

/// Entries and votes, changed the moment they are handed to the log, before they are durable.
#[derive(Debug)]
pub(crate) struct Memory {
    state: Checkpoint,
    /// Index of the first slot.
    first: u64,
    slots: VecDeque<Slot>,
    /// No entry below this index is cached.
    cold: u64,
    cached_bytes: usize,
    cache_bytes_max: usize,
    tickets: u64,
}

impl Memory {
    /// A log that amounts to `state` and whose entries so far are not known.
    pub(crate) fn new(state: Checkpoint, cache_bytes_max: usize) -> Self {
        let first = state.last.map_or(0, |last| last.index + 1);
        let slots = VecDeque::new();
        Self { state, first, slots, cold: first, cached_bytes: 0, cache_bytes_max, tickets: 0 }
    }

    /// What the log amounts to.
    pub(crate) fn state(&self) -> &Checkpoint {
        &self.state
    }

    /// The indexes of all entries.
    pub(crate) fn range(&self) -> Range<u64> {
        self.first..self.first + self.slots.len() as u64
    }

    /// Takes in an entry and returns its ticket; the reason if it cannot follow.
    pub(crate) fn append(&mut self, id: LogId, payload: Bytes) -> Result<u64, String> {
        self.state.apply(RecordHead { kind: RecordKind::Append, id })?;
        if self.slots.is_empty() {
            self.first = id.index;
            self.cold = id.index;
        }
        self.tickets += 1;
        self.cached_bytes += payload.len();
        self.slots.push_back(Slot {
            term: id.term,
            node: id.node,
            ticket: self.tickets,
            place: None,
            payload: Some(payload),
        });
        Ok(self.tickets)
    }

    /// Takes in a record other than an entry.
    pub(crate) fn apply(&mut self, head: RecordHead) -> Result<(), String> {
        self.state.apply(head)?;
        match head.kind {
            RecordKind::TruncateAfter => self.cut(head.id.index + 1),
            RecordKind::TruncateAll => self.cut(self.first),
            RecordKind::Purge => self.drop_through(head.id.index),
            RecordKind::Append | RecordKind::Vote | RecordKind::Committed => {}
        }
        Ok(())
    }

    /// Takes in how far entries are committed; a value that is not newer changes nothing.
    pub(crate) fn set_committed(&mut self, id: LogId) {
        if self.state.committed.is_none_or(|old| old.index < id.index) {
            self.state.committed = Some(id);
        }
    }

    /// Notes that the entry with this ticket is durable at `place`.
    pub(crate) fn set_place(&mut self, index: u64, ticket: u64, place: Place) {
        let slot = index.checked_sub(self.first).and_then(|i| self.slots.get_mut(i as usize));
        if let Some(slot) = slot
            && slot.ticket == ticket
        {
            slot.place = Some(place);
        }
    }

    /// Drops payloads of the oldest durable entries until the cache is within its limit.
    pub(crate) fn evict(&mut self) {
        while self.cached_bytes > self.cache_bytes_max && self.range().contains(&self.cold) {
            let slot = &mut self.slots[(self.cold - self.first) as usize];
            if slot.place.is_none() {
                return;
            }
            self.cached_bytes -= slot.payload.take().map_or(0, |payload| payload.len());
            self.cold += 1;
        }
    }

    /// The position of an entry.
    pub(crate) fn log_id(&self, index: u64) -> Option<LogId> {
        let slot = self.slots.get(index.checked_sub(self.first)? as usize)?;
        Some(LogId { term: slot.term, node: slot.node, index })
    }

    /// The entries of `range`, up to `bytes_max` of payload but at least one.
    pub(crate) fn read(&self, range: Range<u64>, bytes_max: usize) -> Vec<(LogId, Payload)> {
        let mut found = Vec::new();
        let mut bytes = 0;
        for index in range.start.max(self.first)..range.end.min(self.range().end) {
            let slot = &self.slots[(index - self.first) as usize];
            let payload = match (&slot.payload, slot.place) {
                (Some(payload), _) => Payload::Cached(payload.clone()),
                (None, Some(place)) => Payload::Stored(place),
                (None, None) => unreachable!("only durable entries leave the cache"),
            };
            bytes += match &payload {
                Payload::Cached(payload) => payload.len(),
                Payload::Stored(place) => place.len as usize,
            };
            if bytes > bytes_max && !found.is_empty() {
                break;
            }
            found.push((LogId { term: slot.term, node: slot.node, index }, payload));
        }
        found
    }

    /// Drops the entries from index `from` on.
    fn cut(&mut self, from: u64) {
        while self.range().end > from {
            let Some(slot) = self.slots.pop_back() else {
                break;
            };
            self.cached_bytes -= slot.payload.map_or(0, |payload| payload.len());
        }
        if self.slots.is_empty() {
            self.first = from;
        }
        self.cold = self.cold.clamp(self.first, self.range().end);
    }

    /// Drops the entries up to and including index `through`.
    fn drop_through(&mut self, through: u64) {
        while self.first <= through {
            let Some(slot) = self.slots.pop_front() else {
                break;
            };
            self.cached_bytes -= slot.payload.map_or(0, |payload| payload.len());
            self.first += 1;
        }
        if self.slots.is_empty() {
            self.first = self.first.max(through + 1);
        }
        self.cold = self.cold.max(self.first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(index: u64) -> LogId {
        LogId { term: 1, node: 1, index }
    }

    fn filled(count: u64) -> Memory {
        let mut memory = Memory::new(Checkpoint::default(), 100);
        for index in 0..count {
            memory.append(id(index), Bytes::from(vec![0; 40])).unwrap();
        }
        memory
    }

    #[test]
    fn an_entry_that_is_not_durable_stays_in_memory() {
        let mut memory = filled(4);
        memory.evict();
        assert_eq!(memory.cached_bytes, 160);
        for index in 0..4 {
            memory.set_place(index, index + 1, Place { segment: 1, offset: 0, len: 80 });
        }
        memory.evict();
        assert_eq!(memory.cached_bytes, 80);
        assert!(matches!(memory.read(1..2, 1)[0].1, Payload::Stored(_)));
        assert!(matches!(memory.read(2..3, 1)[0].1, Payload::Cached(_)));
    }

    #[test]
    fn the_place_of_a_cut_entry_does_not_reach_its_successor() {
        let mut memory = filled(3);
        memory.apply(RecordHead { kind: RecordKind::TruncateAfter, id: id(1) }).unwrap();
        memory.append(LogId { term: 2, ..id(2) }, Bytes::new()).unwrap();
        memory.set_place(2, 3, Place { segment: 1, offset: 0, len: 80 });
        assert!(memory.slots[2].place.is_none());
    }

    #[test]
    fn a_read_stops_at_its_byte_limit_but_never_before_one_entry() {
        let memory = filled(4);
        assert_eq!(memory.read(0..4, 1).len(), 1);
        assert_eq!(memory.read(0..4, 80).len(), 2);
        assert_eq!(memory.read(0..4, 81).len(), 2);
        assert_eq!(memory.read(0..9, 1_000).len(), 4);
    }

    #[test]
    fn a_hole_is_refused() {
        assert!(filled(3).append(id(4), Bytes::new()).is_err());
    }
}
