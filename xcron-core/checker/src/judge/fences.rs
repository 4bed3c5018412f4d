//! The rules that fences grow: with time, and with the occurrences that they belong to.

use crate::judge::case::{Case, TaskCase};
use crate::judge::findings::Findings;
use crate::judge::life::Life;
use crate::judge::run::Run;
use crate::judge::verdict::{Invariant, seconds};

/// Occurrences are decided in their order, so the fences of first attempts are in order too.
pub(super) fn in_order(
    task: &TaskCase<'_>,
    life: &Life<'_>,
    runs: &[Run<'_>],
    findings: &mut Findings,
) {
    if life.only_definition().is_none() || life.born_must == i64::MAX {
        return;
    }
    let first = |run: &Run<'_>| (run.at_s, run.first().fence, run.first().at_us);
    let mut firsts: Vec<_> =
        runs.iter().filter(|run| run.first().attempt == 1 && !run.is_manual()).map(first).collect();
    firsts.sort_unstable();
    let swapped = |pair: &&[(i64, u64, i64)]| pair[0].0 < pair[1].0 && pair[0].1 > pair[1].1;
    if let Some([earlier, later]) = firsts.windows(2).find(swapped) {
        let what = format!(
            "the occurrence {} was claimed with fence {}, and the later one {} with {}",
            earlier.0, earlier.1, later.0, later.1
        );
        findings.violate(Invariant::I6, task.name, earlier.2, what);
    }
}

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
