//! Chance: named streams of random numbers whose state can be saved.
//!
//! Only integers and the basic operations of floating point are used, so that every machine draws
//! the same numbers.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// The index that stands for what all stores of a chain share.
pub(crate) const CHAIN: u32 = u32::MAX;

/// One stream of random numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dice(Pcg64Mcg);

impl Dice {
    /// The stream of that name, of one store (or [`CHAIN`]).
    pub(crate) fn new(seed: u64, store: u32, stream: &str, number: u64) -> Self {
        Self(Pcg64Mcg::new(hash(seed, store, stream, number)))
    }

    /// 0 to `n` - 1; 0 where `n` is 0.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u64() as u32) * u64::from(n)) >> 32) as u32
    }

    /// `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).max(0) as u128 + 1;
        low + ((u128::from(self.0.next_u64()) * span) >> 64) as i64
    }

    /// At least 0 and below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// At least `low` and below `high`.
    pub(crate) fn span(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Whether something of this probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// Close to normal, with mean 0 and deviation 1, and never beyond 6.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// One of `items`.
    pub(crate) fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u32) as usize)
    }

    /// Puts `items` into a random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u32 + 1) as usize;
            items.swap(last, other);
        }
    }
}

/// A 128-bit number that follows from a seed, a store, a name and a number.
pub(crate) fn hash(seed: u64, store: u32, stream: &str, number: u64) -> u128 {
    let mut bytes = [0_u8; 36];
    let name = stream.as_bytes().iter().copied().chain(core::iter::repeat(0));
    let parts = seed
        .to_le_bytes()
        .into_iter()
        .chain(store.to_le_bytes())
        .chain(number.to_le_bytes())
        .chain(name.take(16));
    for (byte, part) in bytes.iter_mut().zip(parts) {
        *byte = part;
    }
    xxh3_128(&bytes)
}

/// e to the `x`, by basic operations alone; `x` from -8 to 8.
pub(crate) fn exp(x: f64) -> f64 {
    let mut power = 1.0 + x / 1_048_576.0;
    for _ in 0..20 {
        power *= power;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |store, stream| {
            let mut dice = Dice::new(7, store, stream, 0);
            (dice.below(1_000_000), dice.between(-5, 5), dice.unit())
        };
        assert_eq!(draw(0, "a"), draw(0, "a"));
        assert_ne!(draw(0, "a"), draw(1, "a"));
        assert_ne!(draw(0, "a"), draw(0, "b"));
    }

    #[test]
    fn draws_stay_in_their_ranges() {
        let mut dice = Dice::new(1, 2, "ranges", 3);
        let mut sum = 0.0;
        for _ in 0..10_000 {
            assert!(dice.below(3) < 3);
            assert!((-2..=2).contains(&dice.between(-2, 2)));
            assert!((0.0..1.0).contains(&dice.unit()));
            sum += dice.normal();
        }
        assert!((sum / 10_000.0).abs() < 0.05);
        assert!((exp(1.0) - core::f64::consts::E).abs() < 1e-5);
    }
}
