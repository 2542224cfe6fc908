//! How long things took, as a histogram with fixed bounds.
//!
//! Input: durations. Output: counts by bound, and their sum. Invariant: it has one writer and a
//! fixed size; adding to it takes no lock.

use std::time::Duration;

/// Upper bounds in microseconds: from what a fan-out in memory takes to what a person calls an
/// outage.
const BOUNDS: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 5_000_000,
];

/// A histogram of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// By bound; the last one has no bound.
    counts: [u64; BOUNDS.len() + 1],
    /// Microseconds.
    sum: u64,
}

impl Latency {
    /// Records one duration.
    pub fn record(&mut self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counts[BOUNDS.partition_point(|bound| *bound < took)] += 1;
        self.sum = self.sum.saturating_add(took);
    }

    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all durations, in seconds.
    pub fn seconds(&self) -> f64 {
        self.sum as f64 / 1e6
    }

    /// For each bound, in seconds, how many durations do not exceed it.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut count = 0;
        BOUNDS.iter().zip(self.counts).map(move |(bound, here)| {
            count += here;
            (*bound as f64 / 1e6, count)
        })
    }
}

impl std::ops::AddAssign for Latency {
    fn add_assign(&mut self, other: Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum = self.sum.saturating_add(other.sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_within_its_bound() {
        let mut latency = Latency::default();
        for us in [0, 100, 101, 5_000_000, 5_000_001] {
            latency.record(Duration::from_micros(us));
        }
        let buckets: Vec<_> = latency.buckets().collect();
        assert_eq!(buckets[..2], [(0.0001, 2), (0.00025, 3)]);
        assert_eq!(buckets.last(), Some(&(5.0, 4)));
        assert_eq!((latency.count(), latency.seconds()), (5, 10.000_202));
        let mut sum = latency;
        sum += latency;
        assert_eq!((sum.count(), sum.buckets().last()), (10, Some((5.0, 8))));
    }
}
