//! How long to wait before the next attempt: RFC 6455 section 7.2.3.
//!
//! Input: how many attempts failed before the last one. Output: a time, or none. Invariant: no wait
//! is longer than the bound, and clients do not wait in step. Sleeping is left to the caller.

use crate::client::open::entropy::Random;
use crate::options::options;
use crate::wire::Entropy as _;
use std::time::Duration;

options! {
    /// Growing waits with jitter: after a failure of a server, its clients must not all come back
    /// at the same moment.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub const struct Backoff {
        /// The first wait is between nothing and this many milliseconds: 5 s, as
        /// the section proposes.
        pub first_ms: u32 = 5_000,
        /// No wait is longer than this many milliseconds; each is up to twice as long as the one
        /// before.
        pub most_ms: u32 = 60_000,
        /// How many times to try again in a row; 0 means without end.
        pub attempts: u32 = 0,
    }
}

impl Backoff {
    /// The wait before the next attempt, if this many failed before the last one; `None` if there
    /// should be no other. Random in each call: from the whole range at first, then from its upper
    /// half.
    pub fn delay(&self, failed: u32) -> Option<Duration> {
        if self.attempts > 0 && failed >= self.attempts {
            return None;
        }
        let longest = u64::from(self.first_ms) << failed.min(31);
        let longest = longest.min(self.most_ms.into());
        let shortest = if failed == 0 { 0 } else { longest / 2 };
        let mut draw = [0; 4];
        Random.fill(&mut draw);
        let range = longest - shortest + 1;
        let beyond = u64::from(u32::from_ne_bytes(draw)) % range;
        Some(Duration::from_millis(shortest + beyond))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_differ_and_grow_up_to_a_bound() {
        let backoff = Backoff::default().attempts(12);
        let draw = |failed| backoff.delay(failed).map(|delay| delay.as_millis());
        let mut seen: Vec<_> = (0..20).map(|_| draw(0)).collect();
        assert!(seen.iter().all(|ms| ms.is_some_and(|ms| ms <= 5_000)));
        seen.dedup();
        assert!(seen.len() > 10);
        for (failed, range) in [
            (1, 5_000..=10_000),
            (2, 10_000..=20_000),
            (11, 30_000..=60_000),
        ] {
            for _ in 0..100 {
                assert!(draw(failed).is_some_and(|ms| range.contains(&ms)));
            }
        }
        assert_eq!(draw(12), None);
    }
}
