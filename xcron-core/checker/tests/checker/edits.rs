//! Edits of a correct history, each applied only where it certainly makes it wrong.

use super::dice::Dice;
use super::lookup::{
    any, attempts, definition, is_calm, last, line_receipt, op_of, receipts, some_op, some_receipt,
    won,
};
use super::model::{END, S};
use xcron_checker::{
    Call, Definition, FinalTask, History, Line, Misfire, Op, Outcome, Overlap, Receipt, Schedule,
    Seen, StateHash,
};

/// Makes a history wrong, if it can: whether it did.
pub(crate) type Edit = dyn Fn(&mut History, &mut Dice) -> bool + Sync;

/// All edits, with their names.
pub(crate) const EDITS: &[(&str, &Edit)] = &[
    ("a run that succeeded is not received", &drop_run),
    ("a task receives nothing", &drop_all),
    ("a receipt is there twice", &double),
    ("an attempt leaves early", &earlier),
    ("a due time is forged", &forge),
    ("a create was never sent", &drop_create),
    ("a create was not done", &deny_create),
    ("a replica differs", &change_hash),
    ("a success too many is counted", &count_success),
    ("a skip too many is counted", &count_skip),
    ("an acknowledged task is missing", &lose_task),
    ("a deleted task is there", &revive_task),
    ("a run is repeated after its success", &repeat),
    ("a run is late", &late),
    ("two attempts change places", &swap_attempts),
    ("two attempts share a fence", &share_fence),
    ("two runs change fences", &swap_fences),
    ("an occurrence has two runs", &second_run),
    ("a deleted task fires", &fire_after_delete),
    ("a query misses a task", &miss),
    ("a query sees a deleted task", &see_deleted),
    ("a query reads another definition", &read_other),
    ("a counter goes back", &count_back),
    ("a retry comes at once", &hurry_retry),
    ("a cause is not recorded", &drop_causes),
];

fn drop_run(history: &mut History, dice: &mut Dice) -> bool {
    let counted = |receipt: &Receipt| {
        let succeeded = last(history, &receipt.task).filter(|last| last.exists);
        let counted = succeeded.is_some_and(|last| last.succeeded == won(history, &receipt.task));
        receipt.answer.starts_with('2') && counted
    };
    let Some((_, receipt)) = some_receipt(history, dice, counted) else {
        return false;
    };
    history.lines.retain(|line| line_receipt(line).is_none_or(|other| other.run != receipt.run));
    true
}

fn drop_all(history: &mut History, dice: &mut Dice) -> bool {
    let succeeded = |receipt: &Receipt| {
        last(history, &receipt.task).is_some_and(|last| last.exists && last.run_count > 0)
            && last(history, &receipt.task).is_some_and(|last| last.succeeded > 0)
    };
    let Some((_, receipt)) = some_receipt(history, dice, succeeded) else {
        return false;
    };
    history.lines.retain(|line| line_receipt(line).is_none_or(|other| other.task != receipt.task));
    true
}

fn double(history: &mut History, dice: &mut Dice) -> bool {
    let Some((_, mut receipt)) = some_receipt(history, dice, |_| true) else {
        return false;
    };
    receipt.at_us += dice.between(0, S);
    receipt.answered_us = receipt.answered_us.map(|at| at.max(receipt.at_us));
    history.push(receipt);
    true
}

fn edit(history: &mut History, index: usize, change: impl FnOnce(&mut Receipt)) -> bool {
    match &mut history.lines[index] {
        Line::Receipt(receipt) => {
            change(receipt);
            true
        }
        _ => false,
    }
}

fn earlier(history: &mut History, dice: &mut Dice) -> bool {
    let Some((index, _)) = some_receipt(history, dice, |receipt| receipt.attempt == 1) else {
        return false;
    };
    let tolerance = history.begin.clock_tolerance_us;
    let early = dice.between(1, 2 * S);
    edit(history, index, |receipt| receipt.at_us = receipt.scheduled_s * S - tolerance - early)
}

fn forge(history: &mut History, dice: &mut Dice) -> bool {
    let Some((index, receipt)) = some_receipt(history, dice, |_| true) else {
        return false;
    };
    let Some(Schedule::Cron { .. }) = definition(history, &receipt.task).map(|one| &one.schedule)
    else {
        return edit(history, index, |receipt| receipt.scheduled_s -= 1);
    };
    // No expression of the model has neighbours a second apart.
    edit(history, index, |receipt| receipt.scheduled_s -= 1)
}

fn drop_create(history: &mut History, dice: &mut Dice) -> bool {
    let Some((_, receipt)) = some_receipt(history, dice, |_| true) else {
        return false;
    };
    history.lines.retain(|line| match line {
        Line::Op(op) => op.task != receipt.task || op.call != Call::Create,
        _ => true,
    });
    true
}

fn deny_create(history: &mut History, dice: &mut Dice) -> bool {
    let Some((_, receipt)) = some_receipt(history, dice, |_| true) else {
        return false;
    };
    for line in &mut history.lines {
        if let Line::Op(op) = line
            && op.task == receipt.task
            && op.call == Call::Create
        {
            **op = op.clone().answered(Outcome::None, op.sent_us + 5);
        }
    }
    true
}

fn change_hash(history: &mut History, dice: &mut Dice) -> bool {
    let (node, index) = (dice.between(1, 3).unsigned_abs(), dice.between(1, 3).unsigned_abs());
    for line in &mut history.lines {
        if let Line::StateHash(hash) = line
            && (hash.node, hash.index) == (node, index * 1_000)
        {
            *hash = StateHash::new(node, index * 1_000, "other");
        }
    }
    true
}

/// Changes what remains of some task that exists, on all nodes.
fn edit_last(
    history: &mut History,
    dice: &mut Dice,
    fits: impl Fn(&History, &FinalTask) -> bool,
    change: impl Fn(FinalTask) -> FinalTask,
) -> bool {
    let found: Vec<String> = history
        .lines
        .iter()
        .filter_map(|line| match line {
            Line::Task(last) if fits(history, last) => Some(last.task.clone()),
            _ => None,
        })
        .collect();
    let Some(chosen) = any(dice, &found) else {
        return false;
    };
    for line in &mut history.lines {
        if let Line::Task(last) = line
            && last.task == found[chosen]
        {
            *last = change(last.clone());
        }
    }
    true
}

fn count_success(history: &mut History, dice: &mut Dice) -> bool {
    let exact = |history: &History, last: &FinalTask| {
        last.exists
            && !has_delete(history, &last.task)
            && is_known(history, &last.task)
            && last.succeeded == won(history, &last.task)
    };
    edit_last(history, dice, exact, |last| last.succeeded(1))
}

fn count_skip(history: &mut History, dice: &mut Dice) -> bool {
    // With a known next occurrence and a create that is bounded within a tolerance, the number of
    // occurrences is exact if none is near the create.
    let exact = |history: &History, last: &FinalTask| {
        let Some(create) = op_of(history, &last.task, Call::Create) else {
            return false;
        };
        let is_once = matches!(
            create.definition.as_ref().map(|one| &one.schedule),
            Some(Schedule::At { .. })
        );
        last.exists && !has_delete(history, &last.task) && is_known(history, &last.task) && is_once
    };
    edit_last(history, dice, exact, |last| last.skipped(1))
}

fn has_delete(history: &History, task: &str) -> bool {
    op_of(history, task, Call::Delete).is_some_and(|op| op.outcome != Outcome::None)
}

/// Whether the create of `task` was acknowledged.
fn is_known(history: &History, task: &str) -> bool {
    op_of(history, task, Call::Create).is_some_and(|op| op.outcome == Outcome::Ok)
}

fn lose_task(history: &mut History, dice: &mut Dice) -> bool {
    let kept = |history: &History, last: &FinalTask| {
        last.exists && is_known(history, &last.task) && !has_delete(history, &last.task)
    };
    edit_last(history, dice, kept, |last| FinalTask::absent(last.task).on(last.node))
}

fn revive_task(history: &mut History, dice: &mut Dice) -> bool {
    let deleted = |history: &History, last: &FinalTask| {
        let delete = op_of(history, &last.task, Call::Delete);
        !last.exists && delete.is_some_and(|op| op.outcome == Outcome::Ok)
    };
    edit_last(history, dice, deleted, |last| FinalTask::finished(last.task).on(last.node))
}

fn repeat(history: &mut History, dice: &mut Dice) -> bool {
    let calm = is_calm(history);
    let won =
        |receipt: &Receipt| calm && receipt.answer.starts_with('2') && receipt.at_us < END - 20 * S;
    let Some((_, mut receipt)) = some_receipt(history, dice, won) else {
        return false;
    };
    receipt.at_us = receipt.answered_us.unwrap_or(receipt.at_us) + dice.between(1, 3 * S);
    receipt.answered_us = Some(receipt.at_us + 1);
    receipt.attempt += 1;
    receipt.fence += 1_000_000;
    history.push(receipt);
    true
}

fn late(history: &mut History, dice: &mut Dice) -> bool {
    let calm = is_calm(history);
    let must = |receipt: &Receipt| {
        let Some(one) = definition(history, &receipt.task) else {
            return false;
        };
        let touched = [Call::Delete, Call::Pause]
            .iter()
            .any(|call| op_of(history, &receipt.task, *call).is_some());
        calm && !touched
            && attempts(history, &receipt.run) == 1
            && receipt.attempt == 1
            && is_known(history, &receipt.task)
            && one.jitter_s == 0
            && one.runs_max.is_none()
            && one.overlap == Overlap::Allow
            && one.misfire != Misfire::Skip
            && receipt.scheduled_s * S > 12 * S
            && receipt.scheduled_s * S < END - 10 * S
    };
    let Some((index, _)) = some_receipt(history, dice, must) else {
        return false;
    };
    let by = dice.between(2 * S, 9 * S);
    edit(history, index, |receipt| {
        receipt.at_us += by;
        receipt.answered_us = receipt.answered_us.map(|at| at + by);
    })
}

fn swap_attempts(history: &mut History, dice: &mut Dice) -> bool {
    let Some((index, receipt)) = some_receipt(history, dice, |receipt| receipt.attempt > 1) else {
        return false;
    };
    let others = receipts(history);
    let Some((other, first)) = others
        .iter()
        .find(|(other, first)| *other != index && first.run == receipt.run)
        .map(|(other, first)| (*other, (*first).clone()))
    else {
        return false;
    };
    edit(history, index, |receipt| receipt.attempt = first.attempt);
    edit(history, other, |first| first.attempt = receipt.attempt)
}

fn share_fence(history: &mut History, dice: &mut Dice) -> bool {
    let Some((index, receipt)) = some_receipt(history, dice, |_| true) else {
        return false;
    };
    let other = receipts(history)
        .into_iter()
        .find(|(other, one)| *other != index && one.task == receipt.task)
        .map(|(_, one)| one.fence);
    other.is_some_and(|fence| edit(history, index, |receipt| receipt.fence = fence))
}

fn swap_fences(history: &mut History, dice: &mut Dice) -> bool {
    let is_first = |receipt: &Receipt| receipt.attempt == 1;
    let Some((index, receipt)) = some_receipt(history, dice, is_first) else {
        return false;
    };
    let fits =
        |one: &Receipt| one.attempt == 1 && one.task == receipt.task && one.run != receipt.run;
    let all = receipts(history);
    let other = all.iter().find(|(_, one)| fits(one)).map(|(other, one)| (*other, one.fence));
    let Some((other, fence)) = other else {
        return false;
    };
    edit(history, index, |receipt| receipt.fence = fence);
    edit(history, other, |one| one.fence = receipt.fence)
}

fn second_run(history: &mut History, dice: &mut Dice) -> bool {
    let Some((_, mut receipt)) = some_receipt(history, dice, |_| true) else {
        return false;
    };
    receipt.run += "-again";
    receipt.fence += 1_000_000;
    receipt.at_us += dice.between(0, 5 * S);
    receipt.answered_us = receipt.answered_us.map(|at| at.max(receipt.at_us));
    history.push(receipt);
    true
}

fn fire_after_delete(history: &mut History, dice: &mut Dice) -> bool {
    let fired = |task: &str| receipts(history).iter().any(|(_, receipt)| receipt.task == task);
    let ended = |op: &Op| {
        op.call == Call::Delete
            && op.outcome == Outcome::Ok
            && op.back_us.is_some()
            && fired(&op.task)
    };
    let Some((_, delete)) = some_op(history, dice, ended) else {
        return false;
    };
    let of_task = |receipt: &Receipt| receipt.task == delete.task;
    let Some((_, mut receipt)) = some_receipt(history, dice, of_task) else {
        return false;
    };
    let allowed = history.begin.lease_us + 200_000;
    receipt.at_us = delete.back_us.unwrap_or(0) + allowed + dice.between(1, 3 * S);
    receipt.answered_us = Some(receipt.at_us + 1);
    receipt.attempt += 10;
    receipt.fence += 1_000_000;
    history.push(receipt);
    true
}

fn miss(history: &mut History, dice: &mut Dice) -> bool {
    let alive = |op: &Op| {
        op.call == Call::Create && op.outcome == Outcome::Ok && !has_delete(history, &op.task)
    };
    let Some((_, create)) = some_op(history, dice, alive) else {
        return false;
    };
    let at = create.back_us.unwrap_or(0) + dice.between(1, 100 * S);
    let query = Op::new(Call::Query, create.task, at);
    history.push(query.answered(Outcome::Absent, at + 5));
    true
}

fn see_deleted(history: &mut History, dice: &mut Dice) -> bool {
    let ended = |op: &Op| op.call == Call::Delete && op.outcome == Outcome::Ok;
    let Some((_, delete)) = some_op(history, dice, ended) else {
        return false;
    };
    let at = delete.back_us.unwrap_or(0) + dice.between(1, 20 * S);
    history.push(Op::new(Call::Query, delete.task, at).saw(Seen::default(), at + 5));
    true
}

fn read_other(history: &mut History, dice: &mut Dice) -> bool {
    let read = |op: &Op| op.call == Call::Query && op.seen.is_some();
    let Some((index, _)) = some_op(history, dice, read) else {
        return false;
    };
    if let Line::Op(op) = &mut history.lines[index]
        && let Some(seen) = &mut op.seen
    {
        seen.fingerprint = Some(Definition::once(7).fingerprint());
    }
    true
}

fn count_back(history: &mut History, dice: &mut Dice) -> bool {
    let read = |op: &Op| {
        let counted = op.seen.as_ref().and_then(|seen| seen.run_count).unwrap_or(0);
        op.call == Call::Query && counted > 0 && !has_delete(history, &op.task)
    };
    let Some((_, op)) = some_op(history, dice, read) else {
        return false;
    };
    let Some(back) = op.back_us else {
        return false;
    };
    let seen = Seen { run_count: Some(0), ..Seen::default() };
    history.push(Op::new(Call::Query, op.task, back + 10).saw(seen, back + 20));
    true
}

fn hurry_retry(history: &mut History, dice: &mut Dice) -> bool {
    let calm = is_calm(history);
    let before = |receipt: &Receipt| {
        receipts(history)
            .into_iter()
            .find(|(_, one)| one.run == receipt.run && one.attempt + 1 == receipt.attempt)
            .and_then(|(_, one)| one.answered_us)
    };
    let fits = |receipt: &Receipt| calm && receipt.attempt > 1 && before(receipt).is_some();
    let Some((index, receipt)) = some_receipt(history, dice, fits) else {
        return false;
    };
    // The least backoff is a second, and a clock may be off by half of one.
    let at = before(&receipt).unwrap_or(0) + dice.between(1, 400_000);
    edit(history, index, |receipt| receipt.at_us = at)
}

fn drop_causes(history: &mut History, _: &mut Dice) -> bool {
    let repeated = receipts(history).into_iter().any(|(_, one)| {
        let later = |(_, two): &(usize, &Receipt)| two.run == one.run && two.attempt > one.attempt;
        one.answer.starts_with('2') && receipts(history).iter().any(later)
    });
    if repeated {
        history.lines.retain(|line| {
            !matches!(line, Line::Unhealthy(_) | Line::Tenure(_) | Line::SenderLost(_))
        });
    }
    repeated
}
