//! The calling side: one line to each target and lane, and one connection on each line.

mod backlog;
mod dial;
mod line;
mod link;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::error::{CallError, CallErrorKind};
use super::identity::{Identity, Kind, Lane};
use super::limits::{FRAME_BYTES_MAX, LINES_MAX};
use super::party::Party;
use super::request::REQUEST_HEAD_BYTES;
use crate::net::Net;
use line::{Destination, Line};

/// The peers that this node calls; clones share their connections.
///
/// A connection is a task of the tokio runtime in which the call was made that needed it. All of
/// them end with the last clone.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    net: Arc<dyn Net>,
    party: Party,
    lines: Arc<Lines>,
}

#[derive(Debug, Default)]
struct Lines(Mutex<BTreeMap<Destination, Arc<Line>>>);

impl Lines {
    fn get(&self) -> MutexGuard<'_, BTreeMap<Destination, Arc<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        for line in self.get().values() {
            line.close();
        }
    }
}

impl Peers {
    /// Calls made over `net` as `party`.
    pub(crate) fn new(net: Arc<dyn Net>, party: Party) -> Self {
        Self { net, party, lines: Arc::default() }
    }

    /// Sends a request to `target` at `address`, or to whoever answers there, and waits for the
    /// answer until `deadline`.
    ///
    /// Requests to one target and lane are sent in the order of their calls, more precisely of
    /// the first polls. A call that is dropped takes back what was not sent yet.
    ///
    /// # Errors
    /// Nobody answers, somebody else does, or the answer is a refusal: see [`CallErrorKind`]. As
    /// long as `was_sent` is false, the request certainly has no effect, now or later.
    pub(crate) async fn call(
        &self,
        address: &str,
        target: Option<Identity>,
        lane: Lane,
        kind: Kind,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Bytes, CallError> {
        let bytes = body.len() + REQUEST_HEAD_BYTES;
        if bytes > FRAME_BYTES_MAX {
            let message = format!("a request of {bytes} bytes, the longest has {FRAME_BYTES_MAX}");
            return Err(CallError::unsent(CallErrorKind::TooLong, message));
        }
        let line = self.line(Destination {
            address: address.to_owned(),
            target,
            lane,
            own: self.party.identity(),
        })?;
        line.call(kind, body, deadline).await
    }

    /// Who answers at `address`, asked on a connection of its own.
    ///
    /// # Errors
    /// When nobody does before `deadline`, or whoever does cannot prove it.
    pub(crate) async fn identify(
        &self,
        address: &str,
        deadline: Instant,
    ) -> Result<Identity, CallError> {
        let asking = dial::dial(&*self.net, &self.party, address, {
            (self.party.identity(), None, Lane::Bulk)
        });
        let late = |_| {
            let message = format!("{address} did not say who it is in time");
            CallError::unsent(CallErrorKind::Timeout, message)
        };
        let (met, _frames) = timeout_at(deadline, asking).await.map_err(late)??;
        match met.verdict {
            // It does not serve members of another cluster, but it has said who it is.
            Err(error) if error.kind != CallErrorKind::Foreign => Err(error),
            _ => Ok(met.answerer),
        }
    }

    /// Ends the connections to `address`, as a broken network would, and with them the calls that
    /// wait for answers.
    #[cfg(test)]
    pub(crate) fn forget(&self, address: &str) {
        self.lines.get().retain(|destination, line| {
            let is_meant = destination.address == address;
            if is_meant {
                line.close();
            }
            !is_meant
        });
    }

    fn line(&self, destination: Destination) -> Result<Arc<Line>, CallError> {
        let mut lines = self.lines.get();
        if let Some(line) = lines.get(&destination) {
            return Ok(Arc::clone(line));
        }
        if lines.len() >= LINES_MAX {
            lines.retain(|_, line| line.is_in_use());
        }
        if lines.len() >= LINES_MAX {
            let message = format!("connections to {LINES_MAX} targets are in use");
            return Err(CallError::unsent(CallErrorKind::Busy, message));
        }
        let beside = [Lane::Raft, Lane::Bulk]
            .into_iter()
            .find_map(|lane| lines.get(&Destination { lane, ..destination.clone() }));
        let line = Arc::new(match beside {
            Some(other) => other.beside(destination.clone()),
            None => Line::new(destination.clone(), Arc::clone(&self.net), self.party.clone()),
        });
        lines.insert(destination, Arc::clone(&line));
        Ok(line)
    }
}
