//! The README, whose example is compiled and run as a test of its documentation.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[derive(Debug)]
pub struct Readme;
