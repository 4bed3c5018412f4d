//! What the core promises, against its own store, a clock that stands still and scripted targets.

mod admit;
mod amend;
mod attempts;
mod audit;
mod chaos;
mod claim;
mod engine;
mod seams;
mod senders;
mod settle;
mod simulation;
mod tenure;
mod world;
