//! Clusters of real processes through whatever may befall them: nothing that was acknowledged is
//! lost, early, or done twice without a cause.

mod addresses;
mod cluster;
#[path = "../harness/mod.rs"]
#[allow(dead_code, reason = "every test binary uses its part of it")]
mod harness;
mod hearing;
mod judge;
mod judge_tests;
mod lateness;
mod ledger;
mod load;
mod member;
mod one;
mod timeline;
mod turn;
mod view;

use harness::{api, ports, process, target};
