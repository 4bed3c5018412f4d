//! What the leader does for the cluster: raft's membership follows the roster, addresses and
//! formats are noted, and a leader that should not lead hands over.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::errands::{Errand, Errands};
use super::service::is_address;
use crate::store::Shared;
use crate::types::Batch;
use crate::wire::change::{CommandKind, MoveMessage, encode};

/// How often the leader looks after the cluster.
const LOOK: Duration = Duration::from_millis(50);

/// The same while there is no other node.
const LOOK_ALONE: Duration = Duration::from_millis(250);

/// How many entries a learner may be behind to become a voter.
const BEHIND_MAX: u64 = 1_000;

/// How long one step may take.
const STEP_MAX: Duration = Duration::from_secs(10);

/// Pause after a step that failed.
const RETRY: Duration = Duration::from_millis(500);

/// What the leader has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Duty {
    /// Note where a member is reached.
    Move(u64, String),
    /// Every member reads this format.
    RaiseFormat(u32),
    /// A change of the voters was left half-way by an earlier leader.
    FinishChange,
    /// Let raft know of a member.
    AddLearner(u64, String),
    /// A learner has caught up.
    Promote(u64),
    /// A member was let go.
    Drop(u64),
    /// This node should not lead.
    HandOver(String),
}

/// Looks after the cluster while this node leads, for as long as it is polled.
pub(crate) async fn keep(errands: Errands) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failed = None;
    loop {
        look.tick().await;
        let shared = &errands.network.shared;
        if !shared.is_leader() {
            continue;
        }
        let Some(duty) = next_duty(&errands) else {
            let standing = shared.standing();
            if standing.is_alone && standing.learners.is_empty() {
                look.reset_after(LOOK_ALONE);
            }
            continue;
        };
        // What fails again and again is told once.
        let is_news = failed.as_ref() != Some(&duty);
        if is_news {
            tracing::info!(?duty, "the leader looks after the cluster");
        }
        match perform(&errands, &duty).await {
            Ok(()) => failed = None,
            Err(error) => {
                if is_news {
                    tracing::warn!(?duty, error, "the leader will try again");
                }
                failed = Some(duty);
                sleep(RETRY).await;
            }
        }
    }
}

fn next_duty(errands: &Errands) -> Option<Duty> {
    let shared = &errands.network.shared;
    let standing = shared.standing();
    let may_hand_over = standing.voters.len() > 1 && shared.guard.is_compared(Instant::now());
    if let Some(why) = shared.unfit().filter(|_| may_hand_over) {
        return Some(Duty::HandOver(why));
    }
    let view = shared.published.view();
    let me = shared.node_id();
    if let Some(duty) = moved(shared, &view.roster) {
        return Some(duty);
    }
    let format = view.roster.format();
    let members = view.roster.iter().map(|(id, _)| id).filter(|&id| id != me);
    let read = members.map(|id| shared.contacts.get(id).map_or(0, |c| c.report.format_max));
    let everyone = read.min().unwrap_or(u32::MAX).min(shared.settings.format_max);
    if everyone > format {
        return Some(Duty::RaiseFormat(everyone));
    }
    if standing.is_half_changed {
        // Not by this node: its own changes are waited for, one at a time.
        return Some(Duty::FinishChange);
    }
    if standing.is_changing {
        return None;
    }
    let mut known = standing.voters.iter().chain(&standing.learners);
    if let Some(&gone) = known.find(|&&id| view.roster.is_removed(id)) {
        return Some(Duty::Drop(gone));
    }
    for (id, member) in view.roster.iter() {
        if standing.learners.contains(&id) {
            if has_caught_up(errands, id) {
                return Some(Duty::Promote(id));
            }
        } else if !standing.voters.contains(&id) {
            return Some(Duty::AddLearner(id, member.address.clone()));
        }
    }
    None
}

/// A member that says it is reached elsewhere than the log says.
fn moved(shared: &Arc<Shared>, roster: &crate::state::Roster) -> Option<Duty> {
    if roster.format() < 2 {
        return None;
    }
    let me = shared.node_id();
    roster.iter().find_map(|(id, member)| {
        let said =
            if id == me { shared.address.get().cloned() } else { shared.contacts.address(id) };
        let said = said.filter(|said| *said != member.address && is_address(said))?;
        Some(Duty::Move(id, said))
    })
}

fn has_caught_up(errands: &Errands, id: u64) -> bool {
    let shared = &errands.network.shared;
    let is_up = shared.contacts.get(id).is_some_and(|c| c.is_reachable(Instant::now()));
    is_up && errands.raft.behind(id).is_some_and(|behind| behind <= BEHIND_MAX)
}

async fn perform(errands: &Errands, duty: &Duty) -> Result<(), String> {
    let performed = tokio::time::timeout(STEP_MAX, step(errands, duty)).await;
    performed.map_err(|_| "it took too long".to_owned())?
}

async fn step(errands: &Errands, duty: &Duty) -> Result<(), String> {
    let note = async |command| {
        let deadline = Instant::now() + STEP_MAX;
        let batch = Batch { commands: vec![encode(command)] };
        let noted = errands.proposals.write(batch, deadline).await;
        noted.map(drop).map_err(|error| error.to_string())
    };
    match duty.clone() {
        Duty::Move(node, address) => note(CommandKind::Move(MoveMessage { node, address })).await,
        Duty::RaiseFormat(format) => note(CommandKind::RaiseFormat(format)).await,
        Duty::FinishChange => errands.raft.finish_change().await,
        Duty::AddLearner(id, address) => errands.raft.add_learner(id, address).await,
        Duty::Promote(id) => errands.raft.promote(id).await,
        Duty::Drop(id) => {
            let is_voter = errands.network.shared.standing().voters.contains(&id);
            errands.raft.drop_member(id, is_voter).await
        }
        Duty::HandOver(why) => {
            let handed = errands.lead(Errand::Transfer(None)).await;
            handed.map(drop).map_err(|error| format!("{why}, but {error}"))
        }
    }
}
