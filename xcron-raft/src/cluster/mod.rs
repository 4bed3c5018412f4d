//! The cluster around raft: who belongs to it, how its nodes find and judge each other, and what
//! the leader does for it.
//!
//! - [`identity`]: what a data directory belongs to. [`formation`]: how a node without one gets it.
//! - [`contacts`], [`outreach`]: what nodes tell each other all the time.
//!   [`clock_guard`]: whose clock is right. [`median_clock`]: the time that all share.
//! - [`service`]: what a node answers to its peers. [`parts`]: a snapshot that comes in parts.
//! - [`keeper`]: the leader makes raft's membership follow the roster. [`errands`]: letting a node
//!   go and handing over, when somebody asks for it.
//! - [`standing`], [`status`]: how it all stands, for this node and for whoever asks.

pub(crate) mod clock_guard;
pub(crate) mod contacts;
pub(crate) mod errands;
pub(crate) mod formation;
pub(crate) mod identity;
pub(crate) mod keeper;
pub(crate) mod median_clock;
pub(crate) mod outreach;
pub(crate) mod parts;
pub(crate) mod service;
pub(crate) mod standing;
pub(crate) mod status;
