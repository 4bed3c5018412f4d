//! Attempts of open runs, kept within their limits.

use crate::task::attempt::{AttemptRecord, EARLIER_ATTEMPTS_MAX, OPEN_ATTEMPTS_BYTES_MAX};
use crate::task::state::TaskState;

/// Keeps `made` as the newest of the earlier attempts of the open run at `index`.
pub(super) fn keep(
    state: &mut TaskState,
    index: usize,
    made: impl IntoIterator<Item = AttemptRecord>,
) {
    let earlier = &mut state.runs[index].earlier;
    earlier.extend(made);
    earlier.drain(..earlier.len().saturating_sub(EARLIER_ATTEMPTS_MAX));
    while bytes(state) > OPEN_ATTEMPTS_BYTES_MAX {
        let with_some = state.runs.iter_mut().filter(|run| !run.earlier.is_empty());
        let Some(run) = with_some.min_by_key(|run| run.earlier[0].ended_at) else {
            return;
        };
        run.earlier.remove(0);
    }
}

/// What the attempts of all open runs take.
fn bytes(state: &TaskState) -> usize {
    state.runs.iter().flat_map(|run| &run.earlier).map(AttemptRecord::bytes).sum()
}
