//! Every node tells every other how it is, several times a second, and learns the same of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prost::Message;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::clock_guard::Reading;
use super::standing::Role;
use crate::network::Network;
use crate::peer::{CallErrorKind, Identity, Lane};
use crate::store::Shared;
use crate::wire::peer::{ContactMessage, ReportMessage, kind};
use crate::{Error, ErrorKind};

/// How often each other node is told.
const EVERY: Duration = Duration::from_millis(250);

/// How often the leader is told while this node has attempts to send: it may not without its word.
const EVERY_AS_SENDER: Duration = Duration::from_millis(50);

/// How often it is looked whether somebody is to be told.
const LOOK: Duration = Duration::from_millis(25);

/// How often the addresses of the settings are asked who is there, while no leader is known.
const SEARCH_EVERY: Duration = Duration::from_secs(1);

/// How long a node may take to answer.
const ANSWER_MAX: Duration = Duration::from_millis(900);

/// A clock is compared over exchanges that took no longer than this: the answer was given somewhere
/// within.
const EXCHANGE_MAX: Duration = Duration::from_millis(300);

/// What this node says of itself.
pub(crate) fn report(shared: &Shared) -> ReportMessage {
    let standing = shared.standing();
    let view = shared.published.view();
    let snapshot = shared.counters.snapshot_index.load(Ordering::Relaxed);
    let role = if shared.is_leader() || standing.role != Role::Leader {
        standing.role
    } else {
        Role::Candidate
    };
    ReportMessage {
        node: shared.node_id(),
        life: shared.life.load(Ordering::SeqCst),
        address: shared.address.get().cloned().unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        format_max: shared.settings.format_max,
        last_log: standing.last_log,
        committed: standing.committed,
        applied: view.applied.map(|id| held(shared, id.index)),
        snapshot: (snapshot > 0).then_some(snapshot),
        term: standing.term,
        role: role.number(),
        unfit: shared.unfit().unwrap_or_default(),
        now: shared.clock.now().as_millis(),
        is_arriving: !shared.has_arrived(),
        election_timeout_ms: shared.settings.election_timeout_ms,
        offered: shared.offered(),
        may_send: shared.may_send(),
    }
}

/// How much of what is applied up to `applied` this node will still hold after a crash. What a
/// majority has is applied even before this node's own disk has it, and a node must not be taken
/// for one whose disk was put back because it lost what it never had there.
fn held(shared: &Shared, applied: u64) -> u64 {
    let log = shared.log.get();
    log.map_or(applied, |log| applied.min(log.stats().durable.load(Ordering::SeqCst)))
}

/// Tells the others how this node is, for as long as it is polled.
#[derive(Debug)]
pub(crate) struct Outreach {
    network: Network,
    shared: Arc<Shared>,
    /// When each was told last; absent while nobody was.
    told: BTreeMap<u64, Instant>,
    /// Who is being told now.
    telling: BTreeSet<u64>,
    asking: JoinSet<(u64, Heard)>,
    greeted: Option<(u64, u64)>,
    /// Who has answered that this node may take part.
    welcomed: BTreeSet<u64>,
    /// Who votes, as the one with the longest log of those who answered says, and where that ends.
    voters: (Option<u64>, Vec<u64>),
    had_clock_fault: bool,
    searched: Option<Instant>,
    searching: JoinSet<(String, Option<Identity>)>,
}

/// What came of telling one node.
#[derive(Debug)]
enum Heard {
    Nothing,
    /// Whoever answers at the address belongs to another cluster.
    Foreign(String),
    /// What was answered to a question of that instant, and what the clock of the other showed.
    Contact(Box<ContactMessage>, Instant, Option<Reading>),
}

impl Outreach {
    pub(crate) fn new(network: Network) -> Self {
        let shared = network.shared.clone();
        let (told, telling, asking, greeted, welcomed) = Default::default();
        let (searched, searching, voters, had_clock_fault) = Default::default();
        Self {
            network,
            shared,
            told,
            telling,
            asking,
            greeted,
            welcomed,
            voters,
            had_clock_fault,
            searched,
            searching,
        }
    }

    pub(crate) async fn run(mut self) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut orphans = false;
        loop {
            tokio::select! {
                biased;
                Some(heard) = self.asking.join_next() => {
                    if let Ok((node, heard)) = heard {
                        self.telling.remove(&node);
                        self.hear(node, heard);
                    }
                }
                Some(found) = self.searching.join_next() => {
                    if let Ok((address, Some(identity))) = found {
                        self.find(&address, identity);
                    }
                }
                _ = look.tick() => {
                    self.tell();
                    self.search();
                    self.compare_clocks();
                    orphans = self.notice_orphans(orphans);
                    if self.shared.standing().is_alone && self.told.is_empty() {
                        look.reset_after(EVERY);
                    }
                }
            }
        }
    }

    /// The other members and where each is reached if nobody knows better.
    fn others(&self) -> BTreeMap<u64, String> {
        let me = self.shared.node_id();
        let view = self.shared.published.view();
        let roster = view.roster.iter().map(|(id, member)| (id, member.address.clone()));
        let mut others: BTreeMap<u64, String> = roster.collect();
        // Before anything is applied only raft's own membership says who there is; and who was let
        // go is asked and told for as long as its vote counts.
        for (id, address) in self.shared.standing().addresses {
            others.entry(id).or_insert(address);
        }
        if others.is_empty() || !self.shared.has_arrived() {
            // Nothing says who there is, or only what was true when this node was last here: others
            // may have asked.
            let known = self.shared.contacts.addresses().into_iter();
            others.extend(known.filter(|(id, _)| !view.roster.is_removed(*id)));
        }
        others.remove(&me);
        others
    }

    fn tell(&mut self) {
        let now = Instant::now();
        let others = self.others();
        self.shared.contacts.retain(|id| others.contains_key(&id));
        self.told.retain(|id, _| others.contains_key(id));
        // A new leader is greeted at once: it waits for word from whoever may hold open runs.
        let standing = self.shared.standing();
        let leader = standing.leader.map(|leader| (leader, standing.term));
        if let Some((leader, _)) = leader.filter(|_| leader != self.greeted) {
            self.told.remove(&leader);
            self.greeted = Some((leader, standing.term));
        }
        let sends = self.shared.has_claims();
        for (id, address) in others {
            let is_asked = sends && standing.leader == Some(id);
            let every = if is_asked { EVERY_AS_SENDER } else { EVERY };
            let is_due = self.told.get(&id).is_none_or(|&at| now.duration_since(at) >= every);
            if is_due && self.telling.insert(id) {
                self.told.insert(id, now);
                let (network, shared) = (self.network.clone(), self.shared.clone());
                let asked = async move { (id, tell(&network, &shared, id, &address).await) };
                self.asking.spawn(crate::runtime::adopt(asked));
            }
        }
    }

    /// Asks who is at the addresses of the settings: nodes may all have moved.
    fn search(&mut self) {
        let now = Instant::now();
        let is_early = self.searched.is_some_and(|at| now.duration_since(at) < SEARCH_EVERY);
        if is_early || !self.searching.is_empty() || self.shared.standing().leader.is_some() {
            return;
        }
        self.searched = Some(now);
        let settings = &self.shared.settings;
        let own = self.shared.address.get();
        for address in settings.peer_hosts.iter().chain(&settings.join) {
            if Some(address) != own {
                let (peers, address) = (self.network.peers.clone(), address.clone());
                self.searching.spawn(crate::runtime::adopt(async move {
                    let found = peers.identify(&address, now + ANSWER_MAX).await;
                    (address, found.ok())
                }));
            }
        }
    }

    fn find(&self, address: &str, found: Identity) {
        let own = self.shared.party.identity();
        if found.cluster == own.cluster {
            self.shared.contacts.find(found.node, address);
        } else if found.cluster != 0 && self.welcomed.is_empty() {
            self.shared.fail(Error::new(
                ErrorKind::Foreign,
                format!(
                    "raft_dir holds node {} of cluster {:032x}, but {address} belongs to cluster \
                     {:032x}: choose the right directory, or empty it and start this node with \
                     peer.join",
                    own.node, own.cluster, found.cluster
                ),
            ));
        }
    }

    fn hear(&mut self, node: u64, heard: Heard) {
        let (contact, asked, clock) = match heard {
            Heard::Nothing => return,
            Heard::Foreign(what) => {
                self.shared.set_obstacle(what);
                return;
            }
            Heard::Contact(contact, asked, clock) => (contact, asked, clock),
        };
        // An answer to what was asked before this node had arrived may have been long on its way.
        let is_late = contact.is_about_arrival && self.shared.has_arrived();
        if !contact.farewell.is_empty() && is_late {
            return;
        }
        if !contact.farewell.is_empty() {
            self.shared.fail(Error::new(ErrorKind::Foreign, contact.farewell));
            return;
        }
        let Some(report) = contact.report.filter(|report| report.node == node) else {
            return;
        };
        let (last_log, now) = (report.last_log, Instant::now());
        self.shared.contacts.note(report, clock, now);
        if contact.vouched_ms > 0 {
            let until = asked + Duration::from_millis(contact.vouched_ms);
            self.shared.take_word(until, contact.vouched_after);
        }
        self.welcomed.insert(node);
        if !contact.voters.is_empty() && last_log > self.voters.0 {
            self.voters = (last_log, contact.voters);
        }
        self.arrive_if_welcome();
    }

    /// Takes part once enough of those that vote have said that this node may. Who votes is known
    /// best by whose log reaches farthest: one that ended before its first entry knows nobody, and
    /// all that another knows may have been let go since.
    fn arrive_if_welcome(&self) {
        let own = self.shared.standing();
        let told = Some(&self.voters).filter(|(last_log, _)| *last_log > own.last_log);
        let voters = told.map_or(&own.voters, |(_, voters)| voters);
        let welcoming = voters.iter().filter(|id| self.welcomed.contains(id)).count();
        if !voters.is_empty() && welcoming >= voters.len() / 2 {
            self.shared.arrive();
        }
    }

    fn compare_clocks(&mut self) {
        let standing = self.shared.standing();
        if standing.voters.is_empty() {
            // Who there is to compare with is not known yet; that is not the same as nobody.
            return;
        }
        let (me, shared) = (self.shared.node_id(), &self.shared);
        let others: Vec<u64> = standing.voters.iter().copied().filter(|&id| id != me).collect();
        let before = self.had_clock_fault;
        let (clocks, now, wall) =
            (shared.contacts.clocks(&others), Instant::now(), shared.clock.now());
        shared.guard.compare(others.len(), clocks, now, wall);
        let fault = self.shared.clock_fault();
        self.had_clock_fault = fault.is_some();
        if before != self.had_clock_fault {
            if let Some(fault) = fault {
                tracing::warn!(fault, "this node does not lead for now");
            }
            self.shared.published.wake();
        }
    }

    /// Wakes the planner when a holder has just become silent.
    fn notice_orphans(&self, before: bool) -> bool {
        let shared = &self.shared;
        let view = shared.published.view();
        let orphans = shared.is_leader() && view.has_orphans(&|holder| shared.is_gone(holder));
        if orphans && !before {
            shared.published.wake();
        }
        orphans
    }
}

/// Tells one node how this one is.
async fn tell(network: &Network, shared: &Shared, node: u64, address: &str) -> Heard {
    let report = report(shared);
    let began = Instant::now();
    let body = report.encode_to_vec().into();
    let answer = network.ask(node, address, Lane::Raft, kind::CONTACT, body, ANSWER_MAX).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.kind == CallErrorKind::Foreign => {
            return Heard::Foreign(error.to_string());
        }
        Err(_) => return Heard::Nothing,
    };
    let took = began.elapsed();
    match ContactMessage::decode(answer) {
        Ok(contact) => {
            // The answer was given somewhere within, most likely halfway.
            let at = began + took / 2;
            let shown = contact.report.as_ref().map(|report| Reading { shown: report.now, at });
            Heard::Contact(Box::new(contact), began, shown.filter(|_| took <= EXCHANGE_MAX))
        }
        Err(_) => Heard::Nothing,
    }
}
