//! What a drill does to its cluster, and when: it follows from the seed alone.

use super::links::{Link, Matrix, NODES, apart, deaf, isolated, mute};
use super::random::Random;
use std::time::Duration;

/// The stream of numbers that plans draw from.
const PURPOSE: u64 = 1;

/// How long the load runs alone before the first fault, and after the last.
const CALM_FIRST: Duration = Duration::from_secs(4);
const CALM_LAST: Duration = Duration::from_secs(3);

/// Who suffers; who that is shows only when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    Leader,
    /// One of the others, by a number drawn.
    Follower(u64),
    All,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `kill -9`; the fault lasts until the process listens again.
    Kill,
    /// SIGSTOP, and SIGCONT at the end.
    Pause,
    /// No link from or to it.
    Isolate(Link),
    /// It is heard but does not hear.
    Deafen,
    /// It hears but is not heard.
    Mute,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// How long nothing is wrong before it.
    pub(super) calm: Duration,
    pub(super) kind: Kind,
    pub(super) whom: Whom,
    /// How long it lasts at least.
    pub(super) lasts: Duration,
}

impl Kind {
    /// Its name in a history.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Isolate(_) | Self::Deafen | Self::Mute => "partition",
        }
    }

    /// What is done, as people read it.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Pause => "stopped",
            Self::Isolate(Link::Cut) => "cut off",
            Self::Isolate(_) => "silenced",
            Self::Deafen => "deafened",
            Self::Mute => "muted",
        }
    }

    /// The links while it lasts; `None` when it does not touch them.
    pub(super) fn links(self, nodes: &[usize]) -> Option<Matrix> {
        let of_one = |one: fn(usize, Link) -> Matrix, link| match nodes {
            [node] => one(*node, link),
            _ => apart(link),
        };
        match self {
            Self::Kill | Self::Pause => None,
            Self::Isolate(link) => Some(of_one(isolated, link)),
            Self::Deafen => Some(of_one(deaf, Link::Silent)),
            Self::Mute => Some(of_one(mute, Link::Silent)),
        }
    }
}

impl Whom {
    /// The nodes that suffer while `leader` leads; without one, the first does for it.
    pub(super) fn nodes(self, leader: Option<usize>) -> Vec<usize> {
        let leader = leader.unwrap_or(0);
        match self {
            Self::Leader => vec![leader],
            Self::Follower(number) => {
                let followers: Vec<usize> = (0..NODES).filter(|node| *node != leader).collect();
                vec![followers[number as usize % followers.len()]]
            }
            Self::All => (0..NODES).collect(),
        }
    }
}

/// All faults of a drill of `length`, in order.
pub(super) fn draw(seed: u64, length: Duration) -> Vec<Fault> {
    let mut random = Random::new(seed, PURPOSE);
    let mut plan = Vec::new();
    let mut deck = Vec::new();
    let mut end = CALM_FIRST;
    loop {
        let (kind, whom) = match deck.pop() {
            Some(card) => card,
            None => {
                deck = shuffled(&mut random);
                continue;
            }
        };
        let calm = if plan.is_empty() { CALM_FIRST } else { random.millis(4_000, 6_500) };
        let lasts = match kind {
            Kill | Pause => random.millis(300, 2_500),
            _ => random.millis(800, 3_000),
        };
        end += if plan.is_empty() { lasts } else { calm + lasts };
        if end + CALM_LAST > length && !plan.is_empty() {
            return plan;
        }
        plan.push(Fault { calm, kind, whom, lasts });
    }
}

use Kind::{Deafen, Isolate, Kill, Mute, Pause};

/// Every fault there is, the last to be drawn first: those that are asked for most, in any order,
/// and then the rest.
fn shuffled(random: &mut Random) -> Vec<(Kind, Whom)> {
    let (leader, follower) = (Whom::Leader, Whom::Follower(random.next()));
    let mut basic = [(Kill, leader), (Pause, leader), (Isolate(Link::Cut), leader)];
    let mut rest = [
        (Isolate(Link::Silent), leader),
        (Deafen, leader),
        (Mute, leader),
        (Kill, follower),
        (Pause, follower),
        (Isolate(Link::Cut), follower),
        (Mute, follower),
        (Kill, Whom::All),
        (Isolate(Link::Cut), Whom::All),
    ];
    random.shuffle(&mut basic);
    random.shuffle(&mut rest);
    rest.into_iter().chain(basic).collect()
}

#[cfg(test)]
mod tests {
    use super::{Kind, Whom, draw};
    use crate::drill::links::Link;
    use std::time::Duration;

    #[test]
    fn a_minute_holds_a_kill_a_stop_and_a_cut_of_the_leader_whatever_the_seed() {
        for seed in 0..200 {
            let plan = draw(seed, Duration::from_secs(60));
            assert!(plan.len() >= 5, "seed {seed}: only {} faults", plan.len());
            for kind in [Kind::Kill, Kind::Pause, Kind::Isolate(Link::Cut)] {
                let is_there =
                    |fault: &super::Fault| (fault.kind, fault.whom) == (kind, Whom::Leader);
                assert!(plan[..3].iter().any(is_there), "seed {seed}: no {kind:?}");
            }
            let whole: Duration = plan.iter().map(|fault| fault.calm + fault.lasts).sum();
            assert!(whole <= Duration::from_secs(57), "seed {seed}: {whole:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_does_not() {
        let length = Duration::from_secs(60);
        assert_eq!(draw(7, length), draw(7, length));
        assert_ne!(draw(7, length), draw(8, length));
    }

    #[test]
    fn the_shortest_drill_has_a_fault() {
        assert_eq!(draw(1, Duration::from_secs(10)).len(), 1);
    }

    #[test]
    fn a_fault_of_the_others_spares_the_leader() {
        for number in 0..4 {
            for leader in 0..3 {
                assert!(!Whom::Follower(number).nodes(Some(leader)).contains(&leader));
            }
        }
        assert_eq!(Whom::Leader.nodes(Some(2)), [2]);
        assert_eq!(Whom::All.nodes(None), [0, 1, 2]);
    }
}
