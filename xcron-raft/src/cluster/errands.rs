//! What somebody asks of the cluster: to let a node go, to hand leadership over.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tokio::time::{Instant, sleep};

use super::contacts::Contact;
use crate::consensus::Consensus;
use crate::network::Network;
use crate::peer::Lane;
use crate::runtime;
use crate::store::Shared;
use crate::store::proposal::Proposals;
use crate::types::Batch;
use crate::wire::change::{CommandKind, RemoveMessage, encode};
use crate::wire::peer::{ErrandDoneMessage, ErrandMessage, kind};
use crate::{Error, ErrorKind};

/// How long an errand may take in all.
pub(crate) const ERRAND_MAX: Duration = Duration::from_secs(20);

/// How long one hand-over may take before it counts as failed.
const HAND_OVER_MAX: Duration = Duration::from_secs(2);

/// How many entries whoever takes over may be behind; it catches up first.
const BEHIND_MAX: u64 = 2_000;

/// Why the members cannot change yet.
pub(crate) const TOO_OLD: &str =
    "some node runs a version that cannot read this change yet, upgrade every node first";

/// How often it is looked whether something has happened.
const LOOK: Duration = Duration::from_millis(5);

/// Does errands on the node that leads, and passes them on elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Errands {
    pub(crate) raft: Consensus,
    pub(crate) network: Network,
    pub(crate) proposals: Proposals,
}

/// An errand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Let this node go.
    Remove(u64),
    /// Hand over, to this node if one is named; answered with the new leader.
    Transfer(Option<u64>),
}

impl Errands {
    fn shared(&self) -> &Arc<Shared> {
        &self.network.shared
    }

    /// Does `errand`, wherever the leader is; the leader's number afterwards.
    ///
    /// # Errors
    /// Why it was not done, or is not known to be.
    pub(crate) async fn run(&self, errand: Errand) -> Result<u64, Error> {
        let deadline = Instant::now() + ERRAND_MAX;
        loop {
            let me = self.shared().node_id();
            let done = match self.shared().standing().leader {
                Some(leader) if leader == me => self.lead(errand).await,
                Some(leader) => self.pass_on(leader, errand, deadline).await,
                None => Err(unavailable("there is no leader now")),
            };
            match done {
                Err(error) if error.kind() == ErrorKind::Unavailable => {
                    if Instant::now() + LOOK >= deadline {
                        return Err(error);
                    }
                    sleep(LOOK * 10).await;
                }
                done => return done,
            }
        }
    }

    /// Does `errand` as the leader.
    pub(crate) async fn lead(&self, errand: Errand) -> Result<u64, Error> {
        match errand {
            Errand::Transfer(to) => self.transfer(to).await,
            Errand::Remove(node) => self.remove(node).await,
        }
    }

    async fn pass_on(&self, to: u64, errand: Errand, deadline: Instant) -> Result<u64, Error> {
        let message = match errand {
            Errand::Remove(node) => ErrandMessage { remove: Some(node), transfer: None },
            Errand::Transfer(to) => ErrandMessage { remove: None, transfer: Some(to.unwrap_or(0)) },
        };
        let within = deadline.saturating_duration_since(Instant::now());
        let body = message.encode_to_vec().into();
        let asked = self.network.ask(to, "", Lane::Bulk, kind::ERRAND, body, within);
        let answer = asked.await.map_err(|error| unavailable(&error.to_string()))?;
        let done = ErrandDoneMessage::decode(answer);
        let done = done.map_err(|error| unavailable(&error.to_string()))?;
        match done.failure {
            0 => Ok(done.leader),
            failure => Err(Error::new(kind_of(failure), done.message)),
        }
    }

    /// Whoever is fit to lead and up to date enough, the best first.
    fn successors(&self) -> Vec<u64> {
        let shared = self.shared();
        let now = Instant::now();
        let is_fit =
            |contact: &Contact| contact.is_reachable(now) && contact.report.unfit.is_empty();
        let voters = shared.standing().voters.into_iter();
        let others = voters.filter(|&id| id != shared.node_id());
        let fit = others.filter(|&id| shared.contacts.get(id).as_ref().is_some_and(is_fit));
        let mut fit: Vec<(u64, u64)> = fit
            .filter_map(|id| Some((self.raft.behind(id)?, id)))
            .filter(|(behind, _)| *behind <= BEHIND_MAX)
            .collect();
        fit.sort_unstable();
        fit.into_iter().map(|(_, id)| id).collect()
    }

    /// Hands over, and sends nothing any more from the moment it begins.
    async fn transfer(&self, to: Option<u64>) -> Result<u64, Error> {
        let shared = self.shared();
        let me = shared.node_id();
        let standing = shared.standing();
        if to == Some(me) {
            return Ok(me);
        }
        if let Some(to) = to.filter(|to| !standing.voters.contains(to)) {
            let is_member = standing.learners.contains(&to);
            return Err(if is_member {
                refused(format!("node {to} does not vote yet, it is still catching up"))
            } else {
                Error::new(ErrorKind::NoSuchNode, format!("there is no node {to}"))
            });
        }
        let fit = self.successors();
        let chosen = to.map_or(fit.first().copied(), |to| fit.contains(&to).then_some(to));
        let Some(to) = chosen else {
            let who = to.map_or("no other node".to_owned(), |to| format!("node {to}"));
            return Err(refused(format!(
                "{who} is fit to lead: reachable, up to date, with a right clock and a disk that \
                 is not full"
            )));
        };
        let errands = self.clone();
        // Whoever asked may leave meanwhile. What was begun comes to its end all the same, or this
        // node would lead from then on without ever sending anything.
        let handing = runtime::spawn(async move {
            errands.shared().set_yields(true);
            let result = errands.hand_over(to).await;
            errands.shared().set_yields(false);
            result
        });
        handing.await.map_err(|error| unavailable(&error.to_string()))?
    }

    async fn hand_over(&self, to: u64) -> Result<u64, Error> {
        let begun = self.raft.hand_over_to(to).await;
        begun.map_err(|error| unavailable(&error.to_string()))?;
        let me = self.shared().node_id();
        let deadline = Instant::now() + HAND_OVER_MAX;
        loop {
            let leader = self.shared().standing().leader;
            if let Some(leader) = leader.filter(|&leader| leader != me) {
                return Ok(leader);
            }
            if Instant::now() >= deadline {
                return Err(refused(format!("node {to} did not take over in time")));
            }
            sleep(LOOK).await;
        }
    }

    /// Lets `node` go, and waits until raft's membership is without it.
    async fn remove(&self, node: u64) -> Result<u64, Error> {
        let shared = self.shared();
        let me = shared.node_id();
        let view = shared.published.view();
        if view.roster.get(node).is_none() && !self.is_member(node) {
            let message = format!("there is no node {node}");
            return Err(Error::new(ErrorKind::NoSuchNode, message));
        }
        if view.roster.format() < 2 {
            return Err(refused(TOO_OLD.to_owned()));
        }
        self.check_quorum_without(node)?;
        if node == me {
            // Whoever leads afterwards is asked again.
            self.transfer(None).await?;
            return Err(unavailable("the leader has handed over and is let go next"));
        }
        let deadline = Instant::now() + ERRAND_MAX / 2;
        let commands = vec![encode(CommandKind::Remove(RemoveMessage { node }))];
        let noted = self.proposals.write(Batch { commands }, deadline).await;
        noted.map_err(|error| unavailable(&error.to_string()))?;
        while self.is_member(node) || shared.standing().is_changing {
            if Instant::now() >= deadline {
                return Err(unavailable(&format!("node {node} is being let go")));
            }
            sleep(LOOK).await;
        }
        tracing::info!(node, "a node was let go");
        Ok(me)
    }

    fn is_member(&self, node: u64) -> bool {
        let standing = self.shared().standing();
        standing.voters.contains(&node) || standing.learners.contains(&node)
    }

    /// Refuses to let `node` go if the others could not decide anything without it.
    fn check_quorum_without(&self, node: u64) -> Result<(), Error> {
        let shared = self.shared();
        let (me, now) = (shared.node_id(), Instant::now());
        let voters = shared.standing().voters;
        let rest: Vec<u64> = voters.into_iter().filter(|&id| id != node).collect();
        let is_up = |&&id: &&u64| {
            let contact = shared.contacts.get(id);
            id == me || contact.is_some_and(|contact| contact.is_reachable(now))
        };
        let up = rest.iter().filter(is_up).count();
        if rest.is_empty() {
            return Err(refused(format!("node {node} is the last one")));
        }
        if up <= rest.len() / 2 {
            let count = rest.len();
            return Err(refused(format!(
                "without node {node} there would be {count} voting nodes, of which only {up} can \
                 be reached: that is no majority; let go of an unreachable one first"
            )));
        }
        Ok(())
    }
}

/// What came of an errand, for whoever passed it on.
pub(crate) fn answer(done: Result<u64, Error>) -> ErrandDoneMessage {
    match done {
        Ok(leader) => ErrandDoneMessage { failure: 0, message: String::new(), leader },
        Err(error) => {
            let failure = match error.kind() {
                ErrorKind::NoSuchNode => 1,
                ErrorKind::Refused => 2,
                _ => 3,
            };
            ErrandDoneMessage { failure, message: error.to_string(), leader: 0 }
        }
    }
}

fn kind_of(failure: u32) -> ErrorKind {
    match failure {
        1 => ErrorKind::NoSuchNode,
        2 => ErrorKind::Refused,
        _ => ErrorKind::Unavailable,
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Refused, message)
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}
