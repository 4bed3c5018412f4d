//! When the cluster had a healthy majority, as far as faults tell.

use crate::recorder::now_us;
use std::sync::{Arc, Mutex};
use xcron_checker::Unhealthy;

/// What the loss of a leader may cost besides the election that the judge allows for: together
/// with the lateness of a second that makes the five seconds that are promised.
const LEADER_LOST_US: i64 = 1_000_000;

/// Spans in which nodes were not well; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Health(Arc<Mutex<Spans>>);

#[derive(Debug)]
struct Spans {
    nodes: usize,
    /// Since when a node is not well, and for how many reasons.
    open: Vec<(i64, u32)>,
    /// Nodes with the spans that are over.
    closed: Vec<(usize, i64, i64)>,
    /// Spans that count whatever the nodes are.
    more: Vec<Unhealthy>,
}

impl Health {
    pub(crate) fn new(nodes: usize) -> Self {
        let open = vec![(0, 0); nodes];
        Self(Arc::new(Mutex::new(Spans { nodes, open, closed: Vec::new(), more: Vec::new() })))
    }

    /// A node is not well from now on.
    pub(crate) fn down(&self, place: usize) {
        let mut spans = self.0.lock().expect("nobody panics");
        let (since, reasons) = &mut spans.open[place];
        if *reasons == 0 {
            *since = now_us();
        }
        *reasons += 1;
    }

    /// One reason less for a node not to be well.
    pub(crate) fn up(&self, place: usize) {
        let mut spans = self.0.lock().expect("nobody panics");
        let (since, reasons) = spans.open[place];
        spans.open[place].1 = reasons.checked_sub(1).expect("it was not well");
        if reasons == 1 {
            spans.closed.push((place, since, now_us()));
        }
    }

    /// The leader is struck now, by something that deposes it.
    pub(crate) fn leader_lost(&self) {
        let from_us = now_us();
        self.count(from_us, from_us + LEADER_LOST_US);
    }

    /// A span that does not count as healthy.
    pub(crate) fn count(&self, from_us: i64, to_us: i64) {
        self.0.lock().expect("nobody panics").more.push(Unhealthy { from_us, to_us });
    }

    /// All spans without a healthy majority; nothing is open any more.
    pub(crate) fn unhealthy(&self) -> Vec<Unhealthy> {
        let spans = self.0.lock().expect("nobody panics");
        let mut edges: Vec<(i64, i32)> = Vec::new();
        for &(_, from_us, to_us) in &spans.closed {
            edges.extend([(from_us, 1), (to_us, -1)]);
        }
        edges.sort_unstable();
        let mut found = spans.more.clone();
        let (mut down, mut since) = (0, 0);
        let minority = i32::try_from((spans.nodes - 1) / 2).expect("few nodes");
        for (at_us, change) in edges {
            let was_lost = down > minority;
            down += change;
            match (was_lost, down > minority) {
                (false, true) => since = at_us,
                (true, false) => found.push(Unhealthy { from_us: since, to_us: at_us }),
                _ => {}
            }
        }
        found
    }
}

#[test]
fn two_of_three_make_a_majority_and_one_does_not() {
    let health = Health::new(3);
    health.down(0);
    health.up(0);
    assert_eq!(health.unhealthy().len(), 0);
    health.down(0);
    health.down(1);
    // A second reason changes nothing until both are gone.
    health.down(1);
    health.up(1);
    std::thread::sleep(std::time::Duration::from_millis(2));
    health.up(1);
    health.up(0);
    let found = health.unhealthy();
    assert_eq!(found.len(), 1);
    assert!(found[0].to_us - found[0].from_us >= 2_000, "{found:?}");
}
