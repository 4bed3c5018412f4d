//! The room for connections: some for peers that have proved to know the secret, fewer for others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::peer::counts::Wrong;
use crate::peer::party::Party;

/// Who is connected.
#[derive(Debug)]
pub(super) struct Seats {
    party: Party,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    number_last: u64,
    /// Each ends when its sender is dropped.
    strangers: BTreeMap<u64, oneshot::Sender<()>>,
    proven: usize,
}

/// The place of one connection, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    stays: oneshot::Receiver<()>,
    is_proven: bool,
}

impl Seats {
    pub(super) fn new(party: Party) -> Self {
        Self { party, state: Mutex::default() }
    }

    /// The place of a stranger. When there are too many, the one who has been silent for longest
    /// loses its place: a member proves itself within milliseconds, whoever only waits does not.
    pub(super) fn take(self: Arc<Self>) -> Seat {
        let (place, stays) = oneshot::channel();
        let number = {
            let mut state = self.state();
            if state.strangers.len() >= self.party.limits.strangers_max {
                state.strangers.pop_first();
            }
            state.number_last += 1;
            let number = state.number_last;
            state.strangers.insert(number, place);
            number
        };
        Seat { seats: self, number, stays, is_proven: false }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Does `step` of somebody who is still a stranger, unless the place is lost.
    pub(super) async fn as_stranger<T>(
        &mut self,
        step: impl Future<Output = Result<T, Wrong>>,
    ) -> Result<T, Wrong> {
        tokio::select! {
            biased;
            _ = &mut self.stays => Err(Wrong::OverLimit),
            outcome = step => outcome,
        }
    }

    /// Takes a place among the proven; false when there is none.
    pub(super) fn promote(&mut self) -> bool {
        let mut state = self.seats.state();
        self.is_proven = state.proven < self.seats.party.limits.connections_max;
        if self.is_proven {
            state.strangers.remove(&self.number);
            state.proven += 1;
            self.seats.party.tally().connections_open.set(state.proven as u64);
        }
        self.is_proven
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.seats.state();
        state.strangers.remove(&self.number);
        if self.is_proven {
            state.proven -= 1;
            self.seats.party.tally().connections_open.set(state.proven as u64);
        }
    }
}
