//! I9 once more: what clients read of a task's counters never goes back.

use crate::history::op::{Call, Op, Outcome, Seen};
use crate::judge::case::TaskCase;
use crate::judge::findings::Findings;
use crate::judge::life::Life;
use crate::judge::verdict::{Invariant, seconds};

/// Judges pairs of queries of which one was answered before the other was sent.
pub(super) fn judge(task: &TaskCase<'_>, life: &Life<'_>, findings: &mut Findings) {
    let again = life.born_must == i64::MAX || life.gone_must != i64::MAX;
    if again {
        return;
    }
    // A failed run that is opened again has not ended any more.
    let reopened = !life.retries.is_empty();
    let ended = |count: Option<u64>| count.filter(|_| !reopened);
    let of =
        |seen: &Seen| [ended(seen.run_count), seen.succeeded, ended(seen.failed), seen.skipped];
    let is_read = |op: &&&Op| op.call == Call::Query && op.outcome == Outcome::Ok;
    let mut reads: Vec<(&Op, &Seen)> =
        task.ops.iter().filter(is_read).filter_map(|op| Some((*op, op.seen.as_ref()?))).collect();
    reads.sort_by_key(|(op, _)| op.back_us);
    for (index, (later, seen)) in reads.iter().enumerate() {
        let earlier = |(op, _): &&(&Op, &Seen)| op.back_us.is_some_and(|at| at < later.sent_us);
        // The last one that was answered before has the highest counters of all before.
        let Some((before, known)) = reads[..index].iter().rfind(earlier) else {
            continue;
        };
        let back = of(known)
            .into_iter()
            .zip(of(seen))
            .find(|(a, b)| a.zip(*b).is_some_and(|(a, b)| b < a));
        if let Some((a, b)) = back {
            let what = format!(
                "a counter was {} by {} and {} at {}",
                a.unwrap_or_default(),
                seconds(before.back_us.unwrap_or_default()),
                b.unwrap_or_default(),
                seconds(later.sent_us)
            );
            findings.violate(Invariant::I9, task.name, later.sent_us, what);
            return;
        }
    }
}
