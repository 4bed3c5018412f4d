//! Proof that the judge can see: what was recorded, with one thing made wrong, must not pass.

use xcron_checker::{FinalTask, History, Line, Receipt};

/// How much earlier than it was due a callback is said to have left, in microseconds.
const EARLY_US: i64 = 700_000;

/// How much later a callback is said to have come again.
const AGAIN_US: i64 = 3_000;

/// What the judge does not see of what is wrong; nothing, when it sees all.
pub(crate) fn blindness(history: &History) -> Vec<String> {
    let Some(at) = witness(history) else {
        return vec!["no callback of a one-shot was answered and settled".to_owned()];
    };
    let Line::Receipt(receipt) = &history.lines[at] else { unreachable!("it was found so") };
    let mut lost = history.clone();
    lost.lines.remove(at);
    let mut doubled = history.clone();
    let again = Receipt { at_us: receipt.at_us + AGAIN_US, ..receipt.clone() };
    doubled.push(again.answered("200", receipt.at_us + 2 * AGAIN_US));
    let mut early = history.clone();
    let at_us = receipt.scheduled_s * 1_000_000 - EARLY_US;
    early.lines[at] = Receipt { at_us, ..receipt.clone() }.sender_clock_us(at_us).into();
    let wrongs = [("was lost", lost), ("came twice", doubled), ("came early", early)];
    let unseen = wrongs.into_iter().filter(|(_, history)| !history.judge().is_violated());
    let said =
        unseen.map(|(what, _)| format!("the judge does not see that {} {what}", receipt.run));
    said.collect()
}

/// Where the one callback of a task is that succeeded at once, and of which every node says so.
fn witness(history: &History) -> Option<usize> {
    let mut receipts = history.lines.iter().enumerate().rev().filter_map(|(at, line)| match line {
        Line::Receipt(receipt) => Some((at, receipt)),
        _ => None,
    });
    let is_only = |receipt: &Receipt| {
        let of_task = |line: &&Line| matches!(line, Line::Receipt(it) if it.task == receipt.task);
        history.lines.iter().filter(of_task).count() == 1
    };
    let is_settled = |receipt: &Receipt| {
        let tells = |task: &FinalTask| task.exists && (task.run_count, task.succeeded) == (1, 1);
        let mut found = history.lines.iter().filter_map(|line| match line {
            Line::Task(task) if task.task == receipt.task => Some(tells(task)),
            _ => None,
        });
        found.next() == Some(true) && found.all(|tells| tells)
    };
    let found = receipts.find(|(_, receipt)| {
        receipt.is_success() && receipt.attempt == 1 && is_only(receipt) && is_settled(receipt)
    });
    found.map(|(at, _)| at)
}
