//! Snapshots and replicas: the same log makes the same bytes, by whatever way.

use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use xcron_core::task::state::TaskState;
use xcron_core::testing::sample::{
    attempted, create, delete, due_at, finished_at, id, sending, succeeded,
};
use xcron_core::{
    Change, Counters, Holder, Revision, RunEnd, RunRecord, TaskDefinition, Timestamp,
};

use super::{BLOCK_HEAD_BYTES, KIND_FOOT, KIND_TASKS, RECEIVED, Snapshots, read_backup};
use crate::disk::memory::MemoryDisk;
use crate::disk::{Disk, UNSYNCED_BYTES_MAX};
use crate::state::{FORMAT_MAX, Member, Roster, View};
use crate::types::{Batch, LeaderId, LogId, StoredMembership};
use crate::wire::change::{
    CommandKind, Keeping, encode, encode_commit, encode_life, encode_short_commit,
};
use crate::wire::short::Lasting;
use crate::wire::snapshot::{FootMessage, TasksMessage};

const KEEPING: Keeping = Keeping {
    history_max: 2,
    failed_max: 2,
    failed_retention_s: 1_000,
    failed_attempts_kib_max: 1,
    other_attempts_kib_max: 1,
};

/// Some commands of every kind, with conflicts among them.
fn commands() -> Vec<Bytes> {
    let holder = Holder { node: 1, incarnation: 1 };
    let put = |name: &str, expected, state, ended| Change::Put {
        id: id(name),
        expected: Revision(expected),
        definition: None,
        state,
        ended,
    };
    let mut commands = vec![encode_life(1)];
    for n in 0..200_i64 {
        let name = format!("t{n}");
        let changes = [create(&name, due_at(n)), create("t7", due_at(1)), delete("missing")];
        commands.push(encode_commit(&changes, KEEPING));
    }
    for n in 0..60 {
        let earlier = vec![attempted(1, "not now"); 9];
        let failed = RunRecord { end: RunEnd::Failed, earlier, ..succeeded(4) };
        // The second is too much beside the third, and thinned.
        let answer = Some("x".repeat(700).into());
        let second = RunRecord { answer: answer.clone(), ..succeeded(2) };
        let third = RunRecord { answer, ..succeeded(3) };
        let ended = vec![succeeded(1), second, failed, third];
        let mut open = sending(9, 1, holder);
        open.runs[0].earlier = vec![attempted(1, "not now")];
        open.runs[0].fence = n + 1;
        let name = format!("t{n}");
        let lasting = Some(Lasting::of_state(&open));
        let claim = [put(&name, n + 1, open, ended)];
        commands.push(encode_short_commit(&claim, KEEPING, &|_, _| lasting));
        let changes = [put(&name, n, finished_at(3), vec![]), delete(&format!("t{}", 3 * n))];
        commands.push(encode_commit(&changes, KEEPING));
    }
    commands.push(encode_life(1));
    commands
}

fn apply(view: &mut View, commands: &[Bytes], first: u64) {
    for (command, index) in commands.iter().zip(first..) {
        view.apply(Batch { commands: vec![command.clone()] }, FORMAT_MAX).unwrap();
        let leader_id = LeaderId { term: 1, node_id: 1 };
        view.applied = Some(LogId { leader_id, index });
    }
}

fn bytes_of(view: &View) -> Vec<u8> {
    let disk = MemoryDisk::default();
    let saved = Snapshots::new(Arc::new(disk.clone()), 1, FORMAT_MAX).save(view).unwrap();
    disk.bytes(&saved.name)
}

#[test]
fn a_replica_that_began_with_a_snapshot_holds_the_same_bytes() {
    let commands = commands();
    let mut whole = View::default();
    apply(&mut whole, &commands, 0);
    let expected = bytes_of(&whole);
    for split in (0..commands.len()).step_by(37) {
        let mut first = View::default();
        apply(&mut first, &commands[..split], 0);
        let snapshots = Snapshots::new(Arc::new(MemoryDisk::default()), 1, FORMAT_MAX);
        snapshots.save(&first).unwrap();
        let (_, mut second) = snapshots.load().unwrap().unwrap();
        apply(&mut second, &commands[split..], split as u64);
        assert_eq!(bytes_of(&second), expected, "split at {split}");
        assert_eq!(second.counts(), whole.counts());
        assert_eq!(second.next_due(&|_| false), whole.next_due(&|_| false));
    }
}

#[test]
fn what_failed_before_the_format_knew_of_it_is_kept_apart_once_it_does() {
    let failed = RunRecord { end: RunEnd::Failed, ..succeeded(4) };
    let put = Change::Put {
        id: id("a"),
        expected: Revision(1),
        definition: None,
        state: finished_at(3),
        ended: vec![succeeded(2), failed],
    };
    let earlier = Keeping { history_max: 2, ..Keeping::default() };
    let commits = [create("a", due_at(1)), put].map(|change| encode_commit(&[change], earlier));
    let mut view = View::default();
    apply(&mut view, &commits, 1);
    let before = view.get(&id("a")).unwrap().task_with_history().unwrap();
    assert_eq!(view.failed_runs(), 0);
    apply(&mut view, &[encode(CommandKind::RaiseFormat(FORMAT_MAX))], 3);
    let record = view.get(&id("a")).unwrap();
    assert_eq!((view.failed_runs(), record.failed_count(), record.history().count()), (1, 1, 1));
    assert_eq!(record.task_with_history().unwrap().history, before.history);
}

#[test]
fn an_unknown_kind_of_command_or_change_is_refused_and_never_skipped() {
    // Field 9 of a command, and a commit whose only change has field 9: both of a later version.
    for bytes in [&[0x4a, 0x00][..], &[0x0a, 0x04, 0x0a, 0x02, 0x4a, 0x00][..]] {
        let batch = Batch { commands: vec![Bytes::copy_from_slice(bytes)] };
        let error = View::default().apply(batch, FORMAT_MAX).unwrap_err();
        assert!(error.to_string().contains("newer version"), "{error}");
    }
}

#[test]
fn an_older_snapshot_never_replaces_a_newer_one() {
    let commands = commands();
    let (mut older, mut newer) = (View::default(), View::default());
    apply(&mut older, &commands[..10], 0);
    apply(&mut newer, &commands, 0);
    let snapshots = Snapshots::new(Arc::new(MemoryDisk::default()), 1, FORMAT_MAX);
    snapshots.save(&newer).unwrap();
    assert!(snapshots.save(&older).is_err());
    let (_, found) = snapshots.load().unwrap().unwrap();
    assert_eq!(found.applied, newer.applied);
}

/// Why a snapshot of `view` is not read back.
fn refusal_of(view: &View) -> String {
    let snapshots = Snapshots::new(Arc::new(MemoryDisk::default()), 1, FORMAT_MAX);
    snapshots.save(view).unwrap();
    snapshots.load().unwrap_err().to_string()
}

/// The snapshot was taken in, and the next change panicked.
#[test]
fn a_snapshot_with_a_counter_at_the_end_of_its_range_is_refused() {
    let at = |index, term| Some(LogId { leader_id: LeaderId { term, node_id: 1 }, index });
    let view = |applied, ids: u64, revision, life| {
        let roster = Roster::restored([], ids, FORMAT_MAX, Timestamp::from_secs(0));
        View::restored(applied, StoredMembership::default(), roster, revision, [(1, life)])
    };
    assert!(read_back(&view(at(9, 2), 3, 9, 1)).is_ok());
    let far = u64::MAX;
    for view in [
        view(at(far, 2), 3, 9, 1),
        view(at(9, far), 3, 9, 1),
        view(at(9, 2), far, 9, 1),
        view(at(9, 2), 3, far, 1),
        view(at(9, 2), 3, 9, far),
    ] {
        assert!(refusal_of(&view).contains("a count that no cluster reaches"));
    }
    let members = [(4, Member { address: "a:1".to_owned(), nonce: Bytes::new() })];
    let roster = Roster::restored(members, 3, FORMAT_MAX, Timestamp::from_secs(0));
    let view = View::restored(None, StoredMembership::default(), roster, 9, []);
    assert!(refusal_of(&view).contains("a node whose number was never given"));
}

fn read_back(view: &View) -> Result<View, crate::Error> {
    let snapshots = Snapshots::new(Arc::new(MemoryDisk::default()), 1, FORMAT_MAX);
    snapshots.save(view)?;
    Ok(snapshots.load()?.expect("it was saved").1)
}

/// A view with one task in `state`.
fn view_with(state: TaskState) -> View {
    let mut view = View::default();
    apply(&mut view, &[encode_commit(&[create("a", state)], KEEPING)], 0);
    view
}

/// The task was taken in, and the next decision about it panicked.
#[test]
fn a_snapshot_with_a_task_that_no_decision_led_to_is_refused() {
    let open = sending(9, 1, Holder { node: 1, incarnation: 1 });
    assert!(read_back(&view_with(open.clone())).is_ok());
    let counted = |counters| TaskState { counters, ..due_at(3) };
    let mut attempts = open.clone();
    attempts.runs[0].attempt = u32::MAX;
    let mut twice = open.clone();
    twice.runs.push(open.runs[0].clone());
    let undecided = TaskState { decided_until: Timestamp::from_secs(8), ..open };
    for (state, why) in [
        (counted(Counters { claimed: u64::MAX, ..Counters::default() }), "a counter that no task"),
        (counted(Counters { skipped_misfire: u64::MAX, ..Counters::default() }), "a counter that"),
        (TaskState { decided_until: Timestamp::from_secs(3), ..due_at(3) }, "has decided about"),
        (attempts, "more attempts than can be made"),
        (twice, "has a run twice"),
        (undecided, "a run that was never decided"),
    ] {
        let refused = refusal_of(&view_with(state));
        assert!(refused.contains(why), "{refused}");
    }
}

/// The name of a snapshot of `view` on a disk of its own, with its tasks changed by `change`.
fn rewritten(view: &View, change: impl Fn(&mut TasksMessage)) -> MemoryDisk {
    let (bytes, mut written) = (bytes_of(view), Vec::new());
    let (mut at, mut crcs, mut foot) = (0, 0, FootMessage::default());
    while at < bytes.len() {
        let len = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let kind = bytes[at + 8];
        let mut payload = bytes[at + BLOCK_HEAD_BYTES..][..len].to_vec();
        at += BLOCK_HEAD_BYTES + len;
        if kind == KIND_TASKS {
            let mut block = TasksMessage::decode(&payload[..]).unwrap();
            change(&mut block);
            foot.tasks += block.tasks.len() as u64;
            payload = block.encode_to_vec();
        } else if kind == KIND_FOOT {
            payload = FootMessage { crc: crcs, ..foot.clone() }.encode_to_vec();
        }
        let crc = crc32c::crc32c_append(crc32c::crc32c(&[kind]), &payload).to_le_bytes();
        written.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        written.extend_from_slice(&crc);
        written.push(kind);
        written.extend_from_slice(&payload);
        crcs = crc32c::crc32c_append(crcs, &crc);
        foot.blocks += 1;
    }
    let disk = MemoryDisk::default();
    disk.create(RECEIVED).unwrap().write_at(0, &written).unwrap();
    disk
}

/// It was taken in and counted twice, so that its deletion left one behind.
#[test]
fn a_snapshot_that_holds_a_task_twice_or_out_of_order_is_refused() {
    let mut view = View::default();
    let changes = [create("a", due_at(3)), create("b", due_at(4))];
    apply(&mut view, &[encode_commit(&changes, KEEPING)], 0);
    let read = |change: &dyn Fn(&mut TasksMessage)| {
        read_backup(&rewritten(&view, change), RECEIVED, FORMAT_MAX)
    };
    assert_eq!(read(&|_| ()).unwrap().counts(), view.counts());
    let changes: [&dyn Fn(&mut TasksMessage); 2] =
        [&|block| block.tasks.push(block.tasks[1].clone()), &|block| block.tasks.reverse()];
    for change in changes {
        let refused = read(change).unwrap_err().to_string();
        assert!(refused.contains("is there twice or out of order"), "{refused}");
    }
    let refused = read(&|block| block.tasks[0].revision = 3).unwrap_err().to_string();
    assert!(refused.contains("a revision that was never given"), "{refused}");
}

/// Where each block of a snapshot ends.
fn ends_of(bytes: &[u8]) -> Vec<usize> {
    let (mut at, mut ends) = (0, Vec::new());
    while at < bytes.len() {
        let len = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        at += BLOCK_HEAD_BYTES + len;
        ends.push(at);
    }
    ends
}

/// A view whose snapshot takes some twenty blocks.
fn view_of_many_blocks() -> View {
    let note = || Some("x".repeat(100_000).into());
    let task = |n| create(&format!("t{n:02}"), TaskState { note: note(), ..due_at(n) });
    let commits: Vec<Bytes> = (0..60).map(|n| encode_commit(&[task(n)], KEEPING)).collect();
    let mut view = View::default();
    apply(&mut view, &commits, 0);
    view
}

#[test]
fn a_long_snapshot_is_synced_part_by_part() {
    let view = view_of_many_blocks();
    let disk = Arc::new(MemoryDisk::default());
    let saved = Snapshots::new(disk.clone(), 7, FORMAT_MAX).save(&view).unwrap();
    // A part is as long as a block, and a block as long as a task makes it.
    let parts = saved.bytes / (2 * UNSYNCED_BYTES_MAX);
    assert!(parts > 2, "{} bytes", saved.bytes);
    assert!(disk.syncs() > parts, "a sync of the log waits for more than a part");
}

#[test]
fn blocks_that_are_decoded_side_by_side_come_in_order_and_the_first_refusal_counts() {
    let view = view_of_many_blocks();
    let read = |disk: &MemoryDisk| read_backup(disk, RECEIVED, FORMAT_MAX);
    let spoil = |change: &dyn Fn(usize, &mut TasksMessage)| {
        let number = Cell::new(0);
        rewritten(&view, |block| {
            number.set(number.get() + 1);
            change(number.get(), block);
        })
    };
    let ends = ends_of(&bytes_of(&view));
    assert!(ends.len() > 16, "{} blocks", ends.len());
    assert_eq!(bytes_of(&read(&spoil(&|_, _| ())).unwrap()), bytes_of(&view));
    // Of two that are refused the first is named, whoever is done first.
    for first in 1..ends.len() - 2 {
        let disk = spoil(&|number, block| {
            if number >= first {
                block.tasks[0].revision = 61;
            }
        });
        let refused = read(&disk).unwrap_err().to_string();
        let end = ends_of(&disk.bytes(RECEIVED))[first];
        assert!(refused.contains(&format!("at byte {end}: task t")), "{refused}");
    }
    // A task that should stand in the block before.
    let disk = spoil(&|number, block| {
        if number == 7 {
            block.tasks[0].id = "t00".to_owned();
        }
    });
    let refused = read(&disk).unwrap_err().to_string();
    assert!(refused.contains("task t00 is there twice or out of order"), "{refused}");
}

#[test]
fn a_foot_that_counts_other_tasks_is_refused() {
    let bytes = bytes_of(&view_with(due_at(3)));
    let ends = ends_of(&bytes);
    let at = ends[ends.len() - 2];
    let mut foot = FootMessage::decode(&bytes[at + BLOCK_HEAD_BYTES..]).unwrap();
    foot.tasks += 1;
    let payload = foot.encode_to_vec();
    let crc = crc32c::crc32c_append(crc32c::crc32c(&[KIND_FOOT]), &payload);
    let mut counted = bytes[..at].to_vec();
    counted.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    counted.extend_from_slice(&crc.to_le_bytes());
    counted.push(KIND_FOOT);
    counted.extend_from_slice(&payload);
    let disk = MemoryDisk::default();
    disk.create(RECEIVED).unwrap().write_at(0, &counted).unwrap();
    let refused = read_backup(&disk, RECEIVED, FORMAT_MAX).unwrap_err().to_string();
    assert!(refused.contains("its foot does not match"), "{refused}");
}

/// It was taken in, and no due task could be read from then on.
#[test]
fn a_snapshot_from_elsewhere_with_a_task_that_cannot_be_read_is_refused() {
    let view = view_with(due_at(3));
    let definition = |change: &dyn Fn(&mut TaskDefinition)| {
        let mut definition = xcron_core::testing::sample::one_shot("http://a/", 3);
        change(&mut definition);
        Bytes::from(crate::wire::definition::encode(&definition))
    };
    let endless = definition(&|task| task.jitter = std::time::Duration::MAX);
    let spoils: [&dyn Fn(&mut TasksMessage); 3] = [
        &|block| block.tasks[0].definition = Bytes::from_static(&[0xff]),
        &|block| block.tasks[0].definition = endless.clone(),
        &|block| block.tasks[0].history = vec![Bytes::from_static(&[0x18, 99])],
    ];
    for spoil in spoils {
        let disk = rewritten(&view, spoil);
        assert!(read_backup(&disk, RECEIVED, FORMAT_MAX).is_err());
        let snapshots = Snapshots::new(Arc::new(disk), 1, FORMAT_MAX);
        let refused = snapshots.check_received().unwrap_err().to_string();
        assert!(refused.starts_with("snapshot.received cannot be read: "), "{refused}");
    }
}

#[test]
fn a_snapshot_that_has_arrived_outlives_one_that_is_written_meanwhile() {
    let commands = commands();
    let mut own = View::default();
    apply(&mut own, &commands[..10], 0);
    let mut arrived = own.clone();
    apply(&mut arrived, &commands[10..20], 10);
    let disk = MemoryDisk::default();
    let snapshots = Snapshots::new(Arc::new(disk.clone()), 1, FORMAT_MAX);
    disk.create(RECEIVED).unwrap().write_at(0, &bytes_of(&arrived)).unwrap();
    let received = snapshots.check_received().unwrap();
    snapshots.save(&own).unwrap();
    snapshots.adopt(received).unwrap();
    let (_, newest) = snapshots.load().unwrap().unwrap();
    assert_eq!(newest.applied, arrived.applied);
}

#[test]
fn a_snapshot_that_is_being_sent_stays_whole_when_the_next_takes_its_place() {
    let commands = commands();
    let mut view = View::default();
    let disk = MemoryDisk::default();
    let snapshots = Snapshots::new(Arc::new(disk.clone()), 1, FORMAT_MAX);
    apply(&mut view, &commands[..10], 0);
    let first = snapshots.save(&view).unwrap();
    let sending = first.senders.enter();
    let sent = disk.open(&first.name).unwrap();
    apply(&mut view, &commands[10..20], 10);
    let second = snapshots.save(&view).unwrap();
    assert_eq!(sent.size().unwrap(), first.bytes);
    drop(sending);
    let unsent = disk.open(&second.name).unwrap();
    apply(&mut view, &commands[20..30], 20);
    snapshots.save(&view).unwrap();
    assert_eq!(unsent.size().unwrap(), 0, "a long one would be removed in one go");
}
