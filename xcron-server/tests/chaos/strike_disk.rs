//! What befalls disks: full, without power, failing to sync, slow.

use crate::strike::{Strike, Struck};
use crate::tracer::{inject, is_traced};
use crate::view::query;
use crate::volume::Volume;
use crate::world::NODES;
use std::time::Duration;
use tokio::process::Child;
use tokio::time::{Instant, sleep};

/// How long a node may take to notice that its disk has failed, or has space again.
const NOTICE_MAX: Duration = Duration::from_secs(10);

/// How much of large tasks comes while a disk is full, so that it is felt: more than fits what is
/// left of its log.
const BULK: u64 = 160;
const BULK_BYTES: usize = 32_768;

impl Strike<'_> {
    fn volume(&self, place: usize) -> &Volume {
        self.world.nodes[place].volume.as_ref().expect("drawn only where there is one")
    }

    /// Fills a disk until a write fails; the node steps down, reads, and goes on with space.
    pub(crate) async fn disk_full(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        self.say(&format!("node {}: its disk is full, leads: {leads}", place + 1));
        let from_us = crate::recorder::now_us();
        self.world.health.down(place);
        self.world.sender_lost(place);
        let is_full = self.volume(place).fill();
        self.ground.bulk(BULK, BULK_BYTES).await;
        let still = self.millis(500, 3_000);
        sleep(still).await;
        let said = std::fs::read_to_string(self.world.nodes[place].member.home.stderr());
        let is_felt = said.is_ok_and(|said| said.contains("No space left on device"));
        self.say(&format!("it was felt: {is_felt}"));
        if leads {
            // It leads until its log has no room left.
            self.world.health.count(from_us, crate::recorder::now_us());
            if self.world.leader_now().await == Some(place) && is_felt {
                self.world.recorder.wrong("a leader with a full disk does not step down");
            }
        }
        self.world.sender_lost(place);
        let ended = self.world.nodes[place].member.has_ended();
        if ended {
            let said = self.world.nodes[place].member.last_words();
            self.world.recorder.wrong(format!("it ended because its disk is full: {said}"));
            self.world.places.set(place, None);
        } else if let Some(address) = self.world.places.at(place)
            && query(address, "cron-0", "stale").await.is_none_or(|(code, _)| code == 1503)
        {
            self.world.recorder.wrong("a node with a full disk serves no reads");
        }
        self.volume(place).make_room();
        let begun = Instant::now();
        if ended {
            self.world.start(place).await;
        }
        while !self.world.is_ready(place).await {
            if begun.elapsed() > NOTICE_MAX {
                self.world.recorder.wrong("not ready 10 s after there was space again");
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.say(&format!("there is space again, and it was ready after {:?}", begun.elapsed()));
        self.world.health.up(place);
        Struck::one(place, is_full)
    }

    /// Cuts the power of a disk; its node is killed at once or has to notice.
    pub(crate) async fn power_cut(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        let is_sudden = self.dice.chance(50);
        self.say(&format!(
            "node {}: its disk loses power, leads: {leads}, killed: {is_sudden}",
            place + 1
        ));
        self.world.health.down(place);
        self.note_leader(leads);
        self.world.sender_lost(place);
        let is_cut = self.volume(place).cut_power();
        if is_sudden {
            self.world.kill(place).await;
        } else {
            self.must_fail(place).await;
        }
        let dark = self.millis(100, 2_000);
        sleep(dark).await;
        self.volume(place).restore_power();
        self.world.start(place).await;
        self.world.health.up(place);
        Struck::one(place, is_cut)
    }

    /// A node whose disk fails ends by itself, with a code that says so; whether it did.
    async fn must_fail(&mut self, place: usize) -> bool {
        let ended = self.world.ends_within(place, NOTICE_MAX).await;
        match &ended {
            Some((Some(0), said)) => {
                self.world.recorder.wrong(format!("a failed disk and exit code 0: {said}"));
            }
            Some(_) => {}
            None => {
                self.world.recorder.wrong("a node goes on 10 s after its disk failed");
                self.world.kill(place).await;
            }
        }
        // What it was still sending ended with it.
        self.world.sender_lost(place);
        ended.is_some_and(|(code, _)| code != Some(0))
    }

    /// Cuts the power of all at once.
    pub(crate) async fn power_cut_all(&mut self) -> Struck {
        self.say("all lose power");
        let mut is_cut = true;
        for place in 0..NODES {
            self.world.health.down(place);
            is_cut &= self.volume(place).cut_power();
            self.world.nodes[place].member.begin_kill();
        }
        for place in 0..NODES {
            self.world.kill(place).await;
            self.volume(place).restore_power();
        }
        for place in 0..NODES {
            self.world.start(place).await;
            self.world.health.up(place);
        }
        Struck::all(is_cut)
    }

    /// Lets all syncs of a node fail: it ends and says so.
    pub(crate) async fn sync_error(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        self.say(&format!("node {}: its syncs fail, leads: {leads}", place + 1));
        self.world.health.down(place);
        self.note_leader(leads);
        self.world.sender_lost(place);
        // It may have ended before the tracer was seen: its end is what shows the effect.
        let mut tracer = inject(self.world.pid(place), "error=EIO");
        let has_failed = self.must_fail(place).await;
        self.note_leader(leads);
        drop(tracer.kill().await);
        let down = self.millis(100, 1_000);
        sleep(down).await;
        self.world.start(place).await;
        self.world.health.up(place);
        Struck::one(place, has_failed)
    }

    /// Slows down all syncs of a node.
    pub(crate) async fn slow_sync(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        let (delay, slow) = (self.millis(50, 2_000), self.millis(2_000, 5_000));
        self.say(&format!("node {}: syncs take {delay:?} for {slow:?}, leads: {leads}", place + 1));
        let from_us = crate::recorder::now_us();
        self.world.health.down(place);
        self.world.sender_lost(place);
        let how = format!("delay_enter={}", delay.as_micros());
        let (mut tracer, is_traced) = self.trace(place, &how).await;
        sleep(slow).await;
        self.let_go(&mut tracer).await;
        self.world.sender_lost(place);
        if leads {
            self.world.health.count(from_us, crate::recorder::now_us());
        }
        self.world.health.up(place);
        if self.world.nodes[place].member.has_ended() {
            let said = self.world.nodes[place].member.last_words();
            self.world.recorder.wrong(format!("it ended because its syncs were slow: {said}"));
            self.world.places.set(place, None);
            self.world.start(place).await;
        }
        Struck::one(place, is_traced)
    }

    /// Begins to trace a node; whether that came about.
    async fn trace(&self, place: usize, how: &str) -> (Child, bool) {
        let pid = self.world.pid(place);
        let tracer = inject(pid, how);
        let begun = Instant::now();
        while !is_traced(pid) {
            if begun.elapsed() > NOTICE_MAX {
                return (tracer, false);
            }
            sleep(Duration::from_millis(10)).await;
        }
        (tracer, true)
    }

    /// Ends a trace so that the traced node goes on.
    async fn let_go(&self, tracer: &mut Child) {
        if let Some(pid) = tracer.id() {
            drop(crate::tools::run(&["sh", "-c", &format!("kill -INT {pid}")]));
        }
        drop(tokio::time::timeout(NOTICE_MAX, tracer.wait()).await);
        drop(tracer.kill().await);
    }
}
