//! What befalls clocks: steps forward and back, small and large.

use crate::strike::{Strike, Struck};
use crate::world::NODES;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Steps in milliseconds.
const STEPS: [i64; 10] =
    [400, -400, 2_000, -2_000, 5_000, -5_000, 60_000, -60_000, 3_600_000, -3_600_000];

/// A step that nodes do not mind is smaller.
const TOLERANCE_MS: u64 = 500;

/// How long the others may take to see it.
const SEEN_MAX: Duration = Duration::from_secs(5);

impl Strike<'_> {
    /// Steps a clock, and back after a while.
    pub(crate) async fn clock(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        let (step, off) = (self.dice.pick(&STEPS), self.millis(1_000, 5_000));
        self.say(&format!("node {}: its clock is {step} ms off for {off:?}", place + 1));
        let is_wrong = step.unsigned_abs() > TOLERANCE_MS;
        if is_wrong {
            self.world.health.down(place);
            self.note_leader(leads);
        }
        self.world.sender_lost(place);
        self.set_clock(place, step);
        let is_seen = self.is_seen(place, step).await;
        sleep(off).await;
        if is_wrong && self.world.leader_now().await == Some(place) {
            self.world.recorder.wrong(format!("a node leads whose clock is {step} ms off"));
        }
        self.world.sender_lost(place);
        self.set_clock(place, 0);
        if is_wrong {
            self.world.health.up(place);
        }
        Struck::one(place, is_seen)
    }

    fn set_clock(&self, place: usize, offset_ms: i64) {
        let clock = self.world.nodes[place].clock.as_ref();
        clock.expect("drawn only where there is one").set(offset_ms);
    }

    /// Whether another node sees that the clock is so far off.
    async fn is_seen(&self, place: usize, step: i64) -> bool {
        let begun = Instant::now();
        let Some(id) = self.world.view(place).await.map(|view| view.node_id()) else {
            return false;
        };
        while begun.elapsed() < SEEN_MAX {
            let view = self.world.view((place + 1) % NODES).await;
            let node = view.and_then(|view| view.node(id));
            let offset = node.and_then(|node| node.json()["clock_offset_ms"].as_i64());
            if offset.is_some_and(|offset| (offset - step).abs() < step.abs() / 2) {
                return true;
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }
}
