//! What a seed stands for: sizes, rates, settings and faults, each seed with its own.

use std::time::Duration;

use xcron_raft::RaftSettings;
use xcron_raft::net::memory::Weather;

use crate::dice::Dice;
use crate::faults::Kind;
use crate::wishes::Wish;

/// Moments around which simulations begin, in unix seconds: clocks change near most of them.
const BEGINNINGS: [i64; 8] = [
    1_761_440_400, // Berlin goes back, 2025-10-26 01:00 UTC
    1_774_746_000, // Berlin goes forward, 2026-03-29 01:00 UTC
    1_762_063_200, // New York goes back, 2025-11-02 06:00 UTC
    1_772_953_200, // New York goes forward, 2026-03-08 07:00 UTC
    1_775_314_800, // Lord Howe goes back by half an hour, 2026-04-04 15:00 UTC
    1_759_591_800, // Lord Howe goes forward by half an hour, 2025-10-04 15:30 UTC
    1_761_858_000, // Cairo goes back at midnight, 2025-10-30 21:00 UTC
    1_777_586_400, // nothing happens
];

/// One simulation.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) nodes: u64,
    /// How long faults go on.
    pub(crate) span: Duration,
    pub(crate) began_s: i64,
    pub(crate) settings: RaftSettings,
    pub(crate) faults: Vec<Kind>,
    pub(crate) fault_gap_ms: u64,
    pub(crate) clients: u64,
    pub(crate) client_gap_ms: u64,
    pub(crate) tasks_max: usize,
    pub(crate) snapshot_gap_ms: u64,
    pub(crate) weather: Weather,
    pub(crate) disk_delay: (Duration, Duration),
    /// How far each clock is off at the beginning, at most.
    pub(crate) clock_off_ms: u64,
    /// How many attempts may be under way to one destination.
    pub(crate) places: usize,
    /// What clients wish of tasks that exist.
    pub(crate) wishes: Vec<Wish>,
}

impl Plan {
    /// The plan of `seed` for so many `nodes` and `minutes`.
    pub(crate) fn draw(seed: u64, nodes: u64, minutes: u64) -> Self {
        let mut dice = Dice::new(seed, "plan");
        let span = Duration::from_secs(60 * minutes);
        // Half of them pass the moment at which clocks change.
        let before = dice.below(2 * span.as_secs().max(1)) as i64;
        let election_timeout_ms = *dice.pick(&[300, 600, 1_000, 1_500]);
        let settings = RaftSettings {
            segment_bytes: 64 << 10,
            log_cache_bytes: *dice.pick(&[4 << 10, 16 << 10, 1 << 20]),
            snapshot_log_bytes: *dice.pick(&[64 << 10, 256 << 10]),
            history_max: *dice.pick(&[0, 2, 20]),
            commit_timeout_ms: *dice.pick(&[1_000, 5_000, 10_000]),
            heartbeat_ms: election_timeout_ms / 5,
            election_timeout_ms,
            ..RaftSettings::default()
        };
        Self {
            seed,
            nodes,
            span,
            began_s: *dice.pick(&BEGINNINGS) - before,
            settings,
            faults: swarm(&mut dice),
            fault_gap_ms: *dice.pick(&[3_000, 6_000, 12_000, 25_000]),
            clients: dice.between(1, 4),
            client_gap_ms: dice.between(600, 3_000),
            tasks_max: dice.between(4, 20) as usize,
            snapshot_gap_ms: *dice.pick(&[1_500, 6_000, 30_000]),
            weather: Weather {
                least: Duration::from_micros(dice.between(50, 1_500)),
                spread: Duration::from_micros(dice.between(0, 2_000)),
                lost_per_mille: *dice.pick(&[0, 0, 1, 5]),
                resend: Duration::from_millis(dice.between(20, 200)),
            },
            disk_delay: (
                Duration::from_micros(100),
                Duration::from_micros(dice.between(200, 8_000)),
            ),
            clock_off_ms: *dice.pick(&[0, 20, 200]),
            places: *dice.pick(&[2, 256]),
            wishes: Wish::swarm(&mut dice),
        }
    }

    /// How far a leader's clock may be off the true time: as far as it may be off the median of
    /// all clocks, and the median off the time, and the error of comparing them over a network.
    pub(crate) fn clock_tolerance_ms(&self) -> u64 {
        500 + self.clock_off_ms.max(20) + 150
    }
}

/// The kinds of faults of one seed: each is left out of half of them, so that some seeds see much
/// of few.
fn swarm(dice: &mut Dice) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|_| dice.chance(500)).collect();
    if kinds.is_empty() {
        kinds.push(*dice.pick(&Kind::ALL));
    }
    kinds
}
