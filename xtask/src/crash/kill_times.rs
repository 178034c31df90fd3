//! When to kill: seeded, so that a failing series can be repeated as far as the machine allows.

use std::time::Duration;

/// The shortest delay of the logarithmic half; a process has hardly begun to run by then.
const SHORTEST_S: f64 = 0.000_05;

/// An endless series of delays, from zero to the time of a straight run.
pub(crate) struct KillTimes {
    state: u64,
    longest_s: f64,
}

impl KillTimes {
    pub(crate) fn new(seed: u64, longest: Duration) -> Self {
        Self { state: seed, longest_s: longest.as_secs_f64().max(SHORTEST_S) }
    }

    /// Half of the delays are even over the time of a run, to meet every part of its work. The
    /// others are even over its orders of magnitude, to meet the start and the recovery.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let even = self.fraction() < 0.5;
        let at = self.fraction();
        let seconds = if even {
            at * self.longest_s
        } else {
            SHORTEST_S * (self.longest_s / SHORTEST_S).powf(at)
        };
        Duration::from_secs_f64(seconds)
    }

    /// A number in 0..1 (`SplitMix64`: Steele, Lea, Flood 2014).
    fn fraction(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_spread_over_the_run_and_its_first_milliseconds() {
        let longest = Duration::from_secs(10);
        let mut times = KillTimes::new(3, longest);
        let delays: Vec<Duration> = (0..2_000).map(|_| times.next_delay()).collect();
        let within = |from_ms, to_ms| {
            let range = Duration::from_millis(from_ms)..Duration::from_millis(to_ms);
            delays.iter().filter(|delay| range.contains(delay)).count()
        };
        assert!(delays.iter().all(|delay| *delay <= longest));
        assert!(within(0, 1) > 100, "{}", within(0, 1));
        assert!(within(1, 10) > 100, "{}", within(1, 10));
        for second in 0..10 {
            let count = within(second * 1_000, (second + 1) * 1_000);
            assert!(count > 50, "second {second}: {count}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let series = |seed| {
            let mut times = KillTimes::new(seed, Duration::from_secs(1));
            (0..10).map(|_| times.next_delay()).collect::<Vec<_>>()
        };
        assert_eq!(series(5), series(5));
        assert_ne!(series(5), series(6));
    }
}
