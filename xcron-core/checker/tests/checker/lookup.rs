//! Finds lines of a history that an edit may change.

use super::dice::Dice;
use xcron_checker::{Call, Definition, FinalTask, History, Line, Op, Receipt};

pub(crate) fn receipts(history: &History) -> Vec<(usize, &Receipt)> {
    let lines = history.lines.iter().enumerate();
    lines.filter_map(|(index, line)| Some((index, line_receipt(line)?))).collect()
}

pub(crate) fn line_receipt(line: &Line) -> Option<&Receipt> {
    match line {
        Line::Receipt(receipt) => Some(receipt),
        _ => None,
    }
}

pub(crate) fn ops(history: &History) -> Vec<(usize, &Op)> {
    let lines = history.lines.iter().enumerate();
    lines.filter_map(|(index, line)| Some((index, line_op(line)?))).collect()
}

pub(crate) fn line_op(line: &Line) -> Option<&Op> {
    match line {
        Line::Op(op) => Some(op),
        _ => None,
    }
}

pub(crate) fn op_of<'a>(history: &'a History, task: &str, call: Call) -> Option<&'a Op> {
    ops(history).into_iter().map(|(_, op)| op).find(|op| op.task == task && op.call == call)
}

pub(crate) fn definition<'a>(history: &'a History, task: &str) -> Option<&'a Definition> {
    op_of(history, task, Call::Create)?.definition.as_ref()
}

pub(crate) fn last<'a>(history: &'a History, task: &str) -> Option<&'a FinalTask> {
    history.lines.iter().find_map(|line| match line {
        Line::Task(last) if last.task == task => Some(last),
        _ => None,
    })
}

pub(crate) fn any<T>(dice: &mut Dice, these: &[T]) -> Option<usize> {
    let last = i64::try_from(these.len()).ok()? - 1;
    (last >= 0).then(|| usize::try_from(dice.between(0, last)).unwrap_or(0))
}

/// Some receipt that `fits`, if one is met soon, and the index of its line.
pub(crate) fn some_receipt(
    history: &History,
    dice: &mut Dice,
    fits: impl Fn(&Receipt) -> bool,
) -> Option<(usize, Receipt)> {
    let all = receipts(history);
    let tries = (0..12).filter_map(|_| any(dice, &all));
    let found = tries.map(|index| all[index]).find(|(_, receipt)| fits(receipt));
    found.map(|(index, receipt)| (index, receipt.clone()))
}

/// Some operation that `fits` and the index of its line.
pub(crate) fn some_op(
    history: &History,
    dice: &mut Dice,
    fits: impl Fn(&Op) -> bool,
) -> Option<(usize, Op)> {
    let found: Vec<(usize, &Op)> = ops(history).into_iter().filter(|(_, op)| fits(op)).collect();
    let chosen = any(dice, &found)?;
    Some((found[chosen].0, found[chosen].1.clone()))
}

pub(crate) fn is_calm(history: &History) -> bool {
    !history.lines.iter().any(|line| matches!(line, Line::Unhealthy(_)))
}

pub(crate) fn attempts(history: &History, run: &str) -> usize {
    receipts(history).iter().filter(|(_, receipt)| receipt.run == run).count()
}

/// Runs of `task` that have a receipt with a 2xx.
pub(crate) fn won(history: &History, task: &str) -> u64 {
    let of_task = |receipt: &Receipt| receipt.task == task && receipt.answer.starts_with('2');
    let mut runs: Vec<String> = receipts(history)
        .into_iter()
        .filter(|(_, receipt)| of_task(receipt))
        .map(|(_, receipt)| receipt.run.clone())
        .collect();
    runs.sort();
    runs.dedup();
    runs.len() as u64
}
