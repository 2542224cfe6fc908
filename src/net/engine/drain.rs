//! When each connection is closed during a graceful stop, and with which words.
//!
//! Input: the connections, and how long it may take. Output: those whose turn has come. Invariant:
//! each is given out once, evenly over that time. Closing them is left to `stop`.

use crate::proto::Millis;
use crate::wire::CloseCode;

/// Milliseconds that each connection may add to the time over which Closes are spread: a hundred a
/// second is no crowd for another server, and a stop with few clients takes no time.
const EACH_MS: Millis = 10;

/// Connections that are to be closed, one after another.
#[derive(Debug)]
pub(super) struct Drain {
    indices: Vec<u32>,
    /// How many of them were given out.
    closed: usize,
    from: Millis,
    over: Millis,
}

impl Drain {
    /// Begins now, for at most so long.
    pub(super) fn new(indices: Vec<u32>, now: Millis, most: Millis) -> Self {
        Self {
            over: most.min(indices.len() as Millis * EACH_MS),
            indices,
            closed: 0,
            from: now,
        }
    }

    /// Those whose turn has come, the first of them at once.
    pub(super) fn take(&mut self, now: Millis) -> &[u32] {
        let (count, elapsed) = (self.indices.len() as Millis, now - self.from);
        let due = match elapsed < self.over {
            true => (elapsed * count / self.over + 1) as usize,
            false => self.indices.len(),
        };
        let closed = std::mem::replace(&mut self.closed, due);
        &self.indices[closed..due]
    }

    /// When the next one is to be closed.
    pub(super) fn deadline(&self) -> Millis {
        let count = (self.indices.len() as Millis).max(1);
        self.from + (self.closed as Millis * self.over).div_ceil(count)
    }

    /// All were given out.
    pub(super) fn is_done(&self) -> bool {
        self.closed == self.indices.len()
    }

    /// When it is over.
    pub(super) fn end(&self) -> Millis {
        self.from + self.over
    }
}

/// Why connections end that a stop ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Farewell {
    pub(super) code: CloseCode,
    pub(super) reason: &'static str,
}

impl Farewell {
    pub(super) const STOP: Self = Self {
        code: CloseCode::GOING_AWAY,
        reason: "the server is stopping",
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_deadline_brings_one_more() {
        for (count, most) in [(1, 10_000), (3, 10_000), (7, 50), (2_000, 10_000), (5, 0)] {
            let mut drain = Drain::new((0..count).collect(), 100, most);
            let mut all = Vec::new();
            while !drain.is_done() {
                let at = drain.deadline();
                assert!(at <= drain.end());
                let some = drain.take(at);
                assert!(!some.is_empty(), "{count} in {most}");
                all.extend_from_slice(some);
            }
            assert_eq!(all, (0..count).collect::<Vec<_>>());
            assert!(drain.end() <= 100 + most);
        }
        assert!(Drain::new(Vec::new(), 0, 10_000).is_done());
    }
}
