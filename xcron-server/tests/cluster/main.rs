//! Clusters of real processes through whatever may befall them: nothing that was acknowledged is
//! lost, early, or done twice without a cause.

mod addresses;
mod backup;
mod broken_disk;
mod clock;
mod cluster;
mod delivery;
mod disk;
mod form;
mod growth;
mod handover;
#[path = "../harness/mod.rs"]
#[allow(dead_code, reason = "every test binary uses its part of it")]
mod harness;
mod hearing;
mod intruders;
mod judge;
mod judge_tests;
mod kills;
mod lateness;
mod ledger;
mod links;
mod load;
mod metrics;
mod moved;
mod one;
mod outage;
mod own_ports;
mod partition;
mod pauses;
mod quorum;
mod senders;
mod turn;

use harness::{api, member, net, ports, process, target, timeline, tools, tracer, view};
