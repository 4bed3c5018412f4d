//! Snapshots and replicas: the same log makes the same bytes, by whatever way.

use std::sync::Arc;

use bytes::Bytes;
use xcron_core::testing::sample::{create, delete, due_at, finished_at, id, sending, succeeded};
use xcron_core::{Change, Holder, Revision};

use super::{RECEIVED, Snapshots};
use crate::disk::Disk;
use crate::disk::memory::MemoryDisk;
use crate::state::{FORMAT_MAX, View};
use crate::types::{Batch, LeaderId, LogId};
use crate::wire::change::{encode_commit, encode_life};

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
        commands.push(encode_commit(&changes, 2));
    }
    for n in 0..60 {
        let ended = vec![succeeded(1), succeeded(2), succeeded(3)];
        let name = format!("t{n}");
        commands.push(encode_commit(&[put(&name, n + 1, sending(9, 1, holder), ended)], 2));
        let changes = [put(&name, n, finished_at(3), vec![]), delete(&format!("t{}", 3 * n))];
        commands.push(encode_commit(&changes, 2));
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
