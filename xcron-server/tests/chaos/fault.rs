//! The faults there are, and the order in which a seed draws them.

use crate::dice::Dice;
use crate::world::World;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    KillLeader,
    KillFollower,
    KillAll,
    Terminate,
    Pause,
    Isolate,
    OneWay,
    AllAlone,
    Flap,
    SlowLinks,
    Clock,
    DiskFull,
    PowerCut,
    PowerCutAll,
    SyncError,
    SlowSync,
    Burst,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 17] = [
        Self::KillLeader,
        Self::KillFollower,
        Self::KillAll,
        Self::Terminate,
        Self::Pause,
        Self::Isolate,
        Self::OneWay,
        Self::AllAlone,
        Self::Flap,
        Self::SlowLinks,
        Self::Clock,
        Self::DiskFull,
        Self::PowerCut,
        Self::PowerCutAll,
        Self::SyncError,
        Self::SlowSync,
        Self::Burst,
    ];

    /// Its name in a history.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::KillLeader => "kill_leader",
            Self::KillFollower => "kill_follower",
            Self::KillAll => "kill_all",
            Self::Terminate => "terminate",
            Self::Pause => "pause",
            Self::Isolate => "isolate",
            Self::OneWay => "one_way",
            Self::AllAlone => "all_alone",
            Self::Flap => "flap",
            Self::SlowLinks => "slow_links",
            Self::Clock => "clock",
            Self::DiskFull => "disk_full",
            Self::PowerCut => "power_cut",
            Self::PowerCutAll => "power_cut_all",
            Self::SyncError => "sync_error",
            Self::SlowSync => "slow_sync",
            Self::Burst => "burst",
        }
    }

    /// What of a machine it takes.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Isolate | Self::OneWay | Self::AllAlone | Self::Flap | Self::SlowLinks => {
                &["network"]
            }
            // A clock that is off can only be judged where senders can be told apart.
            Self::Clock => &["clock", "network"],
            Self::DiskFull => &["disk"],
            Self::PowerCut | Self::PowerCutAll => &["disk", "power"],
            Self::SyncError | Self::SlowSync => &["trace"],
            _ => &[],
        }
    }

    /// What a world lacks for it, if anything.
    pub(crate) fn lacks(self, world: &World) -> Option<&'static str> {
        self.needs().iter().copied().find(|need| !world.can(need))
    }
}

/// Kinds in an order that a seed draws: each comes before any comes again.
#[derive(Debug)]
pub(crate) struct Deck {
    dice: Dice,
    kinds: Vec<Kind>,
    left: Vec<Kind>,
}

impl Deck {
    /// A deck of those that a world can be struck by, or of those named in `XCRON_CHAOS_FAULTS`.
    pub(crate) fn new(seed: u64, world: &World) -> Self {
        let named = std::env::var("XCRON_CHAOS_FAULTS").unwrap_or_default();
        let is_wanted =
            |kind: &Kind| named.is_empty() || named.split(',').any(|n| n == kind.name());
        let kinds = Kind::ALL.into_iter().filter(|kind| kind.lacks(world).is_none());
        let kinds: Vec<Kind> = kinds.filter(is_wanted).collect();
        assert!(!kinds.is_empty(), "no fault of this name is possible here: {named}");
        Self { dice: Dice::new(seed, "faults"), kinds, left: Vec::new() }
    }

    /// The next one.
    pub(crate) fn draw(&mut self) -> Kind {
        if self.left.is_empty() {
            self.left.clone_from(&self.kinds);
            self.dice.shuffle(&mut self.left);
        }
        self.left.pop().expect("a deck of some kinds")
    }
}
