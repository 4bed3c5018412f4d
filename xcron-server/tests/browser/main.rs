//! The dashboard in a real Chromium, before a real server: what a person does, and what comes of
//! it. No page may complain in its console or ask anything of another origin.
//!
//! `XCRON_CHROMIUM` names the program; else it is looked for. Where there is none the tests say
//! that they did not run, but what was named has to work.

mod accessibility;
mod browser;
mod cluster;
mod failures;
#[path = "../harness/mod.rs"]
#[allow(dead_code, reason = "every test binary uses its part of it")]
mod harness;
mod life;
mod lists;
mod page;
mod pages;
mod proxy;
mod tokens;

use harness::{api, ports, process, target, tools};
