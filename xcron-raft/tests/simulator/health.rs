//! What is to be expected of the cluster at a moment, judged by the faults that are under way.

use std::collections::BTreeSet;

use xcron_checker::{SenderLost, Tenure, Unhealthy};

use crate::record::Recorder;

/// How far a clock may be off the others' while its node counts as healthy; a little less than
/// what xcron tolerates.
pub(crate) const CLOCK_OFF_MAX_US: i64 = 400_000;

/// How one node is, seen from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) is_member: bool,
    pub(crate) is_up: bool,
    pub(crate) is_paused: bool,
    pub(crate) is_disk_bad: bool,
    pub(crate) clock_ahead_us: i64,
    /// Its power failed: until then others may wait for answers on connections to its former life.
    pub(crate) unheard_until_us: i64,
}

/// Keeps the book of healthy and unhealthy spans, of leaders and of lost senders.
#[derive(Debug, Default)]
pub(crate) struct Health {
    unhealthy_since_us: Option<i64>,
    /// A leader was struck: until then others may need to notice.
    excused_until_us: i64,
    /// Who leads, by node: the term.
    leads: Vec<(u64, u64)>,
    /// Who may send without leading.
    sends: BTreeSet<u64>,
}

impl Health {
    /// Takes down how the nodes are now. `passes` says whether what a node sends reaches another.
    pub(crate) fn judge(
        &mut self,
        recorder: &Recorder,
        nodes: &[(u64, Condition)],
        passes: &dyn Fn(u64, u64) -> bool,
    ) {
        let now = recorder.now_us();
        let is_healthy = now >= self.excused_until_us && has_majority(nodes, passes, now);
        match (self.unhealthy_since_us, is_healthy) {
            (None, false) => self.unhealthy_since_us = Some(now),
            (Some(from_us), true) => {
                recorder.line(Unhealthy { from_us, to_us: now });
                self.unhealthy_since_us = None;
            }
            _ => {}
        }
    }

    /// Says that for so long nothing is to be expected, whatever the nodes look like.
    pub(crate) fn excuse_for(&mut self, recorder: &Recorder, span_us: i64) {
        let now = recorder.now_us();
        self.excused_until_us = self.excused_until_us.max(now + span_us);
        if self.unhealthy_since_us.is_none() {
            self.unhealthy_since_us = Some(now);
        }
    }

    /// Takes down in which term `node` says that it leads, if it does.
    pub(crate) fn tenure(&mut self, recorder: &Recorder, node: u64, term: Option<u64>) {
        let before = self.leads.iter().position(|(leads, _)| *leads == node);
        let known = before.map(|index| self.leads[index].1);
        if known == term {
            return;
        }
        if let Some(index) = before {
            self.leads.remove(index);
            recorder.line(SenderLost { node, at_us: recorder.now_us() });
        }
        if let Some(term) = term {
            self.leads.push((node, term));
            recorder.line(Tenure { from_us: recorder.now_us(), node, term });
        }
    }

    /// Takes down whether `node`, which does not lead, may send what others have claimed for it.
    pub(crate) fn sender(&mut self, recorder: &Recorder, node: u64, may_send: bool) {
        if may_send {
            self.sends.insert(node);
        } else if self.sends.remove(&node) {
            recorder.line(SenderLost { node, at_us: recorder.now_us() });
        }
    }

    /// Who leads, if somebody does.
    pub(crate) fn leader(&self) -> Option<u64> {
        self.leads.iter().max_by_key(|(_, term)| *term).map(|(node, _)| *node)
    }

    /// Closes the last span.
    pub(crate) fn finish(&mut self, recorder: &Recorder) {
        if let Some(from_us) = self.unhealthy_since_us.take() {
            recorder.line(Unhealthy { from_us, to_us: recorder.now_us() });
        }
    }
}

/// Whether a majority of the members is well, and each of them reaches each other.
fn has_majority(
    nodes: &[(u64, Condition)],
    passes: &dyn Fn(u64, u64) -> bool,
    now_us: i64,
) -> bool {
    let members: Vec<_> = nodes.iter().filter(|(_, node)| node.is_member).collect();
    let mut clocks: Vec<i64> = members.iter().map(|(_, node)| node.clock_ahead_us).collect();
    clocks.sort_unstable();
    let Some(&median) = clocks.get(clocks.len() / 2) else {
        return false;
    };
    let is_well = |node: &Condition| {
        let off = node.clock_ahead_us.saturating_sub(median).saturating_abs();
        // A median that is off itself makes everybody early or late.
        let is_right = off <= CLOCK_OFF_MAX_US && node.clock_ahead_us.abs() <= CLOCK_OFF_MAX_US;
        let is_heard = now_us >= node.unheard_until_us;
        node.is_up && !node.is_paused && !node.is_disk_bad && is_right && is_heard
    };
    let well: Vec<u64> =
        members.iter().filter(|(_, node)| is_well(node)).map(|(n, _)| *n).collect();
    let majority = members.len() / 2 + 1;
    // Whom each reaches both ways, itself included, as bits.
    let reach = |a: &u64| {
        let both = |b: &u64| a == b || (passes(*a, *b) && passes(*b, *a));
        let bits = well.iter().enumerate().filter(|(_, b)| both(b)).map(|(i, _)| 1_u32 << i);
        bits.sum::<u32>()
    };
    let reach: Vec<u32> = well.iter().map(reach).collect();
    let is_whole = |set: u32| {
        let of_set = reach.iter().enumerate().filter(|(i, _)| set & (1 << i) != 0);
        of_set.fold(true, |whole, (_, reached)| whole && set & !reached == 0)
    };
    let all = (1_u32 << well.len()) - 1;
    let mut sets = (0..=all).rev().filter(|set| set.count_ones() as usize >= majority);
    sets.any(is_whole)
}
