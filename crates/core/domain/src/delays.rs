//! How long things take, counted in buckets that grow with the time: bounded memory, a stated
//! precision, and the same counts in every run.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// Each doubling of the time has so many buckets: what is read from them is never too short, and
/// at most a sixteenth too long.
const BUCKETS_EACH: u64 = 16;

/// How long events took, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays {
    /// By bucket; those behind the last that was needed are not there.
    buckets: Vec<u64>,
    count: u64,
    /// Events that arrived before they happened: the clocks differ. They count as no delay.
    pub ahead: u64,
    max_us: u64,
}

impl Delays {
    pub(crate) fn add(&mut self, delay_us: i64) {
        self.ahead += u64::from(delay_us < 0);
        let delay_us = delay_us.max(0).unsigned_abs();
        let bucket = bucket_of(delay_us);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
        self.count += 1;
        self.max_us = self.max_us.max(delay_us);
    }

    /// How many were measured.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest; `None` where nothing was measured.
    pub fn max_us(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_us)
    }

    /// So many of a thousand took no longer than this, which is at most a sixteenth too much;
    /// `None` where nothing was measured.
    pub fn quantile_us(&self, per_mille: u64) -> Option<u64> {
        let wanted = (self.count * per_mille.min(1_000)).div_ceil(1_000).max(1);
        let mut passed = 0;
        let place = self.buckets.iter().position(|count| {
            passed += count;
            passed >= wanted
        })?;
        Some(last_of(place as u64).min(self.max_us))
    }

    /// Adds others to these.
    pub fn merge(&mut self, other: &Self) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (count, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
        }
        self.count += other.count;
        self.ahead += other.ahead;
        self.max_us = self.max_us.max(other.max_us);
    }
}

/// The times below sixteen have a bucket each.
fn bucket_of(us: u64) -> usize {
    if us < BUCKETS_EACH {
        return us as usize;
    }
    let shift = us.ilog2() - BUCKETS_EACH.ilog2();
    (u64::from(shift) * BUCKETS_EACH + (us >> shift)) as usize
}

/// The longest time of a bucket.
fn last_of(bucket: u64) -> u64 {
    if bucket < BUCKETS_EACH {
        return bucket;
    }
    let shift = bucket / BUCKETS_EACH - 1;
    let first = bucket - shift * BUCKETS_EACH;
    ((first + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_bucket_that_ends_at_most_a_sixteenth_behind_it() {
        let mut us = 1_u64;
        while us < 1 << 50 {
            for time in [us - 1, us, us + us / 3] {
                let last = last_of(bucket_of(time) as u64);
                assert!(last >= time && last - time <= time / BUCKETS_EACH, "{time}: {last}");
                assert!(
                    bucket_of(last) == bucket_of(time) && bucket_of(last + 1) > bucket_of(time)
                );
            }
            us *= 2;
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_times() {
        let mut delays = Delays::default();
        assert_eq!((delays.quantile_us(500), delays.max_us()), (None, None));
        (1..=1_000).for_each(|ms| delays.add(ms * 1_000));
        for (per_mille, exact) in [(500, 500_000), (950, 950_000), (990, 990_000)] {
            let told = delays.quantile_us(per_mille).unwrap();
            assert!(told >= exact && told <= exact + exact / 16, "{per_mille}: {told}");
        }
        assert_eq!(
            (delays.quantile_us(1_000), delays.max_us()),
            (Some(1_000_000), Some(1_000_000))
        );
        let mut both = Delays::default();
        both.add(-5);
        both.merge(&delays);
        assert_eq!((both.count(), both.ahead, both.quantile_us(0)), (1_001, 1, Some(0)));
    }
}
