//! Memory that connections keep between messages, counted before it is taken.
//!
//! Invariant: the sum of all [`Reservation`]s of one budget never exceeds its limit; dropping one
//! gives it back. Shared by all threads of a server.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

/// A shared number of bytes. Clones share it.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: usize,
    used: Arc<AtomicUsize>,
}

/// Bytes taken out of a [`Budget`] until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            used: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// Takes `bytes`, or nothing if not all of them are left.
    pub fn reserve(&self, bytes: usize) -> Option<Reservation> {
        self.take(bytes).then(|| Reservation {
            budget: self.clone(),
            bytes,
        })
    }

    fn take(&self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        // Only the sum matters; it orders no other memory.
        let order = Ordering::Relaxed;
        self.used.fetch_update(order, order, fits).is_ok()
    }

    /// Bytes that are taken.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.limit - self.used()
    }
}

impl Reservation {
    /// Grows the reservation to `bytes` in total; `false` if they are not left. Never shrinks it.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let taken = self.budget.take(more);
        if taken {
            self.bytes += more;
        }
        taken
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
