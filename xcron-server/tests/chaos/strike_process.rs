//! What befalls processes: kills, stops, sleep, overload.

use crate::strike::{Strike, Struck};
use crate::world::{NODES, process_state};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a clean stop may take.
const STOP_MAX: Duration = Duration::from_secs(10);

/// How many tasks are created at once, and by how many clients.
const BURST: u64 = 300;
const BURST_CLIENTS: u64 = 12;

impl Strike<'_> {
    pub(crate) async fn kill_leader(&mut self) -> Struck {
        let place = self.world.leader().await;
        self.say(&format!("node {} leads: kill -9", place + 1));
        self.note_leader(true);
        self.die(place).await
    }

    pub(crate) async fn kill_follower(&mut self) -> Struck {
        let leader = self.world.leader().await;
        let step = usize::try_from(self.dice.between(1, NODES as u64 - 1)).expect("few");
        let place = (leader + step) % NODES;
        self.say(&format!("node {} follows: kill -9", place + 1));
        self.die(place).await
    }

    /// Kills a node and starts it again after a while.
    async fn die(&mut self, place: usize) -> Struck {
        let pid = self.world.pid(place);
        self.world.health.down(place);
        self.world.kill(place).await;
        let is_dead = process_state(pid).is_none();
        let dead = self.millis(100, 3_000);
        sleep(dead).await;
        self.world.start(place).await;
        self.world.health.up(place);
        Struck::one(place, is_dead)
    }

    pub(crate) async fn kill_all(&mut self) -> Struck {
        self.say("all: kill -9");
        for place in 0..NODES {
            self.world.health.down(place);
            self.world.nodes[place].member.begin_kill();
        }
        for place in 0..NODES {
            self.world.kill(place).await;
        }
        let dead = self.millis(100, 2_000);
        sleep(dead).await;
        for place in 0..NODES {
            self.world.start(place).await;
            self.world.health.up(place);
        }
        Struck::all(true)
    }

    pub(crate) async fn terminate(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        self.say(&format!("node {}: SIGTERM{}", place + 1, if leads { ", it leads" } else { "" }));
        self.world.health.down(place);
        self.world.sender_lost(place);
        let begun = Instant::now();
        self.world.nodes[place].member.server().signal("TERM");
        match self.world.ends_within(place, STOP_MAX).await {
            Some((Some(0), _)) => {}
            Some((code, said)) => {
                self.world.recorder.wrong(format!("a clean stop ended with {code:?}: {said}"));
            }
            None => {
                self.world.recorder.wrong(format!("no clean stop within {STOP_MAX:?}"));
                self.world.kill(place).await;
            }
        }
        self.say(&format!("it ended after {:?}", begun.elapsed()));
        // Whatever it was still sending ended with it.
        self.world.sender_lost(place);
        let down = self.millis(100, 2_000);
        sleep(down).await;
        self.world.start(place).await;
        self.world.health.up(place);
        Struck::one(place, true)
    }

    pub(crate) async fn pause(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        let asleep = match self.dice.below(10) {
            0..=5 => self.millis(100, 2_000),
            6..=8 => self.millis(2_000, 6_000),
            _ => self.millis(6_000, 20_000),
        };
        self.say(&format!(
            "node {}: SIGSTOP for {asleep:?}{}",
            place + 1,
            if leads { ", it leads" } else { "" }
        ));
        let pid = self.world.pid(place);
        self.world.health.down(place);
        self.note_leader(leads);
        self.world.sender_lost(place);
        self.world.nodes[place].member.server().signal("STOP");
        sleep(Duration::from_millis(20)).await;
        let is_stopped = process_state(pid) == Some('T');
        sleep(asleep).await;
        // Its clients wait for answers until it goes on.
        self.world.nodes[place].member.server().signal("CONT");
        self.world.health.up(place);
        Struck::one(place, is_stopped)
    }

    pub(crate) async fn burst(&mut self) -> Struck {
        self.say(&format!("{BURST} tasks created at once"));
        let begun = Instant::now();
        self.ground.burst(BURST, BURST_CLIENTS).await;
        self.say(&format!("they were created within {:?}", begun.elapsed()));
        Struck::all(true)
    }
}
