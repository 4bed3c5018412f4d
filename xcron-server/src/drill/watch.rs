//! Who leads: every node is asked many times a second.

use super::api::Api;
use super::links::NODES;
use super::moment::{Micros, now};
use super::nodes::Directory;
use super::record::Recorder;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use xcron_checker::Tenure;

const PERIOD: Duration = Duration::from_millis(40);
/// A node that does not answer for so long is not counted as one that leads.
const ANSWER_MAX: Duration = Duration::from_millis(300);

/// What the nodes said last.
#[derive(Debug, Default)]
struct Seen {
    /// The term in which a node leads, by its own account.
    leads: [Option<u64>; NODES],
    /// The highest term that anybody led in.
    newest: u64,
    leaderless_since: Option<Micros>,
    leaderless_longest: Micros,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    _watching: JoinSet<()>,
}

impl Watch {
    pub(super) fn start(nodes: &Directory, recorder: &Recorder) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut watching = JoinSet::new();
        for node in 0..NODES {
            watching.spawn(ask(node, nodes.clone(), recorder.clone(), Arc::clone(&seen)));
        }
        Self { seen, _watching: watching }
    }

    /// The node that leads in the newest term.
    pub(super) fn leader(&self) -> Option<usize> {
        lock(&self.seen).leader()
    }

    /// The newest term that anybody led in.
    pub(super) fn term(&self) -> u64 {
        lock(&self.seen).newest
    }

    /// The longest time in which no node said that it leads, after the first one did.
    pub(super) fn leaderless_longest(&self) -> Micros {
        let seen = lock(&self.seen);
        let present = seen.leaderless_since.map_or(0, |since| now() - since);
        seen.leaderless_longest.max(present)
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn ask(node: usize, nodes: Directory, recorder: Recorder, seen: Arc<Mutex<Seen>>) {
    let mut api = Api::default();
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let asked = now();
        let mut leads = None;
        if let Some(address) = nodes.http(node) {
            let answer = api.get(address, "/xcron/cluster", ANSWER_MAX).await;
            let status = answer.unwrap_or_default().data;
            let is_leader = status["leader"].as_u64() == Some(node as u64 + 1);
            leads = status["term"].as_u64().filter(|_| is_leader);
        }
        let begins = lock(&seen).note(node, leads, now());
        if let Some(term) = begins {
            recorder.note(Tenure { from_us: asked, node: node as u64 + 1, term });
        }
    }
}

impl Seen {
    fn leader(&self) -> Option<usize> {
        let leading = (0..NODES).filter(|node| self.leads[*node].is_some());
        leading.max_by_key(|node| self.leads[*node])
    }

    /// Notes what a node said; the term, if it leads in that for the first time.
    fn note(&mut self, node: usize, leads: Option<u64>, at: Micros) -> Option<u64> {
        self.leads[node] = leads;
        let is_led = self.leader().is_some();
        match self.leaderless_since {
            Some(since) if is_led => {
                self.leaderless_longest = self.leaderless_longest.max(at - since);
                self.leaderless_since = None;
            }
            None if !is_led && self.newest > 0 => self.leaderless_since = Some(at),
            _ => {}
        }
        let begins = leads.filter(|term| *term > self.newest);
        self.newest = begins.unwrap_or(self.newest);
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn a_tenure_begins_once_and_the_newest_term_leads() {
        let mut seen = Seen::default();
        assert_eq!(seen.note(0, None, 10), None);
        assert_eq!(seen.note(0, Some(1), 20), Some(1));
        assert_eq!(seen.note(0, Some(1), 30), None);
        assert_eq!(seen.note(2, Some(3), 40), Some(3));
        assert_eq!(seen.leader(), Some(2), "the other was deposed and does not know it");
    }

    #[test]
    fn time_without_a_leader_counts_from_the_first_one_on() {
        let mut seen = Seen::default();
        seen.note(0, None, 0);
        seen.note(0, Some(1), 100);
        seen.note(0, None, 200);
        seen.note(1, None, 250);
        seen.note(1, Some(2), 500);
        seen.note(1, None, 600);
        seen.note(1, Some(2), 700);
        assert_eq!(seen.leaderless_longest, 300);
    }
}
