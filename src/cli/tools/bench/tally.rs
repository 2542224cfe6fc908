//! What is counted: live, for the main thread to look at, and in full, for the report.
//!
//! Invariant: each [`Gauge`] has one writer, so that counting takes no locked instruction; what
//! belongs to the measurement is decided by when it began.

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

/// A number that one thread counts and others read.
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
#[repr(align(128))] // No line of the cache is shared with another thread.
pub struct Gauge {
    /// Connections that were opened, that could not be, and that ended by themselves.
    pub opened: Count,
    pub failed: Count,
    pub lost: Count,
    /// Connections that are open.
    pub open: Count,
    /// Messages that were answered, delivered, or handshakes that are through.
    pub done: Count,
    /// Messages that are waited for.
    pub pending: Count,
    /// The loop has heard that the load is over.
    pub cut: Count,
}

/// The gauges of all loops.
#[derive(Clone, Debug)]
pub struct Board(pub Vec<Arc<Gauge>>);

impl Board {
    pub fn sum(&self, of: impl Fn(&Gauge) -> &Count) -> u64 {
        self.0.iter().map(|gauge| of(gauge).get()).sum()
    }
}

/// What one loop has measured.
#[derive(Debug)]
pub struct Tally {
    pub latency: Latencies,
    /// How long after its time a message has left.
    pub late: Latencies,
    /// Within the measurement.
    pub sent: u64,
    pub answered: u64,
    /// Answers that were not what was sent, or that nobody had asked for.
    pub wrong: u64,
    /// Messages of the server that came before anything was asked, such as a greeting.
    pub passed_over: u64,
    /// By the number of the publication: how many have it, and when the last one got it.
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
