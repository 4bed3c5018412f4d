//! Doubles of the seams, and the suites that their implementations run (feature `testing`).
//!
//! - [`store_suite`]: what every [`Store`](crate::Store) promises; [`durable_suite`]: what a
//!   durable one promises on top.
//! - [`SimClock`]: time that a test moves. [`ScriptedDispatcher`]: targets that a test scripts.
//! - [`Simulation`]: a scheduler with both, through a year in a moment.
//!
//! The doubles draw no random numbers and read no clock, so a test that uses them is replayed
//! by running it again.

pub mod clock_suite;
pub mod durable_suite;
pub mod sample;
pub mod store_suite;

mod scripted_dispatcher;
mod sim_clock;
mod simulation;

pub use scripted_dispatcher::{Receipt, ScriptedDispatcher};
pub use sim_clock::SimClock;
pub use simulation::Simulation;
