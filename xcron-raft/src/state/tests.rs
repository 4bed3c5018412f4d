//! Every index of a view holds what it should, whatever has happened.

use proptest::prelude::*;
use xcron_core::task::state::TaskState;
use xcron_core::testing::sample::{create, delete, due_at, finished_at, id, sending, succeeded};
use xcron_core::{Change, Holder, Revision, RunEnd, RunRecord};

use super::index::Index;
use super::record::{Keys, Record};
use super::restoring::{Restored, Restoring};
use super::view::View;
use crate::types::Batch;
use crate::wire::change::{CommandKind, Keeping, encode, encode_commit};

const KEEPING: Keeping = Keeping {
    history_max: 2,
    failed_max: 2,
    failed_retention_s: 1_000,
    failed_attempts_kib_max: 1,
    other_attempts_kib_max: 1,
};

/// What an index says: keys, ids and revisions.
fn content<K: Ord + Clone>(index: &Index<K>) -> Vec<(K, Vec<u8>, u64)> {
    let row =
        |key: &K, record: &Record| (key.clone(), record.id_bytes().to_vec(), record.revision());
    index.iter().map(|entry| row(&entry.key, &entry.record)).collect()
}

/// What the index should say that has the key `key` of each task.
fn expected<K: Ord>(
    view: &View,
    keys: impl Fn(&Record, &Keys) -> Option<K>,
) -> Vec<(K, Vec<u8>, u64)> {
    let row = |record: &Record| {
        let of_state = Keys::of(record.parts().state).expect("a state");
        let key = keys(record, &of_state)?;
        Some((key, record.id_bytes().to_vec(), record.revision()))
    };
    let mut rows: Vec<_> = view.records().filter_map(row).collect();
    rows.sort();
    rows
}

fn check(view: &View) {
    assert_eq!(content(view.due.index()), expected(view, |_, keys| keys.due_at));
    assert_eq!(content(&view.finished), expected(view, |_, keys| keys.finished_at));
    let failed = |record: &Record, _: &Keys| (record.failed_count() > 0).then_some(());
    assert_eq!(content(&view.failed), expected(view, failed));
    let failed_runs: usize = view.records().map(Record::failed_count).sum();
    assert_eq!(view.failed_runs(), failed_runs as u64);
    for node in 0..3 {
        let holder = Holder { node, incarnation: 1 };
        let held = |record: &Record, keys: &Keys| {
            keys.holders.contains(&holder).then_some(record.revision())
        };
        let held = expected(view, held);
        assert_eq!(view.held_by(holder), held.len());
        let tasks = view.held_since(holder, 0, usize::MAX).expect("tasks");
        let tasks: Vec<_> = tasks.iter().map(|task| task.revision.0).collect();
        assert_eq!(tasks, held.iter().map(|(revision, ..)| *revision).collect::<Vec<_>>());
    }
    assert_eq!(view.counts().total(), view.records().count() as u64);
}

/// The same tasks, as a snapshot brings them.
fn restored(view: &View) -> View {
    let mut empty = View::default();
    empty.revision = view.revision();
    let mut restoring = Restoring::new(empty);
    let records: Vec<&Record> = view.records().collect();
    for records in records.chunks(7) {
        let mut tasks = Restored::default();
        for record in records {
            let read = Record::read(record.bytes()).expect("a record");
            tasks.push(read, view.revision()).expect("a task");
        }
        restoring.take(tasks).expect("in order");
    }
    assert_eq!(restoring.len(), records.len());
    restoring.finish().expect("a thread")
}

fn state() -> impl Strategy<Value = TaskState> {
    let held = |(secs, node, other): (i64, u64, Option<u64>)| {
        let holder = |node| Holder { node, incarnation: 1 };
        let mut state = sending(secs, 1, holder(node));
        let more = other.map(|node| sending(secs - 1, 1, holder(node)).runs);
        state.runs.extend(more.into_iter().flatten());
        state
    };
    prop_oneof![
        (1..9_i64).prop_map(due_at),
        (1..9_i64).prop_map(finished_at),
        (2..9_i64, 0..3_u64, prop::option::of(0..3_u64)).prop_map(held),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Create(u16, TaskState),
    Put(u16, TaskState, Vec<(i64, bool)>),
    Delete(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let ended = prop::collection::vec((1..9_i64, any::<bool>()), 0..4);
    prop_oneof![
        3 => (0..40_u16, state()).prop_map(|(task, state)| Step::Create(task, state)),
        6 => (0..40_u16, state(), ended)
            .prop_map(|(task, state, ended)| Step::Put(task, state, ended)),
        1 => (0..40_u16).prop_map(Step::Delete),
    ]
}

fn change(view: &View, step: &Step) -> Change {
    let name = |task: &u16| format!("t{task}");
    match step {
        Step::Create(task, state) => create(&name(task), state.clone()),
        Step::Delete(task) => delete(&name(task)),
        Step::Put(task, state, ended) => {
            let id = id(&name(task));
            let expected = Revision(view.get(&id).map_or(0, Record::revision));
            let run = |&(secs, fails): &(i64, bool)| {
                let end = if fails { RunEnd::Failed } else { RunEnd::Succeeded };
                RunRecord { end, ..succeeded(secs) }
            };
            let ended = ended.iter().map(run).collect();
            Change::Put { id, expected, definition: None, state: state.clone(), ended }
        }
    }
}

fn apply(view: &mut View, command: bytes::Bytes) {
    view.apply(Batch { commands: vec![command] }, u32::MAX).expect("a command");
}

/// Takes these steps in a cluster that keeps failed runs apart.
fn steps_into(view: &mut View, steps: &[Step]) {
    apply(view, encode(CommandKind::RaiseFormat(3)));
    for step in steps {
        let change = change(view, step);
        apply(view, encode_commit(&[change], KEEPING));
    }
}

proptest! {
    #[test]
    fn every_index_holds_the_record_of_every_task_that_belongs_there(
        steps in prop::collection::vec(step(), 0..120),
        raised_at in 0..120_usize,
    ) {
        let mut view = View::default();
        for (number, step) in steps.iter().enumerate() {
            // Failed runs are kept apart from a format on.
            let is_raised = number >= raised_at;
            if number == raised_at {
                apply(&mut view, encode(CommandKind::RaiseFormat(3)));
            }
            let keeping = if is_raised { KEEPING } else { Keeping { failed_max: 0, ..KEEPING } };
            let before = view.clone();
            let change = change(&view, step);
            apply(&mut view, encode_commit(&[change], keeping));
            check(&before);
        }
        check(&view);
        let again = restored(&view);
        check(&again);
        prop_assert!(view.records().map(Record::bytes).eq(again.records().map(Record::bytes)));
        prop_assert_eq!(content(view.due.index()), content(again.due.index()));
        let mut in_bulk = View::default();
        in_bulk.in_bulk(|in_bulk| steps_into(in_bulk, &steps));
        check(&in_bulk);
        let mut leapt = view.clone();
        leapt.leap().expect("a leap");
        check(&leapt);
    }
}
