//! What is counted: live, for the main thread, and in full, for the report.
//!
//! Invariant: each [`Gauge`] has one writer, so that counting needs no locked instruction; what
//! belongs to the measurement depends on when it began.

use crate::cli::common::Failure;
use hdrhistogram::Histogram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Latencies in nanoseconds, to three digits, up to an hour.
pub type Latencies = Histogram<u64>;

const HOUR: u64 = 3_600_000_000_000;

pub fn latencies() -> Latencies {
    match Histogram::new_with_bounds(1, HOUR, 3) {
        Ok(histogram) => histogram,
        Err(error) => unreachable!("the bounds are constant: {error}"),
    }
}

/// A counter that one thread writes and others read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed) + n, Relaxed);
    }

    #[inline]
    pub fn sub(&self, n: u64) {
        self.0.store(self.0.load(Relaxed) - n, Relaxed);
    }

    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The live counts of one event loop.
#[derive(Debug, Default)]
#[repr(align(128))] // No cache line is shared with another thread.
pub struct Gauge {
    /// Connections that opened, that failed to open, and that were lost.
    pub opened: Count,
    pub failed: Count,
    pub lost: Count,
    /// Connections that are open.
    pub open: Count,
    /// Messages answered or delivered, or handshakes completed.
    pub done: Count,
    /// Messages without an answer so far.
    pub pending: Count,
    /// The loop has been told that the load is over.
    pub cut: Count,
}

/// The gauges of all loops.
#[derive(Clone, Debug)]
pub struct Gauges(pub Vec<Arc<Gauge>>);

impl Gauges {
    pub fn sum(&self, of: impl Fn(&Gauge) -> &Count) -> u64 {
        self.0.iter().map(|gauge| of(gauge).get()).sum()
    }
}

/// What one loop has measured.
#[derive(Debug)]
pub struct Tally {
    pub latency: Latencies,
    /// How long after it was due a message was sent.
    pub late: Latencies,
    /// Within the measurement.
    pub sent: u64,
    pub answered: u64,
    /// Answers that differ from what was sent, or were unsolicited.
    pub wrong: u64,
    /// Messages that the server sent before the load, such as a greeting.
    pub passed_over: u64,
    /// By number of publication: how many subscribers have it, and when the last one got it.
    pub arrivals: Vec<Arrival>,
    /// The first failure of a connection.
    pub failure: Option<Failure>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Arrival {
    pub count: u32,
    pub last: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            latency: latencies(),
            late: latencies(),
            sent: 0,
            answered: 0,
            wrong: 0,
            passed_over: 0,
            arrivals: Vec::new(),
            failure: None,
        }
    }
}

impl Tally {
    pub fn merge(mut self, other: Self) -> Self {
        add(&mut self.latency, &other.latency);
        add(&mut self.late, &other.late);
        self.sent += other.sent;
        self.answered += other.answered;
        self.wrong += other.wrong;
        self.passed_over += other.passed_over;
        self.failure = self.failure.or(other.failure);
        let len = self.arrivals.len().max(other.arrivals.len());
        self.arrivals.resize(len, Arrival::default());
        for (ours, theirs) in self.arrivals.iter_mut().zip(other.arrivals) {
            ours.count += theirs.count;
            ours.last = ours.last.max(theirs.last);
        }
        self
    }
}

fn add(to: &mut Latencies, from: &Latencies) {
    let added = to.add(from);
    debug_assert!(added.is_ok(), "they have the same bounds");
}
