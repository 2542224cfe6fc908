//! What a server holds for its peers, all loops together: one number and one bound.
//!
//! Input: changes of the bytes held. Output: whether they are too many. Counted are unfinished
//! requests and messages, paused input, send queues with their records, queued frames (once,
//! however many queues share them), mail, and what is kept of requests for an access log until they
//! are answered. Not counted are the record of a connection,
//! compression, which has its own budget, and a few buffers of each loop. RFC 6455 section 10.4.

use crate::net::wake::Wake;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// The account of one server; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    held: AtomicUsize,
    /// Bytes that each loop holds for its own peers, without what is shared.
    in_loops: AtomicUsize,
    limit: usize,
    loops: usize,
    wakers: OnceLock<Vec<Wake>>,
    /// The loops have been woken because too much is held, and have not made room yet.
    called: AtomicBool,
}

impl Memory {
    /// An empty account of at most `limit` bytes for `loops` event loops.
    pub(crate) fn new(limit: usize, loops: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                held: AtomicUsize::new(0),
                in_loops: AtomicUsize::new(0),
                limit,
                loops: loops.max(1),
                wakers: OnceLock::new(),
                called: AtomicBool::new(false),
            }),
        }
    }

    /// How to reach the loops when there is too much.
    pub(crate) fn set_wakers(&self, wakers: &[Wake]) {
        self.shared.wakers.get_or_init(|| wakers.to_vec());
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.shared.held.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn sub(&self, bytes: usize) {
        self.shared.held.fetch_sub(bytes, Relaxed);
    }

    /// What a loop holds for one peer was `before` and is `after`.
    pub(crate) fn change(&self, before: usize, after: usize) {
        self.change_shared(before, after);
        let difference = after.wrapping_sub(before);
        self.shared.in_loops.fetch_add(difference, Relaxed);
    }

    /// The same for what belongs to no loop.
    pub(crate) fn change_shared(&self, before: usize, after: usize) {
        // Wrapping: the difference may be negative, but never the sums.
        let difference = after.wrapping_sub(before);
        self.shared.held.fetch_add(difference, Relaxed);
    }

    /// How much must go until there is room again; 0 while the limit is kept. `more` bytes are
    /// still to be added.
    pub(crate) fn excess(&self, more: usize) -> usize {
        let held = self.held() + more;
        match held > self.shared.limit {
            true => held - self.target(),
            false => 0,
        }
    }

    /// Bytes held now.
    pub(crate) fn held(&self) -> usize {
        self.shared.held.load(Relaxed)
    }

    pub(crate) fn limit(&self) -> usize {
        self.shared.limit
    }

    /// There is no room for `more` bytes.
    #[inline]
    pub(crate) fn lacks(&self, more: usize) -> bool {
        more > 0 && self.held() + more > self.shared.limit
    }

    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.held() > self.shared.limit
    }

    /// More is held than where shedding stops; `more` bytes are still to be added.
    pub(crate) fn is_over_target(&self, more: usize) -> bool {
        self.held() + more > self.target()
    }

    /// Where to stop shedding: an eighth below the limit, so that it is not due again at the next
    /// read.
    fn target(&self) -> usize {
        self.shared.limit / 8 * 7
    }

    /// A loop that holds `own` bytes holds at least the average of all loops: it should make room.
    /// At least one loop does.
    pub(crate) fn concerns(&self, own: usize) -> bool {
        own >= self.shared.in_loops.load(Relaxed) / self.shared.loops
    }

    /// Wakes all loops, so that the one that holds most makes room, even if it was asleep.
    pub(crate) fn call(&self) {
        if self.shared.called.swap(true, Relaxed) {
            return;
        }
        for waker in self.shared.wakers.get().into_iter().flatten() {
            waker.wake();
        }
    }

    /// Room has been made.
    pub(crate) fn answered(&self) {
        self.shared.called.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_loop_at_least_is_concerned() {
        let memory = Memory::new(100, 3);
        memory.change(0, 90);
        memory.change(0, 10);
        memory.add(30);
        assert!(memory.is_over());
        assert!(memory.concerns(90) && !memory.concerns(10) && !memory.concerns(0));
        memory.change(90, 40);
        assert_eq!(memory.held(), 80);
        assert!(!memory.is_over() && !memory.is_over_target(0));
        memory.sub(30);
        memory.change(40, 0);
        memory.change(10, 0);
        assert_eq!(memory.held(), 0);
        assert!(memory.concerns(0), "no loop holds more");
    }
}
