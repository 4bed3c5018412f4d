//! Writes a view as blocks.

use std::io;

use prost::Message;
use prost::encoding::encode_varint;

use super::{BLOCK_BYTES_MIN, BLOCK_HEAD_BYTES, KIND_FOOT, KIND_HEAD, KIND_TASKS};
use crate::disk::{Disk, DiskFile, UNSYNCED_BYTES_MAX, failpoint};
use crate::log::LogId;
use crate::state::{FORMAT_MIN, Member, View};
use crate::types::to_log;
use crate::wire::entry::MembershipMessage;
use crate::wire::snapshot::{FootMessage, HeadMessage, NodeMessage, TASK};

/// Appends blocks to a file.
struct BlockWriter<'a> {
    disk: &'a dyn Disk,
    file: &'a dyn DiskFile,
    offset: u64,
    synced: u64,
    blocks: u64,
    crcs: u32,
}

impl BlockWriter<'_> {
    fn write(&mut self, kind: u8, message: &impl Message) -> io::Result<()> {
        let mut block = vec![0; BLOCK_HEAD_BYTES];
        let encoded = message.encode(&mut block);
        encoded.map_err(|error| io::Error::other(error.to_string()))?;
        self.write_block(kind, &mut block)
    }

    /// Writes a block with its head, for which there is room in front of the payload.
    fn write_block(&mut self, kind: u8, block: &mut [u8]) -> io::Result<()> {
        block[8] = kind;
        let crc = crc32c::crc32c(&block[8..]);
        let payload_bytes = (block.len() - BLOCK_HEAD_BYTES) as u32;
        block[..4].copy_from_slice(&payload_bytes.to_le_bytes());
        block[4..8].copy_from_slice(&crc.to_le_bytes());
        self.file.write_at(self.offset, block)?;
        self.offset += block.len() as u64;
        self.blocks += 1;
        self.crcs = crc32c::crc32c_append(self.crcs, &crc.to_le_bytes());
        self.disk.reached(failpoint::SNAPSHOT_AFTER_BLOCK);
        if self.offset - self.synced >= UNSYNCED_BYTES_MAX {
            self.file.sync_unhurried()?;
            self.synced = self.offset;
        }
        Ok(())
    }
}

/// Writes `view` to `file` and returns its length; the end of it is not synced.
pub(super) fn write(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    view: &View,
    cluster_id: u128,
) -> io::Result<u64> {
    let mut writer = BlockWriter { disk, file, offset: 0, synced: 0, blocks: 0, crcs: 0 };
    writer.write(KIND_HEAD, &head(view, cluster_id))?;
    let (mut block, mut tasks) = (vec![0; BLOCK_HEAD_BYTES], 0);
    for record in view.records() {
        let bytes = record.bytes();
        block.push(TASK);
        encode_varint(bytes.len() as u64, &mut block);
        block.extend_from_slice(bytes);
        tasks += 1;
        if block.len() >= BLOCK_BYTES_MIN {
            writer.write_block(KIND_TASKS, &mut block)?;
            block.truncate(BLOCK_HEAD_BYTES);
        }
    }
    if block.len() > BLOCK_HEAD_BYTES {
        writer.write_block(KIND_TASKS, &mut block)?;
    }
    let foot = FootMessage { blocks: writer.blocks, tasks, crc: writer.crcs };
    writer.write(KIND_FOOT, &foot)?;
    Ok(writer.offset)
}

fn head(view: &View, cluster_id: u128) -> HeadMessage {
    let (membership, roster) = (&view.membership, &view.roster);
    // In format 1 the members are those of raft, and time does not stand in the log.
    let is_first = roster.format() == FORMAT_MIN;
    let member = |member: &Member| NodeMessage {
        address: member.address.clone(),
        nonce: member.nonce.clone(),
    };
    let nodes = roster.iter().filter(|_| !is_first).map(|(id, node)| (id, member(node)));
    HeadMessage {
        format: roster.format(),
        cluster_id: cluster_id.to_be_bytes().to_vec(),
        last: view.applied.as_ref().map(to_log).map(LogId::into),
        membership_at: membership.log_id().as_ref().map(to_log).map(LogId::into),
        membership: Some(MembershipMessage::from_membership(membership.membership())),
        revision: view.revision(),
        lives: view.lives().collect(),
        group: 0,
        nodes: nodes.collect(),
        node_ids: if is_first { 0 } else { roster.last_id() },
        time: if is_first { 0 } else { roster.time().as_millis() },
    }
}
