//! How often someone may do something: token buckets.
//!
//! Input: what is asked for, by whom, and the time of the loops. Output: yes, or after how many
//! microseconds. A bucket is one number, the time at which it is full again (the generic cell rate
//! algorithm, ITU-T I.371). Invariants: memory is bounded; a caller that has waited as long as it
//! was asked to is not refused because of others. What each bucket is for is left to the callers.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// Buckets that are kept, as they are not full: about 6 MiB. Keys beyond that share one bucket.
const BUCKETS: usize = 65_536;

/// Microseconds between two looks for buckets that are full again.
const SWEEP: u64 = 1_000_000;

/// How often something is allowed: how many times in a period, and how many at once.
///
/// ```
/// use wirebell::net::Rate;
///
/// let rate: Rate = "600/m:20".parse()?;
/// assert_eq!(rate.to_string(), "600/m:20");
/// assert!("10".parse::<Rate>().is_err());
/// # Ok::<(), wirebell::net::BadRate>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    unit: Unit,
    burst: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

/// A text that is not a [`Rate`]; the message says what to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRate;

impl fmt::Display for BadRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a rate such as 10/s or 600/m, or 10/s:50 with 50 at once")
    }
}

impl std::error::Error for BadRate {}

impl Unit {
    const ALL: [(&'static str, Self); 3] =
        [("s", Self::Second), ("m", Self::Minute), ("h", Self::Hour)];

    fn micros(self) -> u64 {
        match self {
            Self::Second => 1_000_000,
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
        }
    }
}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let (count, rest) = text.split_once('/').ok_or(BadRate)?;
        let (unit, burst) = match rest.split_once(':') {
            Some((unit, burst)) => (unit, Some(burst)),
            None => (rest, None),
        };
        let number = |text: &str| match text.parse() {
            Ok(number @ 1..=1_000_000) => Ok(number),
            _ => Err(BadRate),
        };
        let count = number(count)?;
        let unit = Unit::ALL.iter().find(|(name, _)| *name == unit);
        Ok(Self {
            count,
            unit: unit.ok_or(BadRate)?.1,
            burst: burst.map_or(Ok(count), number)?,
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = Unit::ALL.iter().find(|(_, unit)| *unit == self.unit);
        write!(f, "{}/{}", self.count, unit.map_or("s", |it| it.0))?;
        match self.burst == self.count {
            true => Ok(()),
            false => write!(f, ":{}", self.burst),
        }
    }
}

/// The buckets of one rate, by key.
#[derive(Debug)]
pub(crate) struct Throttle<K> {
    rate: Rate,
    buckets: Mutex<Buckets<K>>,
}

#[derive(Debug)]
struct Buckets<K> {
    /// When each is full again, in microseconds.
    full_at: HashMap<K, u64>,
    /// The same for the bucket that is shared by all keys for which there is no room.
    others: u64,
    swept: u64,
}

impl<K: Clone + Eq + Hash> Throttle<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        let buckets = Mutex::new(Buckets {
            full_at: HashMap::new(),
            others: 0,
            swept: 0,
        });
        Self { rate, buckets }
    }

    /// Takes `count` from the bucket of each key; taking more than it holds leaves a debt. If one
    /// of them is empty, takes nothing and returns the microseconds until it no longer is.
    pub(crate) fn take(&self, keys: &[K], count: u64, now: u64) -> Result<(), u64> {
        let each = self.rate.unit.micros() / u64::from(self.rate.count);
        let burst = each * u64::from(self.rate.burst);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = keys.iter().filter_map(|key| {
            let full_at = (*buckets.place(key, now)).max(now);
            (full_at + each)
                .checked_sub(now + burst)
                .filter(|it| *it > 0)
        });
        if let Some(wait) = waits.max() {
            return Err(wait);
        }
        for key in keys {
            let full_at = buckets.place(key, now);
            *full_at = (*full_at).max(now) + each * count;
        }
        Ok(())
    }
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    /// The bucket of this key, or that of the others.
    fn place(&mut self, key: &K, now: u64) -> &mut u64 {
        if self.full_at.len() >= BUCKETS && !self.full_at.contains_key(key) {
            if now >= self.swept + SWEEP {
                self.swept = now;
                self.full_at.retain(|_, full_at| *full_at > now);
            }
            if self.full_at.len() >= BUCKETS {
                return &mut self.others;
            }
        }
        self.full_at.entry(key.clone()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    fn name(text: &str) -> String {
        text.into()
    }

    #[test]
    fn rates_are_read_and_written() {
        for text in ["10/s", "1/h", "600/m:20", "1/s:1000"] {
            assert_eq!(rate(text).to_string(), text);
        }
        assert_eq!(rate("5/s:5").to_string(), "5/s");
        for bad in [
            "",
            "10",
            "/s",
            "0/s",
            "10/d",
            "10/s:",
            "10/s:0",
            "1.5/s",
            "-1/s",
            "9999999/s",
        ] {
            assert_eq!(bad.parse::<Rate>(), Err(BadRate), "{bad:?}");
        }
    }

    #[test]
    fn a_bucket_fills_again_and_says_when() {
        let throttle = Throttle::new(rate("2/s:3"));
        let take = |key: &str, now| throttle.take(&[name(key)], 1, now);
        for _ in 0..3 {
            assert_eq!(take("a", 0), Ok(()));
        }
        assert_eq!(take("a", 0), Err(500_000));
        assert_eq!(take("a", 400_000), Err(100_000));
        assert_eq!(take("b", 400_000), Ok(()), "another one");
        assert_eq!(take("a", 500_000), Ok(()));
        assert_eq!(take("a", 500_000), Err(500_000));
        for _ in 0..3 {
            assert_eq!(take("a", 10_000_000), Ok(()));
        }
        assert_eq!(take("a", 10_000_000), Err(500_000));
    }

    #[test]
    fn both_buckets_have_to_have_room_and_a_batch_leaves_a_debt() {
        let throttle = Throttle::new(rate("1/s:2"));
        let both = [name("a"), name("b")];
        assert_eq!(throttle.take(&both, 10, 0), Ok(()));
        assert_eq!(throttle.take(&both[..1], 1, 0), Err(9_000_000));
        assert_eq!(throttle.take(&[name("c"), name("a")], 1, 0), Err(9_000_000));
        for _ in 0..2 {
            assert_eq!(
                throttle.take(&[name("c")], 1, 0),
                Ok(()),
                "nothing was taken"
            );
        }
    }

    #[test]
    fn memory_is_bounded_and_buckets_that_are_full_are_forgotten() {
        let throttle = Throttle::new(rate("1/s"));
        let take = |n: usize, now| throttle.take(&[name(&n.to_string())], 1, now);
        for n in 0..BUCKETS {
            assert_eq!(take(n, 2_000_000), Ok(()));
        }
        assert_eq!(take(BUCKETS, 2_000_000), Ok(()), "the first of the others");
        assert_eq!(take(BUCKETS + 1, 2_000_000), Err(1_000_000));
        assert_eq!(take(BUCKETS + 1, 3_000_000), Ok(()));
        assert_eq!(throttle.buckets.lock().unwrap().full_at.len(), 1);
    }
}
