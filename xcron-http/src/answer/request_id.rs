//! Names for requests, and for tasks whose creator chose none: UUIDs of version 7.

use std::sync::atomic::{AtomicU64, Ordering};
use uuid::{Builder, Uuid};
use xcron_core::Timestamp;

/// Makes ids that no other node and no other life of this one makes.
///
/// Asking the operating system for random bytes costs most of a microsecond; one question at the
/// start gives a seed, and a counter mixed with it does the rest.
#[derive(Debug)]
pub(crate) struct RequestIds {
    seed: u64,
    count: AtomicU64,
}

impl RequestIds {
    /// A source with a seed of its own.
    pub(crate) fn new() -> Self {
        let (_time, random) = Uuid::now_v7().as_u64_pair();
        Self { seed: mix(random), count: AtomicU64::new(0) }
    }

    /// The next id, stamped with `now`.
    pub(crate) fn next(&self, now: Timestamp) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let low = mix(self.seed ^ mix(count)).to_le_bytes();
        let high = mix(self.seed.wrapping_add(count)).to_le_bytes();
        let mut random = [0; 10];
        random[..2].copy_from_slice(&high[..2]);
        random[2..].copy_from_slice(&low);
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// The finalizer of SplitMix64: a bijection, so that different counts stay different.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::RequestIds;
    use std::collections::BTreeSet;
    use xcron_core::Timestamp;

    #[test]
    fn ids_are_version_7_and_differ() {
        let now = Timestamp::from_secs(1_700_000_000);
        let (here, there) = (RequestIds::new(), RequestIds::new());
        let ids: BTreeSet<_> = (0..1_000).flat_map(|_| [here.next(now), there.next(now)]).collect();
        assert_eq!(ids.len(), 2_000);
        for id in ids {
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.to_string()[..13].replace('-', ""), "018bcfe56800");
        }
    }
}
