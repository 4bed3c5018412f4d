//! What the state of a put leaves out, because the revision of the task that it names says it
//! already: whoever applies the put fills it in.
//!
//! A claim makes the revision that it names the fence of its run, and hardly anything makes a task
//! another version of itself. So both need not stand in the log, at every claim and every settle.

use prost::Message;
use xcron_core::Timestamp;
use xcron_core::task::state::TaskState;

use super::Unreadable;
use super::state::{StateMessage, decode, message_of, state_of};

/// What hardly ever changes in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lasting {
    created_at: Timestamp,
    version: u64,
}

/// Its fields in the message of a state; reading them alone skips the rest.
#[derive(Clone, PartialEq, Message)]
struct LastingMessage {
    #[prost(sint64, tag = "2")]
    created_ms: i64,
    #[prost(uint64, tag = "4")]
    version: u64,
}

impl Lasting {
    /// That of the state whose bytes these are.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Unreadable> {
        let LastingMessage { created_ms, version } = LastingMessage::decode(bytes)?;
        Ok(Self { created_at: Timestamp::from_millis(created_ms), version })
    }

    /// That of `state`.
    pub(crate) const fn of_state(state: &TaskState) -> Self {
        Self { created_at: state.created_at, version: state.version }
    }
}

/// Reads the state of a put that names this revision of a task with this much that lasts: the
/// state, and the bytes of all of it.
pub(crate) type ReadState = fn(&[u8], u64, Lasting) -> Result<(TaskState, Vec<u8>), Unreadable>;

/// Reads a state of which nothing was left out.
pub(crate) fn take_whole(
    bytes: &[u8],
    _expected: u64,
    _lasting: Lasting,
) -> Result<(TaskState, Vec<u8>), Unreadable> {
    Ok((decode(bytes)?, bytes.to_vec()))
}

/// The bytes of `state` without what [`fill_in`] knows, at a put that names the revision `expected`
/// of a task with `lasting`; none if they would not tell all of it.
pub(crate) fn leave_out(state: &TaskState, expected: u64, lasting: Lasting) -> Option<Vec<u8>> {
    let has_fences = state.runs.iter().all(|run| run.fence != 0);
    if !has_fences || Lasting::of_state(state) != lasting {
        return None;
    }
    let mut message = message_of(state);
    (message.created_ms, message.version) = (0, 0);
    for run in message.runs.iter_mut().filter(|run| run.fence == expected) {
        run.fence = 0;
    }
    Some(message.encode_to_vec())
}

/// Reads what [`leave_out`] left of a state.
///
/// What was left out goes in front of it, where whatever it holds itself prevails: nothing is
/// encoded again, and fields that this version does not know survive.
pub(crate) fn fill_in(
    left: &[u8],
    expected: u64,
    lasting: Lasting,
) -> Result<(TaskState, Vec<u8>), Unreadable> {
    let mut known = StateMessage::default();
    (known.created_ms, known.version) = (lasting.created_at.as_millis(), lasting.version);
    known.fence = expected;
    let mut message = known.clone();
    message.merge(left)?;
    if message.runs.iter().all(|run| run.fence != 0) {
        // It would take memory of every task, most of which have no run.
        known.fence = 0;
    }
    let mut bytes = Vec::with_capacity(known.encoded_len() + left.len());
    known.encode_raw(&mut bytes);
    bytes.extend_from_slice(left);
    Ok((state_of(message)?, bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
    use proptest::test_runner::Config;
    use xcron_core::task::state::{Counters, Holder, OpenRun, Phase, TaskStatus};
    use xcron_core::testing::sample::{attempted, due_at, sending};
    use xcron_core::{Occurrence, Revision};

    use super::super::state::encode;
    use super::*;

    const EXPECTED: Revision = Revision(60_000_000);

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(1), Just(EXPECTED.0), any::<u64>()]
    }

    fn at() -> impl Strategy<Value = Timestamp> {
        let any = any::<i64>().prop_map(Timestamp::from_millis);
        prop_oneof![Just(Timestamp::from_millis(0)), Just(Timestamp::from_secs(8)), any]
    }

    fn run() -> impl Strategy<Value = OpenRun> {
        let holder = (number(), number());
        let holder = holder.prop_map(|(node, incarnation)| Holder { node, incarnation });
        let sending = (holder, at());
        let phase = prop_oneof![
            Just(Phase::Queued),
            sending.prop_map(|(holder, not_before)| Phase::Sending { holder, not_before }),
            at().prop_map(|until| Phase::Waiting { until }),
        ];
        let occurrence = prop_oneof![
            at().prop_map(Occurrence::At),
            (1..u64::MAX, at()).prop_map(|(number, at)| Occurrence::Manual { number, at }),
        ];
        let attempts = (any::<u32>(), any::<u32>(), 0_u32..3);
        let parts = (occurrence, attempts, number(), at(), phase);
        parts.prop_map(|(occurrence, (attempt, lost, made), fence, claimed_at, phase)| {
            let earlier = (1..=made).map(|number| attempted(number, "busy")).collect();
            OpenRun { occurrence, attempt, lost, fence, claimed_at, phase, earlier }
        })
    }

    fn state() -> impl Strategy<Value = TaskState> {
        let statuses = vec![TaskStatus::Active, TaskStatus::Paused, TaskStatus::Finished];
        let maybe = || prop::option::of(at());
        let instants = (at(), at(), maybe(), maybe(), maybe(), maybe(), maybe());
        let counters = (number(), number()).prop_map(|(claimed, manual)| {
            let counters = Counters::default();
            Counters { claimed, manual, ..counters }
        });
        let rest = (prop::collection::vec(run(), 0..4), counters, any::<bool>(), number());
        let parts = (prop::sample::select(statuses), number(), instants, rest);
        parts.prop_map(
            |(status, version, instants, (runs, counters, has_note, expected_before))| {
                let (created_at, decided_until, finished_at, next, deferred_until, due_at, since) =
                    instants;
                TaskState {
                    status,
                    created_at,
                    finished_at,
                    version,
                    decided_until,
                    next,
                    deferred_until,
                    due_at,
                    runs,
                    counters,
                    note: has_note.then(|| "for the holidays".into()),
                    scheduled_since: since,
                    expected_before,
                }
            },
        )
    }

    proptest! {
        #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(512) })]

        #[test]
        fn what_was_left_out_of_any_state_is_filled_in(
            old in state(),
            mut new in state(),
            (is_as_old, is_of_version) in (any::<bool>(), any::<bool>()),
            expected in number(),
        ) {
            if is_as_old {
                new.created_at = old.created_at;
            }
            if is_of_version {
                new.version = old.version;
            }
            let lasting = Lasting::of(&encode(&old)).unwrap();
            prop_assert_eq!(lasting, Lasting::of_state(&old));
            let has_fences = new.runs.iter().all(|run| run.fence > 0);
            let left = leave_out(&new, expected, lasting);
            let is_told = has_fences && lasting == Lasting::of_state(&new);
            prop_assert_eq!(left.is_some(), is_told);
            if let Some(left) = left {
                let (state, bytes) = fill_in(&left, expected, lasting).unwrap();
                prop_assert_eq!(&state, &new);
                prop_assert_eq!(decode(&bytes).unwrap(), state, "what is kept is whole");
            }
        }

        #[test]
        fn whatever_was_left_is_refused_or_kept_as_it_is_read(
            (old, new) in (state(), state()),
            (at, to) in (any::<usize>(), any::<u8>()),
            expected in number(),
        ) {
            let mut left = encode(&new);
            let len = left.len().max(1);
            if let Some(byte) = left.get_mut(at % len) {
                *byte = to;
            }
            if let Ok((state, bytes)) = fill_in(&left, expected, Lasting::of_state(&old)) {
                prop_assert_eq!(decode(&bytes).unwrap(), state);
            }
        }
    }

    #[test]
    fn what_is_on_disks_is_read_as_what_it_was() {
        let mut state = sending(9, 1, Holder { node: 3, incarnation: 4 });
        state.runs[0].fence = 7;
        // Of version 1, decided until second 9, with a run of attempt 1: as format 4 wrote it.
        let whole = [32, 1, 40, 208, 140, 1, 74, 10, 24, 1, 40, 7, 66, 4, 8, 3, 16, 4];
        let lasting = Lasting::of_state(&state);
        assert_eq!(encode(&state), whole);
        assert_eq!(take_whole(&whole, 7, lasting).unwrap(), (state.clone(), whole.to_vec()));
        // As format 5 has it in the log, and then in records and snapshots.
        let left = [40, 208, 140, 1, 74, 8, 24, 1, 66, 4, 8, 3, 16, 4];
        let kept = [&[32, 1, 112, 7], &left[..]].concat();
        assert_eq!(leave_out(&state, 7, lasting).unwrap(), left);
        assert_eq!(fill_in(&left, 7, lasting).unwrap(), (state, kept));
    }

    #[test]
    fn a_field_of_a_later_version_survives() {
        let (state, lasting) = (due_at(4), Lasting::of_state(&due_at(4)));
        let later = [0xf8, 0x07, 5];
        let left = [leave_out(&state, EXPECTED.0, lasting).unwrap(), later.to_vec()].concat();
        let (read, bytes) = fill_in(&left, EXPECTED.0, lasting).unwrap();
        assert_eq!(read, state);
        assert!(bytes.ends_with(&later), "{bytes:?}");
    }

    #[test]
    fn what_is_kept_takes_no_more_than_before() {
        let holder = Holder { node: 1, incarnation: 1 };
        let mut claimed = sending(9, 1, holder);
        claimed.created_at = Timestamp::from_secs(1_764_331_200);
        claimed.runs[0].fence = EXPECTED.0;
        let settled = TaskState { runs: Vec::new(), ..claimed.clone() };
        for state in [claimed, settled] {
            let lasting = Lasting::of_state(&state);
            let left = leave_out(&state, EXPECTED.0, lasting).unwrap();
            let (_, kept) = fill_in(&left, EXPECTED.0, lasting).unwrap();
            assert_eq!(kept.len(), encode(&state).len());
        }
    }
}
