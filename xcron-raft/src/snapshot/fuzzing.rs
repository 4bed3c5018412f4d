//! What taking in a snapshot promises about whatever is sent as one: it is refused with a reason,
//! or all of it can be read, decided on, changed and written again.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use xcron_core::decide::{ClaimContext, claim};
use xcron_core::schedule::Calendar;
use xcron_core::testing::sample;
use xcron_core::{Change, Holder, Occurrence, OpenRun, Phase, TaskId, TaskState, Timestamp};

use super::{BLOCK_HEAD_BYTES, KIND_FOOT, KIND_HEAD, KIND_TASKS, RECEIVED, Snapshots, read_backup};
use crate::disk::Disk;
use crate::disk::memory::MemoryDisk;
use crate::fuzzing::{Draw, assert_told};
use crate::state::{FORMAT_MAX, View};
use crate::types::{Answer, Batch, Reply};
use crate::wire::change::{self, AdmitMessage, CommandKind, Keeping};
use crate::wire::short::Lasting;
use crate::wire::snapshot::{
    FootMessage, HeadMessage, LogIdMessage, NodeMessage, TaskMessage, TasksMessage,
};
use crate::wire::{definition, record, state};

const CLUSTER: u128 = 5;
const KEEPING: Keeping = Keeping {
    history_max: 3,
    failed_max: 2,
    failed_retention_s: 1_000,
    failed_attempts_kib_max: 1,
    other_attempts_kib_max: 1,
};
/// The most tasks that an input lays out by their fields.
const TASKS_MAX: usize = 12;

/// Takes in the snapshot that `bytes` describe, as one that a leader sends or (bit 2 of the first
/// byte) as a backup, and lets time go on with what it holds.
///
/// The content of its blocks is taken as it is, or (bit 0) is laid out from fields; bit 1 spoils
/// the sums in the foot.
pub fn check(bytes: &[u8]) {
    let mut draw = Draw(bytes);
    let how = draw.byte();
    let blocks = if how & 1 == 0 { raw_blocks(&mut draw) } else { drawn_blocks(&mut draw) };
    let disk = MemoryDisk::default();
    write(&disk, &blocks, how & 2 != 0);
    let snapshots = Snapshots::new(Arc::new(disk.clone()), CLUSTER, FORMAT_MAX);
    let taken = if how & 4 == 0 {
        snapshots.check_received().map(|file| {
            let view = file.view.clone().expect("a snapshot that was checked was read");
            snapshots.adopt(file).expect("a sound disk");
            let (_, again) = snapshots.load().expect("what was kept is read").expect("it is kept");
            assert_eq!(written(&again), written(&view), "what is kept is what was taken in");
            View::clone(&view)
        })
    } else {
        read_backup(&disk, RECEIVED, FORMAT_MAX)
    };
    match taken {
        Ok(view) => assert_sound(view),
        Err(error) => {
            assert_told(&error);
            assert!(error.to_string().contains(RECEIVED), "it names the file: {error}");
        }
    }
}

/// The bytes of a snapshot of `view`.
fn written(view: &View) -> Vec<u8> {
    let disk = MemoryDisk::default();
    let saved = Snapshots::new(Arc::new(disk.clone()), CLUSTER, FORMAT_MAX).save(view);
    disk.bytes(&saved.expect("a sound disk").name)
}

fn assert_sound(mut view: View) {
    let bytes = written(&view);
    let disk = MemoryDisk::default();
    let file = disk.create("again").expect("a sound disk");
    file.write_at(0, &bytes).expect("a sound disk");
    let again = read_backup(&disk, "again", FORMAT_MAX).expect("what was written is read");
    assert_eq!(written(&again), bytes, "written again it is the same");
    assert_eq!((again.counts(), &again.roster), (view.counts(), &view.roster));
    assert_eq!((again.revision(), again.applied), (view.revision(), view.applied));
    assert_eq!(again.lives().collect::<Vec<_>>(), view.lives().collect::<Vec<_>>());
    let tasks = view.scan(None, usize::MAX).expect("every task can be read");
    assert!(tasks.windows(2).all(|pair| pair[0].id < pair[1].id), "in order, each once");
    assert_eq!(view.counts().total(), tasks.len() as u64);
    let due = view.due(Timestamp::MAX, usize::MAX, &|_| true).expect("what is due can be read");
    assert!(due.len() <= tasks.len(), "each is due once");
    go_on(&mut view, &tasks.into_iter().map(|task| task.id).collect::<Vec<_>>());
}

/// Whatever may happen next happens, to the cluster and to each task; then all tasks are deleted.
fn go_on(view: &mut View, ids: &[TaskId]) {
    let nodes: Vec<u64> = view.lives().map(|(node, _)| node).chain([1]).collect();
    for node in nodes {
        assert!(matches!(step(view, change::encode_life(node)), Reply::Life(1..)));
    }
    let nonce = Bytes::from_static(b"a nonce that nobody else has....");
    let admit = CommandKind::Admit(AdmitMessage { nonce, address: "a:1".to_owned() });
    let Reply::Admitted(node) = step(view, change::encode(admit)) else {
        panic!("a node that asks is let in");
    };
    assert!(view.roster.iter().all(|(id, _)| id <= node), "a number is given once");
    let calendar = Calendar::new(10);
    for id in ids {
        let task = view.get(id).expect("it is there").task().expect("it can be read");
        let now = task.state.due_at.unwrap_or_default().max(Timestamp::default());
        let context = ClaimContext {
            calendar: &calendar,
            now,
            until: now,
            active_since: Timestamp::from_secs(2_000),
            holder: Holder { node: 1, incarnation: 1 },
            is_gone: &|_| true,
        };
        let claimed = claim(&task, &context);
        let (expected, ended) = (task.revision, claimed.ended);
        let state = claimed.state;
        let put = Change::Put { id: id.clone(), expected, definition: None, state, ended };
        let lasting = Lasting::of_state(&task.state);
        assert!(
            matches!(commit(view, &put, lasting), Answer::Done(_)),
            "a change of what is there"
        );
        let kept = view.get(id).expect("it is there").task_state().expect("it can be read");
        assert!(matches!(put, Change::Put { state, .. } if state == kept), "it is kept whole");
    }
    for id in ids {
        let delete = Change::Delete { id: id.clone(), expected: None };
        let lasting = Lasting::of_state(&sample::due_at(4));
        assert!(matches!(commit(view, &delete, lasting), Answer::Done(_)), "it can be deleted");
    }
    let is_gone = |_| true;
    assert_eq!((view.counts().total(), view.next_due(&is_gone)), (0, None), "nothing is left");
    assert_eq!(view.finished(9).expect("nothing to read"), Vec::new());
}

/// Commits `change` of a task with `lasting`.
fn commit(view: &mut View, change: &Change, lasting: Lasting) -> Answer {
    let changes = std::slice::from_ref(change);
    match step(view, change::encode_short_commit(changes, KEEPING, &|_, _| Some(lasting))) {
        Reply::Committed(answers) => answers[0],
        other => panic!("a commit came to {other:?}"),
    }
}

fn step(view: &mut View, command: Bytes) -> Reply {
    let batch = Batch { commands: vec![command] };
    view.apply(batch, FORMAT_MAX).expect("what this version writes it reads").0.remove(0)
}

/// Kinds and payloads, as they stand in the input.
fn raw_blocks(draw: &mut Draw<'_>) -> Vec<(u8, Vec<u8>)> {
    let mut blocks = Vec::new();
    while !draw.is_empty() {
        let (kind, len) = (draw.byte(), usize::from(draw.byte()) + 256 * usize::from(draw.byte()));
        blocks.push((kind, draw.bytes(len).to_vec()));
    }
    blocks
}

/// Writes the file of these blocks; the foot is added, with `is_spoiled` sums.
fn write(disk: &MemoryDisk, blocks: &[(u8, Vec<u8>)], is_spoiled: bool) {
    let (mut bytes, mut crcs, mut tasks) = (Vec::new(), 0, 0);
    let mut push = |kind: u8, payload: &[u8]| {
        let crc = crc32c::crc32c_append(crc32c::crc32c(&[kind]), payload);
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(payload);
        crc
    };
    for (kind, payload) in blocks {
        crcs = crc32c::crc32c_append(crcs, &push(*kind, payload).to_le_bytes());
        if *kind == KIND_TASKS {
            let block = TasksMessage::decode(&payload[..]).unwrap_or_default();
            tasks += block.tasks.len() as u64;
        }
    }
    let crc = if is_spoiled { !crcs } else { crcs };
    let foot = FootMessage { blocks: blocks.len() as u64, tasks, crc };
    push(KIND_FOOT, &foot.encode_to_vec());
    assert!(bytes.len() >= BLOCK_HEAD_BYTES, "there is a foot");
    let file = disk.create(RECEIVED).expect("a sound disk");
    file.write_at(0, &bytes).expect("a sound disk");
}

/// A head and tasks whose fields are drawn, most of them as they could be.
fn drawn_blocks(draw: &mut Draw<'_>) -> Vec<(u8, Vec<u8>)> {
    let position = |draw: &mut Draw<'_>| {
        Some(LogIdMessage { term: draw.number(), node: 1, index: draw.number() })
    };
    let node = |id: u64| (id, NodeMessage { address: format!("n{id}:1"), nonce: Bytes::new() });
    let mut head = HeadMessage {
        format: u32::from(draw.byte() % 4),
        cluster_id: CLUSTER.to_be_bytes().to_vec(),
        last: position(draw),
        membership_at: position(draw),
        revision: draw.number(),
        node_ids: draw.number(),
        ..HeadMessage::default()
    };
    for _ in 0..draw.byte() % 4 {
        head.lives.insert(draw.number(), draw.number());
        head.nodes.extend([node(draw.number())]);
    }
    head.time = draw.number().cast_signed();
    let mut block = TasksMessage::default();
    while !draw.is_empty() && block.tasks.len() < TASKS_MAX {
        block.tasks.push(drawn_task(draw));
    }
    vec![(KIND_HEAD, head.encode_to_vec()), (KIND_TASKS, block.encode_to_vec())]
}

fn drawn_task(draw: &mut Draw<'_>) -> TaskMessage {
    let id = format!("t{}", draw.byte());
    let at = |draw: &mut Draw<'_>| Timestamp::from_millis(draw.number().cast_signed());
    let choice = draw.byte();
    let mut drawn = match choice % 4 {
        0 => sample::finished_at(3),
        1 => sample::sending(9, 1, Holder { node: draw.number(), incarnation: draw.number() }),
        _ => sample::due_at(4),
    };
    if choice & 4 != 0 {
        drawn.counters.claimed = draw.number();
        drawn.counters.skipped_misfire = draw.number();
        drawn.version = draw.number();
    }
    if choice & 8 != 0 {
        drawn = TaskState { decided_until: at(draw), next: Some(at(draw)), ..drawn };
        drawn.due_at = drawn.next;
    }
    for _ in 0..choice >> 6 {
        let attempt = draw.number() as u32;
        let phase = match draw.byte() % 3 {
            0 => Phase::Queued,
            1 => Phase::Waiting { until: at(draw) },
            _ => Phase::Sending {
                holder: Holder { node: draw.number(), incarnation: 1 },
                not_before: at(draw),
            },
        };
        let occurrence = Occurrence::At(at(draw));
        let (fence, claimed_at) = (draw.number(), at(draw));
        let earlier = vec![sample::attempted(attempt, "no"); usize::from(draw.byte() % 3)];
        let lost = 0;
        let run = OpenRun { occurrence, attempt, lost, fence, claimed_at, phase, earlier };
        drawn.runs.push(run);
    }
    let mut task = sample::one_shot("http://a/", 4);
    if choice & 16 != 0 {
        task.jitter = std::time::Duration::from_millis(draw.number());
        task.max_runs = Some(draw.number());
        task.retry.max_attempts = draw.number() as u32;
    }
    let mut history = vec![Bytes::from(record::encode(&sample::succeeded(2)))];
    if choice & 32 != 0 {
        let len = usize::from(draw.byte());
        history.push(Bytes::copy_from_slice(draw.bytes(len)));
    }
    TaskMessage {
        id,
        definition: definition::encode(&task).into(),
        state: state::encode(&drawn).into(),
        revision: draw.number(),
        failed: if choice & 64 != 0 { history.clone() } else { Vec::new() },
        history,
    }
}
