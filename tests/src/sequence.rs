//! Repeatable pseudo-random numbers, so that a failing random sequence can be run again from its seed.

/// SplitMix64 (Steele, Lea & Flood 2014).
pub struct Sequence(u64);

impl Sequence {
    /// The sequence that a seed begins.
    pub fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
