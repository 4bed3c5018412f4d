//! Where an attempt goes: it is sent here, by another node, or not yet.

use super::lanes::Room;
use super::step::FULL_PAUSE;
use super::{Attempt, Engine};
use crate::Timestamp;
use crate::decide::{self, Claimed};
use crate::task::state::Holder;
use std::sync::Arc;

/// Where there is room for an attempt.
pub(super) enum Place {
    Here,
    With(Holder),
    /// Nowhere yet, but soon.
    Nowhere,
    /// Nowhere before then.
    Later(Timestamp),
}

impl Engine {
    /// Finds room for the attempt that `claimed` starts: here, or with another node.
    pub(super) fn place(
        &mut self,
        claimed: &Claimed,
        destination: &Arc<str>,
        now: Timestamp,
    ) -> Place {
        let claim = claimed.start.as_ref().map(|start| &start.claim);
        let bound = claim.and_then(|claim| decide::bound_to(&claimed.state, claim));
        let is_here = bound.is_none_or(|holder| holder == self.parts.store.holder());
        if !is_here {
            let taken = self.away.take(bound, destination);
            return taken.map_or(Place::Later(now.plus(FULL_PAUSE)), Place::With);
        }
        // Once every place here has its attempt, others have free ones.
        if bound.is_none()
            && self.lanes.is_busy(destination)
            && !self.lanes.is_doubtful(destination, now)
            && let Some(other) = self.away.take(None, destination)
        {
            return Place::With(other);
        }
        match self.lanes.reserve(destination, now) {
            Room::Taken => Place::Here,
            Room::Soon => Place::Nowhere,
            Room::Later(later) => Place::Later(later),
        }
    }

    /// Whether this node is to send `attempt`.
    pub(super) fn is_own(&self, attempt: Option<&Attempt>) -> bool {
        attempt.is_some_and(|attempt| attempt.start.claim.holder == self.parts.store.holder())
    }

    /// Gives back the room of an attempt whose claim was not made.
    pub(super) fn take_back_room(&mut self, attempt: Option<Attempt>) {
        if let Some(attempt) = attempt.filter(|attempt| self.is_own(Some(attempt))) {
            self.lanes.release(&attempt.destination);
        }
    }
}
