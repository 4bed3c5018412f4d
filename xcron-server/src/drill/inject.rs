//! Does to the cluster what the plan says, and takes down what that means for its health.

use super::error::DrillError;
use super::health::{Condition, Health};
use super::links::{Links, Matrix, NODES};
use super::moment::{Micros, now};
use super::nodes::Nodes;
use super::plan::{Fault, Kind};
use super::record::Recorder;
use super::report::Story;
use super::watch::Watch;
use std::time::Duration;
use tokio::time::sleep;
use xcron_checker::{SenderLost, Unhealthy};

/// How long the election of a leader is waited for before it is told that there is none.
const ELECTION_MAX: Duration = Duration::from_secs(5);

/// Whoever breaks things.
#[derive(Debug)]
pub(super) struct Injector<'a> {
    pub(super) nodes: &'a mut Nodes,
    pub(super) links: &'a Links,
    pub(super) watch: &'a Watch,
    pub(super) recorder: &'a Recorder,
    pub(super) story: &'a Story,
    condition: Condition,
    health: Health,
}

impl<'a> Injector<'a> {
    pub(super) fn new(
        nodes: &'a mut Nodes,
        links: &'a Links,
        watch: &'a Watch,
        recorder: &'a Recorder,
        story: &'a Story,
    ) -> Self {
        let (condition, health) = (Condition::default(), Health::default());
        Self { nodes, links, watch, recorder, story, condition, health }
    }

    /// All faults, one after the other; nothing is wrong any more when this returns. When that
    /// began.
    pub(super) async fn run(&mut self, plan: &[Fault]) -> Result<Micros, DrillError> {
        let mut healed = now();
        self.health.note(healed, self.condition);
        for fault in plan {
            sleep(fault.calm).await;
            self.nodes.check()?;
            healed = self.inject(fault).await?;
        }
        for (from_us, to_us) in self.health.unhealthy(now()) {
            self.recorder.note(Unhealthy { from_us, to_us });
        }
        Ok(healed)
    }

    /// One fault, from its beginning to its end, which is returned.
    async fn inject(&mut self, fault: &Fault) -> Result<Micros, DrillError> {
        let (leader, term) = (self.watch.leader(), self.watch.term());
        let struck = fault.whom.nodes(leader);
        let touched = self.links.touched();
        let from = now();
        self.begin(fault.kind, &struck).await?;
        self.story.tell(&sentence(fault, &struck, leader));
        self.note(from, &struck);
        sleep(fault.lasts).await;
        self.end(fault.kind, &struck).await?;
        let to = now();
        // A process that is ours is killed or stopped when the system says so.
        let took_effect = fault.kind.links(&struck).is_none() || self.links.touched() > touched;
        for node in &struck {
            let node = Some(*node as u64 + 1);
            let done = xcron_checker::Fault::new(fault.kind.name(), node, from, to);
            self.recorder.note(if took_effect { done } else { done.without_effect() });
        }
        self.await_leader(&struck, term).await;
        Ok(to)
    }

    async fn begin(&mut self, kind: Kind, struck: &[usize]) -> Result<(), DrillError> {
        if let Some(matrix) = kind.links(struck) {
            self.set_links(matrix);
        }
        for node in struck.iter().copied() {
            match kind {
                Kind::Kill => self.nodes.kill(node).await?,
                Kind::Pause => self.nodes.pause(node)?,
                _ => continue,
            }
            self.condition.down[node] = true;
        }
        Ok(())
    }

    async fn end(&mut self, kind: Kind, struck: &[usize]) -> Result<(), DrillError> {
        for node in struck.iter().copied() {
            match kind {
                Kind::Kill => self.nodes.start(node).await?,
                Kind::Pause => self.nodes.go_on(node)?,
                _ => continue,
            }
            self.condition.down[node] = false;
            self.health.note(now(), self.condition);
        }
        if kind.links(struck).is_some() {
            self.set_links(Matrix::default());
            self.health.note(now(), self.condition);
        }
        Ok(())
    }

    fn set_links(&mut self, matrix: Matrix) {
        self.condition.links = matrix;
        self.links.set(matrix);
    }

    /// What a fault that began at `from` may excuse.
    fn note(&mut self, from: Micros, struck: &[usize]) {
        self.health.note(from, self.condition);
        for node in struck {
            self.recorder.note(SenderLost { node: *node as u64 + 1, at_us: from });
        }
    }

    /// Waits until somebody leads and tells who, and whether that is another.
    async fn await_leader(&self, struck: &[usize], term: u64) {
        let begun = now();
        let waited = || Duration::from_micros((now() - begun).unsigned_abs());
        while self.watch.leader().is_none() && waited() < ELECTION_MAX {
            sleep(Duration::from_millis(20)).await;
        }
        let back = match struck {
            [node] => format!("node {} is well again", node + 1),
            _ => format!("all {NODES} are well again"),
        };
        let leads = match self.watch.leader() {
            None => "nobody leads yet".to_owned(),
            Some(leader) if self.watch.term() == term => format!("node {} leads on", leader + 1),
            Some(leader) => format!("node {} leads, term {}", leader + 1, self.watch.term()),
        };
        self.story.tell(&format!("          {back}, {leads}"));
    }
}

fn sentence(fault: &Fault, struck: &[usize], leader: Option<usize>) -> String {
    let whom = match struck {
        [node] if leader == Some(*node) => format!("node {}, which leads", node + 1),
        [node] => format!("node {}", node + 1),
        _ => "all of them".to_owned(),
    };
    let lasts = super::moment::shown(fault.lasts.as_micros() as Micros);
    format!("{:<9} {whom}, for {lasts}", fault.kind.words())
}
