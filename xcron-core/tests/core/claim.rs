//! The claim table: what a due task comes to, by its policies.

use crate::world::{at, cron, one_shot, seconds, task_id};
use std::sync::Arc;
use xcron_core::decide::{By, ClaimContext, Claimed, admit, claim, defer, trigger};
use xcron_core::{
    Calendar, Holder, Misfire, NewTask, Occurrence, OpenRun, Phase, Revision, RunEnd, Task,
    Timestamp,
};

const ME: Holder = Holder { node: 1, incarnation: 1 };

fn task(new: NewTask) -> Task {
    let state = admit(&new, &Calendar::new(10), at(0)).expect("admitted");
    let definition = Arc::new(new.definition);
    Task { id: new.id, definition, state, revision: Revision(7) }
}

fn decide(task: &Task, now: Timestamp, active_since: Timestamp) -> Claimed {
    let calendar = Calendar::new(10);
    let context = ClaimContext {
        calendar: &calendar,
        now,
        until: now,
        active_since,
        holder: ME,
        is_gone: &|_| false,
    };
    claim(task, &context)
}

#[test]
fn nothing_is_claimed_before_it_is_due() {
    let task = task(one_shot("t", 10));
    let claimed = decide(&task, at(10).minus(std::time::Duration::from_millis(1)), at(0));
    assert_eq!(claimed.start, None);
    assert_eq!(claimed.state, task.state);
}

#[test]
fn nothing_is_claimed_ahead_while_an_attempt_is_with_somebody_else() {
    let mut task = task(cron("t", "* * * * * *"));
    let ahead = |task: &Task| {
        let calendar = Calendar::new(10);
        let (now, until, active_since) = (at(1).minus(seconds(1) / 2), at(1), at(0));
        let is_gone = |_: Holder| false;
        let context = ClaimContext {
            calendar: &calendar,
            now,
            until,
            active_since,
            holder: ME,
            is_gone: &is_gone,
        };
        claim(task, &context).start
    };
    let mine = ahead(&task).expect("half a second ahead");
    let occurrence = Occurrence::At(at(0));
    let sending = |holder| OpenRun {
        occurrence,
        attempt: 1,
        lost: 0,
        fence: 3,
        claimed_at: at(0),
        phase: Phase::Sending { holder, not_before: at(0) },
        earlier: Vec::new(),
    };
    task.state.runs = vec![sending(ME)];
    assert_eq!(ahead(&task).map(|start| start.not_before), Some(mine.not_before));
    task.state.runs = vec![sending(Holder { node: 2, incarnation: 1 })];
    assert_eq!(ahead(&task), None, "that one may be lost, and its next fence be higher");
}

#[test]
fn a_run_is_missed_once_even_the_end_of_its_spread_has_passed() {
    let mut new = one_shot("t", 10);
    new.definition.misfire = Misfire::Skip;
    new.definition.jitter = seconds(30);
    let task = task(new);
    // A leader that begins at 25 finds the run within its spread: it is made, at its instant.
    let claimed = decide(&task, at(40), at(25));
    assert!(claimed.start.is_some_and(|start| start.not_before > at(10)));
    assert!(decide(&task, at(40), at(40)).start.is_some(), "the last instant of its spread");
    let claimed = decide(&task, at(41), at(41));
    assert_eq!((claimed.start, claimed.state.counters.skipped_misfire), (None, 1));
}

#[test]
fn a_run_leaves_after_those_of_its_task_that_were_claimed_before_it() {
    let mut new = cron("t", "* * * * * *");
    new.definition.jitter = seconds(30);
    let mut task = task(new);
    let leaves = at(20);
    task.state.runs = vec![OpenRun {
        occurrence: Occurrence::At(at(0)),
        attempt: 1,
        lost: 0,
        fence: 3,
        claimed_at: at(0),
        phase: Phase::Sending { holder: ME, not_before: leaves },
        earlier: Vec::new(),
    }];
    let due_at = task.state.due_at.expect("it has occurrences");
    let start = decide(&task, due_at, at(0)).start.expect("it is due");
    assert_eq!(start.not_before, due_at.max(leaves));
    // Nor does a run by hand, which is due at once, or a repetition leave earlier.
    let (by_hand, occurrence) = trigger(&task, By::new(at(1), 1)).expect("there is room");
    task.state = by_hand.state;
    let start = decide(&task, at(1), at(0)).start.expect("it is due");
    assert_eq!((start.claim.occurrence, start.not_before), (occurrence, leaves));
}

#[test]
fn a_claim_names_run_attempt_fence_and_holder() {
    let claimed = decide(&task(one_shot("t", 10)), at(10), at(0));
    let start = claimed.start.expect("it is due");
    assert_eq!(start.not_before, at(10));
    assert_eq!(start.claim.task, task_id("t"));
    assert_eq!(start.claim.occurrence, Occurrence::At(at(10)));
    assert_eq!((start.claim.attempt, start.claim.fence), (1, 7));
    assert_eq!(start.claim.holder, ME);
    assert!(start.claim.stands_in(&claimed.state));
    assert_eq!(claimed.state.next, None);
    assert_eq!(claimed.state.due_at, None, "nothing to decide before the outcome");
}

#[test]
fn jitter_spreads_runs_over_its_span_and_never_before_the_occurrence() {
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..200 {
        let mut new = one_shot(&format!("t{n}"), 10);
        new.definition.jitter = seconds(30);
        let task = task(new);
        let due = task.state.due_at.expect("due some time");
        assert!((at(10)..=at(40)).contains(&due), "{due:?}");
        let start = decide(&task, at(60), at(0)).start.expect("due");
        assert_eq!(start.not_before, due);
        assert_eq!(start.claim.occurrence.time(), at(10), "the scheduled time stays");
        seen.insert(due.as_secs());
    }
    assert!(seen.len() > 20, "spread over the span: {seen:?}");
}

#[test]
fn catching_up_is_arithmetic_and_every_occurrence_is_counted() {
    // Ten years of seconds, missed: one run, the others skipped, at once.
    let years = 3_650 * 86_400;
    let mut new = cron("t", "* * * * * *");
    new.definition.misfire_window = seconds(years);
    let since = at(i64::try_from(years).expect("fits") - 10);
    let claimed = decide(&task(new), since, since);
    let start = claimed.start.expect("the latest one fires");
    assert_eq!(start.claim.occurrence.time(), since.minus(seconds(1)));
    assert_eq!(claimed.state.counters.skipped_misfire, years - 12);
    assert_eq!(claimed.ended.len(), 1);
    assert_eq!(claimed.ended[0].count, years - 12);
    assert_eq!(claimed.ended[0].end, RunEnd::SkippedMisfire);
    assert_eq!(claimed.state.next, Some(since));
}

#[test]
fn occurrences_older_than_the_window_are_skipped_whatever_the_policy() {
    for misfire in [Misfire::FireOnce, Misfire::FireAll, Misfire::Skip] {
        let mut new = one_shot("t", 10);
        new.definition.misfire = misfire;
        new.definition.misfire_window = seconds(100);
        let claimed = decide(&task(new), at(200), at(200));
        assert_eq!(claimed.start, None, "{misfire:?}");
        assert_eq!(claimed.state.counters.skipped_misfire, 1);
        assert!(claimed.state.finished_at.is_some(), "nothing can come any more");
    }
}

#[test]
fn what_is_late_by_load_alone_is_never_skipped() {
    for misfire in [Misfire::FireOnce, Misfire::FireAll, Misfire::Skip] {
        let mut new = cron("t", "* * * * * *");
        new.definition.misfire = misfire;
        let claimed = decide(&task(new), at(500), at(0));
        let start = claimed.start.expect("due");
        assert_eq!(start.claim.occurrence.time(), at(1), "{misfire:?}: in order");
        assert_eq!(claimed.state.counters.skipped(), 0, "{misfire:?}");
    }
}

#[test]
fn max_runs_and_end_time_finish_a_task() {
    let mut new = cron("t", "* * * * * *");
    new.definition.max_runs = Some(1);
    assert_eq!(decide(&task(new), at(1), at(0)).state.next, None);
    let mut new = cron("t", "* * * * * *");
    new.definition.end_time = Some(at(1));
    assert_eq!(decide(&task(new), at(1), at(0)).state.next, None);
}

#[test]
fn a_paused_task_claims_nothing() {
    let mut new = one_shot("t", 1);
    new.paused = true;
    let claimed = decide(&task(new), at(100), at(0));
    assert_eq!((claimed.start, claimed.ended.len()), (None, 0));
}

#[test]
fn a_deferred_task_is_due_later_and_loses_nothing() {
    let mut task = task(one_shot("t", 1));
    task.state = defer(&task, at(50));
    assert_eq!(task.state.due_at, Some(at(50)));
    assert_eq!(decide(&task, at(49), at(0)).start, None);
    let start = decide(&task, at(50), at(0)).start.expect("due");
    assert_eq!(start.claim.occurrence.time(), at(1));
}

#[test]
fn a_schedule_that_this_version_cannot_read_is_left_alone() {
    let mut task = task(cron("t", "* * * * * *"));
    let mut definition = (*task.definition).clone();
    let stored = r#"{"cron":{"expression":"* * * * * *","timezone":"Mars/Olympus",
        "dst_gap":"shift","dst_fold":"first"}}"#;
    definition.schedule = serde_json::from_str(stored).expect("as a newer version stored it");
    task.definition = Arc::new(definition);
    let claimed = decide(&task, at(100), at(100));
    assert_eq!((claimed.start, claimed.ended.len()), (None, 0));
    assert_eq!(claimed.state, task.state, "neither finished nor skipped");
}
