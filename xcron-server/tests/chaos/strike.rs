//! One fault from its beginning to its end, written down with whether it took effect.

use crate::dice::Dice;
use crate::fault::Kind;
use crate::load::Ground;
use crate::recorder::now_us;
use crate::world::{NODES, World};
use std::sync::Arc;
use std::time::Duration;
use xcron_checker::Fault;

/// What strikes: the world, the load that goes on, and what is drawn.
#[derive(Debug)]
pub(crate) struct Strike<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) ground: &'a Arc<Ground>,
    pub(crate) dice: Dice,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Struck {
    /// The node, if it was one.
    pub(crate) place: Option<usize>,
    /// Whether its effect was seen.
    pub(crate) took_effect: bool,
}

impl Struck {
    pub(crate) const fn one(place: usize, took_effect: bool) -> Self {
        Self { place: Some(place), took_effect }
    }

    pub(crate) const fn all(took_effect: bool) -> Self {
        Self { place: None, took_effect }
    }
}

impl Strike<'_> {
    /// Does what the kind says, and undoes it.
    pub(crate) async fn perform(&mut self, kind: Kind) {
        let from_us = now_us();
        let struck = match kind {
            Kind::KillLeader => self.kill_leader().await,
            Kind::KillFollower => self.kill_follower().await,
            Kind::KillAll => self.kill_all().await,
            Kind::Terminate => self.terminate().await,
            Kind::Pause => self.pause().await,
            Kind::Isolate => self.isolate().await,
            Kind::OneWay => self.one_way().await,
            Kind::AllAlone => self.all_alone().await,
            Kind::Flap => self.flap().await,
            Kind::SlowLinks => self.slow_links().await,
            Kind::Clock => self.clock().await,
            Kind::DiskFull => self.disk_full().await,
            Kind::PowerCut => self.power_cut().await,
            Kind::PowerCutAll => self.power_cut_all().await,
            Kind::SyncError => self.sync_error().await,
            Kind::SlowSync => self.slow_sync().await,
            Kind::Burst => self.burst().await,
        };
        let node = struck.place.map(|place| place as u64 + 1);
        let fault = Fault::new(kind.name(), node, from_us, now_us());
        let fault = if struck.took_effect { fault } else { fault.without_effect() };
        self.world.recorder.push(fault);
    }

    /// Tells whoever watches.
    pub(crate) fn say(&self, what: &str) {
        self.world.recorder.say(what);
    }

    /// A leader in most cases, any node in the others; whether it leads.
    pub(crate) async fn victim(&mut self) -> (usize, bool) {
        let leader = self.world.leader().await;
        let any = usize::try_from(self.dice.below(NODES as u64)).expect("few");
        let place = if self.dice.chance(60) { leader } else { any };
        (place, place == leader)
    }

    /// So many milliseconds, as drawn.
    pub(crate) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.dice.between(least, most))
    }

    /// Notes that the leader is about to be struck, if it is the leader.
    pub(crate) fn note_leader(&self, leads: bool) {
        if leads {
            self.world.health.leader_lost();
        }
    }
}
