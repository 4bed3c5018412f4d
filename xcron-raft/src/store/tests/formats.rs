//! The format in force says what commits look like, and each is applied as what it is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use xcron_core::testing::sample::{create, id, one_shot, sending, succeeded};
use xcron_core::{Change, Consistency, Holder, Revision, Store, TaskState, TaskWithHistory};

use super::super::seam::encode;
use super::super::{Peering, RaftSettings, RaftStore};
use crate::disk::memory::MemoryDisk;
use crate::state::{FORMAT_MAX, FORMAT_SHORT_PUTS, View};
use crate::types::Batch;
use crate::wire::change::{CommandKind, encode as command, encode_commit};

const HOLDER: Holder = Holder { node: 1, incarnation: 1 };

fn put(expected: u64, state: TaskState) -> Change {
    let ended = if state.runs.is_empty() { vec![succeeded(9)] } else { Vec::new() };
    let expected = Revision(expected);
    Change::Put { id: id("a"), expected, definition: None, state, ended }
}

/// The state that a claim at the revision `expected` leads to.
fn claimed(expected: u64) -> TaskState {
    let mut state = sending(9, 1, HOLDER);
    state.runs[0].fence = expected;
    state
}

fn settled() -> TaskState {
    TaskState { runs: Vec::new(), ..claimed(1) }
}

/// A view of this format with one task.
fn view_of(format: u32) -> View {
    let mut view = View::default();
    let created = encode_commit(&[create("a", settled())], RaftSettings::default().keeping(format));
    apply(&mut view, command(CommandKind::RaiseFormat(format)));
    apply(&mut view, created);
    view
}

fn apply(view: &mut View, command: Bytes) {
    view.apply(Batch { commands: vec![command] }, FORMAT_MAX).unwrap();
}

fn task(view: &View) -> TaskWithHistory {
    view.get(&id("a")).unwrap().task_with_history().unwrap()
}

#[test]
fn a_cluster_of_an_earlier_format_is_given_whole_puts() {
    let settings = RaftSettings::default();
    let (claim, settle) = ([put(1, claimed(1))], [put(2, settled())]);
    for format in 1..=FORMAT_MAX {
        let keeping = settings.keeping(format);
        let mut view = view_of(format);
        for changes in [&claim, &settle] {
            let (written, whole) =
                (encode(&view, changes, &settings), encode_commit(changes, keeping));
            if format < FORMAT_SHORT_PUTS {
                assert_eq!(written, whole, "format {format}");
            } else {
                assert!(written.len() < whole.len(), "format {format}");
            }
            apply(&mut view, written);
        }
        assert_eq!((view.revision(), task(&view).task.state), (3, settled()));
        // What is decided on another revision is refused anyway, or decided ahead of this view.
        let changes = [put(7, claimed(7))];
        assert_eq!(encode(&view, &changes, &settings), encode_commit(&changes, keeping));
    }
}

#[test]
fn a_put_is_applied_as_what_it_is_in_whatever_format() {
    let settings = RaftSettings::default();
    let keeping = settings.keeping(FORMAT_SHORT_PUTS - 1);
    let [mut earlier, mut raised, mut short] = [(); 3].map(|()| view_of(FORMAT_SHORT_PUTS - 1));
    let raise = command(CommandKind::RaiseFormat(FORMAT_SHORT_PUTS));
    apply(&mut raised, raise.clone());
    apply(&mut short, raise);
    let replaced = Change::Put {
        id: id("a"),
        expected: Revision(3),
        definition: Some(one_shot("http://b/", 9).into()),
        state: TaskState { version: 2, ..settled() },
        ended: Vec::new(),
    };
    let again = TaskState { version: 2, ..claimed(4) };
    for change in [put(1, claimed(1)), put(2, settled()), replaced, put(4, again)] {
        let changes = std::slice::from_ref(&change);
        // Decided before the format was raised, and applied after it.
        let whole = encode(&earlier, changes, &settings);
        assert_eq!(whole, encode_commit(changes, keeping));
        apply(&mut raised, whole.clone());
        let written = encode(&short, changes, &settings);
        // Another definition makes another version, which the task does not say yet.
        let is_short = !matches!(change, Change::Put { definition: Some(_), .. });
        assert_eq!(written.len() < whole.len(), is_short, "{change:?}");
        apply(&mut short, written);
        apply(&mut earlier, whole);
        for view in [&raised, &short] {
            assert_eq!(task(view), task(&earlier));
            assert_eq!(view.newest_held_by(HOLDER), earlier.newest_held_by(HOLDER));
        }
    }
    let last = task(&short).task;
    assert_eq!((last.state.runs[0].fence, last.state.version), (4, 2));
}

#[test]
fn a_short_put_of_another_revision_is_refused_before_anything_is_filled_in() {
    let settings = RaftSettings::default();
    let mut view = view_of(FORMAT_SHORT_PUTS);
    let late = encode(&view, &[put(1, claimed(1))], &settings);
    let newer = encode(&view, &[put(1, settled())], &settings);
    apply(&mut view, newer);
    let before = task(&view);
    apply(&mut view, late);
    assert_eq!(task(&view), before);
}

async fn open(disk: &MemoryDisk, format_max: u32) -> RaftStore {
    let settings = RaftSettings { format_max, ..super::settings() };
    let disk = Arc::new(disk.clone());
    let store = RaftStore::open_on(disk, settings, Peering::alone()).await.unwrap();
    while store.status().format < format_max {
        sleep(Duration::from_millis(1)).await;
    }
    store
}

/// Claims and settles the task so many times; the bytes of log that it took, and the revision.
async fn fire(store: &RaftStore, times: u64, mut revision: u64) -> (u64, u64) {
    let before = store.stats().log_bytes;
    for _ in 0..times {
        for state in [claimed(revision), settled()] {
            let committed = store.commit(vec![put(revision, state)]).await.unwrap();
            revision = committed[0].unwrap().0;
        }
    }
    (store.stats().log_bytes - before, revision)
}

async fn read(store: &RaftStore) -> TaskWithHistory {
    store.get(&id("a"), Consistency::Linearizable).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_log_of_both_forms_is_read_after_a_restart() {
    let disk = MemoryDisk::default();
    let store = open(&disk, FORMAT_SHORT_PUTS - 1).await;
    let created = store.commit(vec![create("a", settled())]).await.unwrap()[0].unwrap();
    let (earlier, revision) = fire(&store, 50, created.0).await;
    let expected = read(&store).await;
    drop(store);
    disk.crash(1);
    let store = open(&disk, FORMAT_SHORT_PUTS).await;
    assert_eq!(read(&store).await, expected);
    let (now, revision) = fire(&store, 50, revision).await;
    assert!(now < earlier, "{now} bytes of log, {earlier} before");
    let open_run = put(revision, claimed(revision));
    store.commit(vec![open_run]).await.unwrap()[0].unwrap();
    let expected = read(&store).await;
    assert_eq!(expected.task.state.runs[0].fence, revision);
    drop(store);
    disk.crash(2);
    let store = open(&disk, FORMAT_SHORT_PUTS).await;
    assert_eq!(read(&store).await, expected);
    store.snapshot().await.unwrap();
    drop(store);
    let store = open(&disk, FORMAT_SHORT_PUTS).await;
    assert_eq!(read(&store).await, expected);
}
