//! Rate-limits log lines that a peer can provoke, and counts those that were left out.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two lines of one kind: still visible to a person, and a flood of refusals does not
/// fill the disk.
const INTERVAL: Duration = Duration::from_secs(10);

/// When a kind of line was last written.
#[derive(Debug, Default)]
pub struct Seldom {
    state: Mutex<(Option<Instant>, u64)>,
}

/// How many were left out since the last line; printed as a part of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Others(u64);

impl Seldom {
    /// Whether to write a line now; if so, how many were left out before it.
    pub fn turn(&self) -> Option<Others> {
        self.turn_at(Instant::now())
    }

    fn turn_at(&self, now: Instant) -> Option<Others> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, others) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            *others += 1;
            return None;
        }
        *last = Some(now);
        Some(Others(std::mem::take(others)))
    }
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            others => write!(f, " ({others} more like this)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_and_a_count() {
        let (seldom, now) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.turn_at(now), Some(Others(0)));
        for _ in 0..1000 {
            assert_eq!(seldom.turn_at(now), None);
        }
        let later = seldom.turn_at(now + INTERVAL).unwrap();
        assert_eq!(later.to_string(), " (1000 more like this)");
        assert_eq!(seldom.turn_at(now + INTERVAL * 2).unwrap().to_string(), "");
    }
}
