//! Claims for others: attempts that another node sends.

use crate::decide::Claimed;
use crate::store::Claim;
use crate::task::state::{Holder, Phase, TaskState};

/// Whom `claim` has to be for: whoever holds other attempts of its task, so that attempts leave in
/// the order of their fences. `None` where anybody will do.
pub(crate) fn bound_to(state: &TaskState, claim: &Claim) -> Option<Holder> {
    let others = state.runs.iter().filter(|run| run.occurrence != claim.occurrence);
    let holder = |phase| match phase {
        Phase::Sending { holder, .. } => Some(holder),
        Phase::Queued | Phase::Waiting { .. } => None,
    };
    others.filter_map(|run| holder(run.phase)).next_back()
}

/// Makes the attempt that `claimed` starts that of `other`.
pub(crate) fn entrust(claimed: &mut Claimed, other: Holder) {
    let Some(start) = &mut claimed.start else {
        return;
    };
    start.claim.holder = other;
    let run = claimed.state.runs.iter_mut().find(|run| run.occurrence == start.claim.occurrence);
    if let Some(Phase::Sending { holder, .. }) = run.map(|run| &mut run.phase) {
        *holder = other;
    }
}
