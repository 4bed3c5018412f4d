//! The oracles of one history: tasks with the same schedule share them and what they found.

use crate::history::definition::{Definition, DstFold, DstGap, Schedule};
use crate::oracle::{Oracle, OracleError};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Whole quarters of an hour are looked at, so that tasks created at different times share them.
const SPAN_S: i64 = 900;

/// Keeps the oracles that were read.
#[derive(Debug, Default)]
pub(super) struct Oracles {
    known: BTreeMap<(Schedule, DstGap, DstFold), Known>,
}

/// One oracle and the occurrences that it found, by the span that was looked at.
#[derive(Debug)]
struct Known {
    oracle: Rc<Oracle>,
    found: BTreeMap<(i64, i64), Vec<i64>>,
}

impl Oracles {
    /// The oracle of `definition`.
    pub(super) fn of(&mut self, definition: &Definition) -> Result<Rc<Oracle>, OracleError> {
        self.known(definition).map(|known| Rc::clone(&known.oracle))
    }

    fn known(&mut self, definition: &Definition) -> Result<&mut Known, OracleError> {
        let Definition { schedule, dst_gap, dst_fold, .. } = definition;
        let key = (schedule.clone(), *dst_gap, *dst_fold);
        if !self.known.contains_key(&key) {
            let oracle = Rc::new(Oracle::new(schedule, *dst_gap, *dst_fold)?);
            self.known.insert(key.clone(), Known { oracle, found: BTreeMap::new() });
        }
        Ok(self.known.get_mut(&key).expect("it was just put there"))
    }

    /// The occurrences of `definition` from `from_s` up to and including `to_s`, within its start
    /// and end.
    pub(super) fn within(
        &mut self,
        definition: &Definition,
        from_s: i64,
        to_s: i64,
    ) -> Result<Vec<i64>, OracleError> {
        let from_s = from_s.max(definition.start_s.unwrap_or(i64::MIN));
        let to_s = to_s.min(definition.end_s.unwrap_or(i64::MAX));
        let Known { oracle, found } = self.known(definition)?;
        if matches!(definition.schedule, Schedule::At { .. }) || from_s > to_s {
            return Ok(oracle.within(from_s, to_s));
        }
        let first = from_s.div_euclid(SPAN_S) * SPAN_S;
        let last = to_s.div_euclid(SPAN_S) * SPAN_S + SPAN_S - 1;
        let found = found.entry((first, last)).or_insert_with(|| oracle.within(first, last));
        let from = found.partition_point(|at| *at < from_s);
        let to = found.partition_point(|at| *at <= to_s);
        Ok(found[from..to].to_vec())
    }
}
