//! Reads a snapshot back, whole or not at all: one thread reads and checks the blocks, some decode
//! them in turns, and the calling one puts what comes of it into a view.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};

use openraft::Membership;
use prost::Message;
use xcron_core::Timestamp;

use super::{BLOCK_BYTES_MAX, BLOCK_HEAD_BYTES, KIND_FOOT, KIND_HEAD, KIND_TASKS};
use crate::disk::{Disk, DiskFile};
use crate::log::COUNT_MAX;
use crate::state::{FORMAT_MIN, Member, Record, Restored, Restoring, Roster, View, take_field};
use crate::types::{StoredMembership, from_log};
use crate::wire::Unreadable;
use crate::wire::snapshot::{FootMessage, HeadMessage, LogIdMessage, NodeMessage, TASK};
use crate::{Error, ErrorKind};

/// How many blocks may wait for each thread that decodes, and how many behind it.
const BLOCKS_AHEAD: usize = 2;

/// The most threads that decode.
const DECODERS_MAX: usize = 4;

/// Why the foot is refused.
const MISFIT: &str = "its foot does not match what is in front of it";

/// A block of tasks as it stands in the file, and where it ends.
struct Block {
    end: u64,
    payload: Vec<u8>,
}

/// The tasks of a block, and where it ends.
type Decoded = (u64, Result<Restored, Unreadable>);

/// Takes blocks from a file and adds up what the foot must say.
struct BlockReader<'a> {
    name: &'a str,
    file: &'a dyn DiskFile,
    size: u64,
    offset: u64,
    blocks: u64,
    crcs: u32,
}

impl BlockReader<'_> {
    fn damaged(&self, what: impl std::fmt::Display) -> Error {
        Error::damaged(self.name, self.offset, what)
    }

    /// Puts the `len` bytes at `offset` into `bytes`.
    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), Error> {
        if offset + len as u64 > self.size {
            return Err(self.damaged("it ends in the middle of a block"));
        }
        bytes.resize(len, 0);
        let read = self.file.read_at(offset, bytes);
        read.map_err(|e| Error::disk(format!("cannot read {}", self.name), &e))
    }

    /// The kind of the next block, whose payload comes into `payload`; `crcs` and `blocks` count
    /// those before it.
    fn next(&mut self, payload: &mut Vec<u8>) -> Result<u8, Error> {
        let mut head = Vec::new();
        self.read(self.offset, BLOCK_HEAD_BYTES, &mut head)?;
        let number =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (payload_bytes, crc) = (number(0) as usize, number(4));
        if payload_bytes > BLOCK_BYTES_MAX {
            return Err(self.damaged(format!("a block of {payload_bytes} bytes")));
        }
        self.read(self.offset + BLOCK_HEAD_BYTES as u64, payload_bytes, payload)?;
        if crc32c::crc32c_append(crc32c::crc32c(&head[8..]), payload) != crc {
            return Err(self.damaged("the checksum of a block does not match"));
        }
        if head[8] != KIND_FOOT {
            self.blocks += 1;
            self.crcs = crc32c::crc32c_append(self.crcs, &crc.to_le_bytes());
        }
        self.offset += (BLOCK_HEAD_BYTES + payload_bytes) as u64;
        Ok(head[8])
    }

    fn decode<M: Message + Default>(&self, payload: &[u8]) -> Result<M, Error> {
        M::decode(payload).map_err(|error| self.damaged(error))
    }
}

/// The view that the snapshot `name` holds, of the cluster `cluster_id` or, if it is `None`, any.
pub(super) fn read(
    disk: &dyn Disk,
    name: &str,
    cluster_id: Option<u128>,
    format_max: u32,
) -> Result<View, Error> {
    let failed = |e| Error::disk(format!("cannot read {name}"), &e);
    let file = disk.open(name).map_err(failed)?;
    let size = file.size().map_err(failed)?;
    let mut reader = BlockReader { name, file: &*file, size, offset: 0, blocks: 0, crcs: 0 };
    let mut payload = Vec::new();
    if reader.next(&mut payload)? != KIND_HEAD {
        return Err(reader.damaged("it does not begin with a head"));
    }
    let mut restoring = Restoring::new(view(&reader, &payload, cluster_id, format_max)?);
    let tasks = read_tasks(reader, &mut restoring)?;
    if restoring.len() as u64 != tasks {
        return Err(Error::damaged(name, size, MISFIT));
    }
    restoring.finish().map_err(no_thread)
}

fn no_thread(error: std::io::Error) -> Error {
    Error::disk("cannot start a thread", &error)
}

/// Reads what follows the head into `restoring`; how many tasks there should be.
fn read_tasks(reader: BlockReader<'_>, restoring: &mut Restoring) -> Result<u64, Error> {
    let (name, revision_max) = (reader.name, restoring.revision());
    let decoders = thread::available_parallelism().map_or(1, usize::from).min(DECODERS_MAX);
    thread::scope(|scope| {
        let (mut to_decoders, mut decoded) = (Vec::new(), Vec::new());
        let (used, buffers) = channel();
        for _ in 0..decoders {
            let (to_decoder, blocks) = sync_channel::<Block>(BLOCKS_AHEAD);
            let (to_view, tasks) = sync_channel::<Decoded>(BLOCKS_AHEAD);
            let used = used.clone();
            start(scope, "xcron-decode", move || decode(&blocks, &to_view, &used, revision_max))?;
            to_decoders.push(to_decoder);
            decoded.push(tasks);
        }
        let reading =
            start(scope, "xcron-read", move || read_blocks(reader, &to_decoders, &buffers))?;
        let mut restored = Ok(());
        for tasks in decoded.iter().cycle() {
            let Ok((end, tasks)) = tasks.recv() else {
                break; // there are no more blocks
            };
            let taken = tasks.and_then(|tasks| restoring.take(tasks));
            restored = taken.map_err(|what| Error::damaged(name, end, what));
            if restored.is_err() {
                break;
            }
        }
        // Nobody is to wait for what is not taken any more.
        drop(decoded);
        // A block that was refused stands before one that could not be read.
        restored.and(reading.join().unwrap_or_else(|bug| resume_unwind(bug)))
    })
}

fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, work).map_err(no_thread)
}

/// Reads blocks and hands them to those who decode, to each in turn; how many tasks there should
/// be, as the foot says. What was decoded is read into again: fresh memory is slow.
fn read_blocks(
    mut reader: BlockReader<'_>,
    decoders: &[SyncSender<Block>],
    buffers: &Receiver<Vec<u8>>,
) -> Result<u64, Error> {
    let mut number = 0;
    loop {
        let mut payload = buffers.try_recv().unwrap_or_default();
        match reader.next(&mut payload)? {
            KIND_TASKS => {
                let block = Block { end: reader.offset, payload };
                if decoders[number % decoders.len()].send(block).is_err() {
                    return Ok(0); // a block before was refused
                }
                number += 1;
            }
            KIND_FOOT => {
                let foot: FootMessage = reader.decode(&payload)?;
                let (blocks, crc) = (reader.blocks, reader.crcs);
                let is_last = reader.offset == reader.size;
                if !is_last || foot != (FootMessage { blocks, crc, ..foot.clone() }) {
                    return Err(reader.damaged(MISFIT));
                }
                return Ok(foot.tasks);
            }
            kind => return Err(reader.damaged(format!("a block of unknown kind {kind}"))),
        }
    }
}

/// Decodes blocks until there are no more, or nobody takes what comes of them.
fn decode(
    blocks: &Receiver<Block>,
    to_view: &SyncSender<Decoded>,
    used: &Sender<Vec<u8>>,
    revision_max: u64,
) {
    for Block { end, payload } in blocks {
        if to_view.send((end, tasks_of(&payload, revision_max))).is_err() {
            return;
        }
        // Once all is read, nobody needs it.
        let _unused = used.send(payload);
    }
}

fn view(
    reader: &BlockReader<'_>,
    payload: &[u8],
    cluster_id: Option<u128>,
    format_max: u32,
) -> Result<View, Error> {
    let head: HeadMessage = reader.decode(payload)?;
    let foreign = |what: String| Error::new(ErrorKind::Foreign, format!("{} {what}", reader.name));
    if !(FORMAT_MIN..=format_max).contains(&head.format) {
        let (found, read) = (head.format, format_max);
        return Err(foreign(format!("has format {found}, this version reads up to {read}")));
    }
    if cluster_id.is_some_and(|id| head.cluster_id != id.to_be_bytes()) {
        let id = cluster_id.unwrap_or_default();
        return Err(foreign(format!("belongs to another cluster than {id:032x}")));
    }
    check_counts(&head).map_err(|what| reader.damaged(what))?;
    let membership = head.membership.unwrap_or_default().into_membership();
    let membership: Membership<_, _> = membership.map_err(|error| reader.damaged(error))?;
    let position = |id: Option<LogIdMessage>| id.map(|id| from_log(id.into()));
    let membership = StoredMembership::new(position(head.membership_at), membership);
    let member = |node: NodeMessage| Member { address: node.address, nonce: node.nonce };
    let roster = if head.format == FORMAT_MIN {
        Roster::restored([], 0, head.format, Timestamp::MIN)
    } else {
        let members = head.nodes.into_iter().map(|(id, node)| (id, member(node)));
        let time = Timestamp::from_millis(head.time);
        Roster::restored(members, head.node_ids, head.format, time)
    };
    Ok(View::restored(position(head.last), membership, roster, head.revision, head.lives))
}

/// What of a head cannot be, if anything: the next step would be one too far, or give a number
/// again.
fn check_counts(head: &HeadMessage) -> Result<(), &'static str> {
    let ids = [head.last, head.membership_at].into_iter().flatten();
    let counts = ids.flat_map(|id| [id.index, id.term]).chain(head.lives.values().copied());
    if counts.chain([head.revision, head.node_ids]).any(|count| count > COUNT_MAX) {
        return Err("its head holds a count that no cluster reaches");
    }
    let is_beyond = |id: &u64| *id > head.node_ids;
    if head.format > FORMAT_MIN && head.nodes.keys().any(is_beyond) {
        return Err("its head holds a node whose number was never given");
    }
    Ok(())
}

fn tasks_of(payload: &[u8], revision_max: u64) -> Result<Restored, Unreadable> {
    let (mut tasks, mut rest) = (Restored::default(), payload);
    while !rest.is_empty() {
        let task = take_field(&mut rest, TASK);
        let task = task.ok_or_else(|| Unreadable::new("a block that does not hold tasks"))?;
        tasks.push(Record::read(task)?, revision_max)?;
    }
    Ok(tasks)
}
