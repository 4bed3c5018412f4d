//! When no majority of the nodes was up, unpaused and connected: until it is back, and a little
//! beyond, nothing is owed.

use super::links::{Link, Matrix, NODES};
use super::moment::Micros;

/// What is wrong with a cluster at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Condition {
    /// Which nodes do not run, or stand still.
    pub(super) down: [bool; NODES],
    pub(super) links: Matrix,
}

impl Condition {
    fn has_majority(&self) -> bool {
        // Two of three are one; both must reach each other.
        (0..NODES).any(|one| (0..one).any(|other| self.are_connected(one, other)))
    }

    fn are_connected(&self, one: usize, other: usize) -> bool {
        let links = [self.links[one][other], self.links[other][one]];
        !self.down[one] && !self.down[other] && links == [Link::Open; 2]
    }
}

/// How the condition of a cluster changed, in order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Health(Vec<(Micros, Condition)>);

impl Health {
    /// From `at` on it is this.
    pub(super) fn note(&mut self, at: Micros, condition: Condition) {
        self.0.push((at, condition));
    }

    /// The spans without a majority; one that does not end before, ends at `end`.
    pub(super) fn unhealthy(&self, end: Micros) -> Vec<(Micros, Micros)> {
        let mut spans: Vec<(Micros, Micros)> = Vec::new();
        for (index, (from, condition)) in self.0.iter().enumerate() {
            let to = self.0.get(index + 1).map_or(end, |next| next.0);
            match spans.last_mut() {
                _ if condition.has_majority() => {}
                Some(last) if last.1 == *from => last.1 = to,
                _ => spans.push((*from, to)),
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Health};
    use crate::drill::links::{Link, Matrix, apart, deaf, isolated, mute};

    #[test]
    fn a_majority_is_two_that_run_and_reach_each_other_both_ways() {
        let open = Matrix::default();
        for (down, links, expected) in [
            ([false, false, false], open, true),
            ([true, false, false], open, true),
            ([true, true, false], open, false),
            ([true, true, true], open, false),
            ([false, false, false], isolated(1, Link::Cut), true),
            ([true, false, false], isolated(1, Link::Cut), false),
            ([true, false, false], deaf(1, Link::Silent), false),
            ([true, false, false], mute(1, Link::Silent), false),
            ([false, false, false], apart(Link::Cut), false),
        ] {
            let condition = Condition { down, links };
            assert_eq!(condition.has_majority(), expected, "{condition:?}");
        }
    }

    #[test]
    fn neighbouring_spans_are_one_and_the_last_ends_with_the_drill() {
        let down = |down| Condition { down, ..Condition::default() };
        let mut health = Health::default();
        health.note(0, Condition::default());
        health.note(10, down([true, true, false]));
        health.note(20, down([true, true, true]));
        health.note(30, down([true, false, false]));
        health.note(40, down([false, true, true]));
        assert_eq!(health.unhealthy(50), [(10, 30), (40, 50)]);
    }
}
