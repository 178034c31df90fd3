//! How many different customers: exactly for a few, by a sketch for many; two counts merge into
//! the count of their union.
//!
//! The sketch is that of Flajolet, Fusy, Gandouet and Meunier (2007) with 4,096 registers, read by
//! the improved estimator of Ertl (2017, arXiv 1702.01284): its standard error is 1.04 divided
//! by the root of the registers, 1.6 %.

use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::CustomerId;

/// Up to so many customers a count is exact.
pub const EXACT_CUSTOMERS: usize = 1_024;
/// Bits of a hash that choose a register.
const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;
/// The most that a register holds: the bits of a hash that remain.
const MOST: usize = 64 - PRECISION as usize;

/// A set of customers that knows how many they are. The same customers give the same value,
/// whatever the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distinct {
    /// Nobody.
    #[default]
    None,
    /// One, by hash.
    One(u64),
    /// More than one, by their hashes in order: at most [`EXACT_CUSTOMERS`].
    Exact(Vec<u64>),
    /// More than that: the registers of a sketch.
    Sketch(Vec<u8>),
}

/// The hash of a customer's id that counts use; `None` for nobody.
pub(crate) fn customer_hash(customer: CustomerId) -> Option<u64> {
    let named = !customer.is_empty();
    named.then(|| xxhash_rust::xxh3::xxh3_64(customer.as_bytes()))
}

impl Distinct {
    /// Adds a customer.
    pub fn add(&mut self, customer: CustomerId) {
        if let Some(hash) = customer_hash(customer) {
            self.insert(hash);
        }
    }

    pub(crate) fn insert(&mut self, hash: u64) {
        match self {
            Self::None => *self = Self::One(hash),
            Self::One(known) if *known == hash => {}
            Self::One(known) => {
                let mut hashes = Vec::with_capacity(4);
                hashes.extend([hash.min(*known), hash.max(*known)]);
                *self = Self::Exact(hashes);
            }
            Self::Exact(hashes) => {
                let Err(at) = hashes.binary_search(&hash) else { return };
                hashes.insert(at, hash);
                if hashes.len() > EXACT_CUSTOMERS {
                    let mut registers = vec![0; REGISTERS];
                    for &hash in hashes.iter() {
                        note(&mut registers, hash);
                    }
                    *self = Self::Sketch(registers);
                }
            }
            Self::Sketch(registers) => note(registers, hash),
        }
    }

    /// Adds all customers of another count.
    pub fn merge(&mut self, other: &Self) {
        match other {
            Self::None => {}
            Self::One(hash) => self.insert(*hash),
            Self::Exact(hashes) => hashes.iter().for_each(|&hash| self.insert(hash)),
            Self::Sketch(registers) => self.merge_sketch(registers),
        }
    }

    fn merge_sketch(&mut self, registers: &[u8]) {
        let mut merged = registers.to_vec();
        match self {
            Self::None => {}
            Self::One(hash) => note(&mut merged, *hash),
            Self::Exact(hashes) => hashes.iter().for_each(|&hash| note(&mut merged, hash)),
            Self::Sketch(own) => {
                for (register, own) in merged.iter_mut().zip(own) {
                    *register = (*register).max(*own);
                }
            }
        }
        *self = Self::Sketch(merged);
    }

    /// How many customers there are: exactly up to [`EXACT_CUSTOMERS`], else an estimate.
    pub fn count(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Exact(hashes) => hashes.len() as u64,
            Self::Sketch(registers) => estimate(registers),
        }
    }

    /// Whether the count is exact.
    pub fn exact(&self) -> bool {
        !matches!(self, Self::Sketch(_))
    }
}

/// Notes a hash in the registers: the place of the first one-bit behind those that choose.
fn note(registers: &mut [u8], hash: u64) {
    let at = (hash >> (64 - PRECISION)) as usize;
    let rank = (hash << PRECISION).leading_zeros().min(MOST as u32 - 1) as u8 + 1;
    if let Some(register) = registers.get_mut(at) {
        *register = (*register).max(rank);
    }
}

/// Ertl's estimate. Registers at their very most are taken as one less: that needs more customers
/// than there are people.
fn estimate(registers: &[u8]) -> u64 {
    let mut counts = [0_u32; MOST + 1];
    for &register in registers {
        if let Some(count) = counts.get_mut(usize::from(register)) {
            *count += 1;
        }
    }
    let all = REGISTERS as f64;
    let [zeros, ranks @ ..] = counts;
    let sum = ranks.iter().rev().fold(0.0, |sum, &count| 0.5 * (sum + f64::from(count)));
    let sum = sum + all * sigma(f64::from(zeros) / all);
    (all * all / (2.0 * core::f64::consts::LN_2 * sum) + 0.5) as u64
}

fn sigma(zeros: f64) -> f64 {
    if zeros >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (zeros, 1.0, zeros);
    loop {
        power *= power;
        let before = sum;
        sum += power * weight;
        weight += weight;
        if sum <= before {
            return sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn customers(from: u32, to: u32) -> Distinct {
        let mut distinct = Distinct::default();
        for number in from..to {
            distinct.add(CustomerId::cut(&format!("customer-{number}")));
        }
        distinct
    }

    #[test]
    fn a_few_are_counted_exactly_and_nobody_is_no_customer() {
        for many in [0, 1, 2, 17, 1_023, 1_024] {
            let mut twice = customers(0, many);
            twice.merge(&customers(0, many));
            assert_eq!((twice.count(), twice.exact()), (u64::from(many), true));
        }
        let mut nobody = Distinct::default();
        nobody.add(CustomerId::default());
        assert_eq!(nobody, Distinct::None);
    }

    #[test]
    fn many_are_estimated_within_four_standard_errors() {
        for many in [1_025_u32, 2_000, 5_000, 20_000, 100_000, 300_000] {
            let distinct = customers(0, many);
            let off = (distinct.count() as f64 / f64::from(many) - 1.0).abs();
            assert!(!distinct.exact() && off < 0.065, "{many}: {}", distinct.count());
        }
    }

    #[test]
    fn a_union_is_the_same_whatever_the_order_and_the_parts() {
        let whole = customers(0, 3_000);
        for cut in [0, 1, 700, 1_500, 2_900, 3_000] {
            let (mut left, mut right) = (customers(0, cut), customers(cut / 2, 3_000));
            let first = left.clone();
            left.merge(&right);
            right.merge(&first);
            assert_eq!(left, right);
            assert_eq!(left, whole);
        }
        let mut small = customers(0, 600);
        small.merge(&customers(300, 1_000));
        assert_eq!(small, customers(0, 1_000));
    }
}
