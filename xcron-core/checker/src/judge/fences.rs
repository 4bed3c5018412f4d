//! The rule that fences grow: of two attempts of one task the later has the higher fence.

use crate::judge::case::{Case, TaskCase};
use crate::judge::findings::Findings;
use crate::judge::verdict::{Invariant, seconds};

/// Judges the order of fences between the runs of `task`; within a run it is judged with its
/// attempts.
///
/// Attempts of different runs may cross: what was claimed ahead of its instant leaves after a
/// retry that was claimed later, and a fault may hold up a sender or the way.
pub(super) fn judge(case: &Case<'_>, task: &TaskCase<'_>, findings: &mut Findings) {
    let mut highest: Option<&crate::Receipt> = None;
    for receipt in &task.receipts {
        if let Some(before) = highest.filter(|before| before.fence > receipt.fence) {
            let apart = receipt.at_us - before.at_us;
            let held_up = case.spans.touch(before.at_us - case.settings.report_us, receipt.at_us);
            if before.run != receipt.run && apart > case.settings.late_max_us && !held_up {
                let what = format!(
                    "fence {} of run {} arrived {} after fence {} of run {}",
                    receipt.fence,
                    receipt.run,
                    seconds(apart),
                    before.fence,
                    before.run
                );
                findings.violate(Invariant::I6, task.name, receipt.at_us, what);
            }
        }
        if highest.is_none_or(|before| before.fence < receipt.fence) {
            highest = Some(receipt);
        }
    }
}
