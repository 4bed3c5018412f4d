//! What befalls networks: nodes cut off, one way or both, for good or again and again, and slowed.

use crate::net::Net;
use crate::strike::{Strike, Struck};
use crate::world::NODES;
use std::time::Duration;
use tokio::time::{Instant, sleep};

impl Strike<'_> {
    fn net(&self) -> &Net {
        self.world.net.as_ref().expect("drawn only where there is one")
    }

    /// Cuts a node off both ways: what is left are halves of one and two.
    pub(crate) async fn isolate(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        let cut = self.millis(300, 8_000);
        let whom = if leads { "the leader" } else { "a node" };
        self.say(&format!("node {}: {whom} is cut off for {cut:?}", place + 1));
        self.cut(place, leads);
        let is_cut = !self.net().are_linked(place, (place + 1) % NODES);
        sleep(cut).await;
        self.mend(place);
        Struck::one(place, is_cut)
    }

    fn cut(&self, place: usize, leads: bool) {
        self.world.health.down(place);
        self.note_leader(leads);
        self.world.sender_lost(place);
        self.net().isolate(place);
    }

    fn mend(&self, place: usize) {
        self.net().heal();
        self.world.health.up(place);
    }

    /// Loses what a node sends to the others, or what they send to it.
    pub(crate) async fn one_way(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        let (is_mute, cut) = (self.dice.chance(50), self.millis(300, 6_000));
        let how = if is_mute { "mute" } else { "deaf" };
        self.say(&format!("node {}: {how} for {cut:?}, leads: {leads}", place + 1));
        self.world.health.down(place);
        self.note_leader(leads);
        self.world.sender_lost(place);
        for other in (0..NODES).filter(|other| *other != place) {
            let (from, to) = if is_mute { (place, other) } else { (other, place) };
            self.net().lose(from, to);
        }
        let is_cut = !self.net().are_linked(place, (place + 1) % NODES);
        sleep(cut).await;
        self.mend(place);
        Struck::one(place, is_cut)
    }

    /// Cuts all off from all.
    pub(crate) async fn all_alone(&mut self) -> Struck {
        let cut = self.millis(300, 4_000);
        self.say(&format!("all are cut off for {cut:?}"));
        for place in 0..NODES {
            self.cut(place, false);
        }
        let is_cut = !self.net().are_linked(0, 1);
        sleep(cut).await;
        for place in 0..NODES {
            self.mend(place);
        }
        Struck::all(is_cut)
    }

    /// Cuts a node off and mends that, again and again.
    pub(crate) async fn flap(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        let all = self.millis(2_000, 6_000);
        self.say(&format!("node {}: flaps for {all:?}, leads: {leads}", place + 1));
        let begun = Instant::now();
        let mut cuts = 0;
        while begun.elapsed() < all {
            self.cut(place, true);
            cuts += 1;
            let (cut, whole) = (self.millis(50, 600), self.millis(50, 600));
            sleep(cut).await;
            self.mend(place);
            // Whoever leads by now may lose the lead by what this node learned alone.
            self.world.health.leader_lost();
            sleep(whole).await;
        }
        Struck::one(place, cuts > 1)
    }

    /// Lets little through from a node to its peers.
    pub(crate) async fn slow_links(&mut self) -> Struck {
        let (place, leads) = self.victim().await;
        let rate = u32::try_from(self.dice.between(20, 200)).expect("small") * 1_000;
        let slow = self.millis(1_000, 5_000);
        self.say(&format!("node {}: {rate} bytes/s for {slow:?}, leads: {leads}", place + 1));
        self.world.health.down(place);
        let begun_us = crate::recorder::now_us();
        let narrowed = self.net().narrow(place, rate);
        sleep(slow).await;
        self.mend(place);
        if leads {
            // Its lead may come and go for as long as that lasts.
            self.world.sender_lost(place);
            self.world.health.count(begun_us, crate::recorder::now_us());
        }
        sleep(Duration::from_millis(100)).await;
        if let Err(why) = &narrowed {
            self.say(&format!("it was not possible: {why}"));
        }
        Struck::one(place, narrowed.is_ok())
    }
}
