//! Nothing but the pages of the book with Rust on them, whose examples are compiled and run as
//! tests of their documentation.

#[cfg(doctest)]
#[doc = include_str!("embedding.md")]
#[derive(Debug)]
pub struct Embedding;

#[cfg(doctest)]
#[doc = include_str!("writing-a-store.md")]
#[derive(Debug)]
pub struct WritingAStore;
