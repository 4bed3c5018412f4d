//! Random numbers that follow from a seed, with a stream of its own for each purpose.

use std::time::Duration;

/// A stream of random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream of `seed` for `purpose`.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let name = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut dice = Self(seed ^ name);
        dice.next();
        dice
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// True with this chance in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of `all`, which is not empty.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    /// A span from `least` to `most` milliseconds.
    pub(crate) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }

    /// A span whose order of magnitude is as likely as another, from `least` to `most`
    /// milliseconds.
    pub(crate) fn scaled_millis(&mut self, least: u64, most: u64) -> Duration {
        let mut end = least;
        while end < most && self.chance(700) {
            end *= 2;
        }
        self.millis(least, end.min(most))
    }

    /// A span of `mean` milliseconds on average, as between events that know nothing of each other.
    pub(crate) fn gap(&mut self, mean: u64) -> Duration {
        let uniform = (self.below(1 << 24) + 1) as f64 / (1_u64 << 24) as f64;
        Duration::from_millis((-uniform.ln() * mean as f64) as u64 + 1)
    }
}
