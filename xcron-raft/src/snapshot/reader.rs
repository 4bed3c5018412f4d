//! Reads a snapshot back, whole or not at all: one thread reads and checks, while another puts what
//! was read into a view.

use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use bytes::Bytes;
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

/// How many blocks may be read before they are in the view.
const BLOCKS_AHEAD: usize = 4;

/// The tasks of one block, and where it ends.
struct Block {
    offset: u64,
    tasks: Vec<Restored>,
}

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

    fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        if offset + len as u64 > self.size {
            return Err(self.damaged("it ends in the middle of a block"));
        }
        let mut bytes = vec![0; len];
        let read = self.file.read_at(offset, &mut bytes);
        read.map_err(|e| Error::disk(format!("cannot read {}", self.name), &e))?;
        Ok(bytes)
    }

    /// The next block; `crcs` and `blocks` count those before it.
    fn next(&mut self) -> Result<(u8, Bytes), Error> {
        let head = self.read(self.offset, BLOCK_HEAD_BYTES)?;
        let number =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (payload_bytes, crc) = (number(0) as usize, number(4));
        if payload_bytes > BLOCK_BYTES_MAX {
            return Err(self.damaged(format!("a block of {payload_bytes} bytes")));
        }
        let payload = self.read(self.offset + BLOCK_HEAD_BYTES as u64, payload_bytes)?;
        if crc32c::crc32c_append(crc32c::crc32c(&head[8..]), &payload) != crc {
            return Err(self.damaged("the checksum of a block does not match"));
        }
        if head[8] != KIND_FOOT {
            self.blocks += 1;
            self.crcs = crc32c::crc32c_append(self.crcs, &crc.to_le_bytes());
        }
        self.offset += (BLOCK_HEAD_BYTES + payload_bytes) as u64;
        Ok((head[8], payload.into()))
    }

    fn decode<M: Message + Default>(&self, payload: Bytes) -> Result<M, Error> {
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
    let (kind, payload) = reader.next()?;
    if kind != KIND_HEAD {
        return Err(reader.damaged("it does not begin with a head"));
    }
    let mut restoring = Restoring::new(view(&reader, payload, cluster_id, format_max)?);
    let (to_view, blocks) = sync_channel::<Block>(BLOCKS_AHEAD);
    thread::scope(|scope| {
        let reading = thread::Builder::new().name("xcron-read".to_owned());
        let reading = reading.spawn_scoped(scope, move || read_tasks(reader, &to_view));
        let reading = reading.map_err(|e| Error::disk("cannot start a thread", &e))?;
        let mut restored = Ok(());
        for block in blocks {
            let taken = restoring.take(block.tasks);
            restored = taken.map_err(|what| Error::damaged(name, block.offset, what));
            if restored.is_err() {
                break;
            }
        }
        // A block that was refused stands before one that could not be read.
        restored.and(reading.join().unwrap_or_else(|bug| resume_unwind(bug)))
    })?;
    Ok(restoring.finish())
}

/// Reads the tasks and the foot, and hands over the tasks of each block.
fn read_tasks(mut reader: BlockReader<'_>, to_view: &SyncSender<Block>) -> Result<(), Error> {
    let mut tasks = 0;
    loop {
        match reader.next()? {
            (KIND_TASKS, payload) => {
                let read = tasks_of(&payload).map_err(|error| reader.damaged(error))?;
                tasks += read.len() as u64;
                if to_view.send(Block { offset: reader.offset, tasks: read }).is_err() {
                    return Ok(()); // a block before was refused
                }
            }
            (KIND_FOOT, payload) => {
                let foot: FootMessage = reader.decode(payload)?;
                let read = FootMessage { blocks: reader.blocks, tasks, crc: reader.crcs };
                if foot != read || reader.offset != reader.size {
                    return Err(reader.damaged("its foot does not match what is in front of it"));
                }
                return Ok(());
            }
            (kind, _) => return Err(reader.damaged(format!("a block of unknown kind {kind}"))),
        }
    }
}

fn view(
    reader: &BlockReader<'_>,
    payload: Bytes,
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

/// The tasks of a block.
fn tasks_of(payload: &[u8]) -> Result<Vec<Restored>, Unreadable> {
    let (mut tasks, mut rest) = (Vec::new(), payload);
    while !rest.is_empty() {
        let task = take_field(&mut rest, TASK);
        let task = task.ok_or_else(|| Unreadable::new("a block that does not hold tasks"))?;
        tasks.push(Restored::new(Record::read(task)?)?);
    }
    Ok(tasks)
}
