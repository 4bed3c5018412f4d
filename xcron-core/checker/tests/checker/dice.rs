//! Numbers that look random and are a function of a seed.

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `from` up to and including `to`.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = u64::try_from(to - from).expect("a range from low to high") + 1;
        from + i64::try_from(self.next() % span).expect("a small range")
    }

    /// True in `percent` of cases.
    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    /// One of `these`.
    pub(crate) fn pick<T: Clone>(&mut self, these: &[T]) -> T {
        let last = i64::try_from(these.len()).expect("few") - 1;
        let index = usize::try_from(self.between(0, last)).expect("not negative");
        these[index].clone()
    }
}
