//! The dispatch limit: the same posts to the same sink, without schedule, store or policy.

use crate::client::{self, Tally};
use crate::fault::Result;
use crate::sink::Sink;
use crate::work;
use std::time::Duration;

/// Posts callbacks to `sink` for `time`.
///
/// # Errors
/// When a connection breaks.
pub async fn measure(sink: &Sink, time: Duration) -> Result<Tally> {
    let address = sink.address();
    // Numbers beyond every ledger: the sink does the same work and notes only their sum.
    let numbers = 1_000_000_000..usize::MAX;
    client::load(address, numbers, time, move |number| work::callback(address, number)).await
}
