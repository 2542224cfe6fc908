//! The raw figures of a run.
//!
//! Input: the loops at their end. Output: counts, latencies, CPU time, memory. Interpreting them is
//! left to `report`.

use crate::cli::tools::bench::clock::Window;
use crate::cli::tools::bench::interrupt::Interrupt;
use crate::cli::tools::bench::load_loop::LoadPool;
use crate::cli::tools::bench::tally::{Latencies, Tally};
use serde::Serialize;
use std::time::Duration;

/// The raw figures of a run.
pub struct Figures {
    pub opened: u64,
    pub failed: u64,
    pub lost: u64,
    pub opened_in: Duration,
    /// The duration of the measurement.
    pub measured: Duration,
    pub interrupted: bool,
    pub tally: Tally,
    /// Publications, and from each of them to its last subscriber.
    pub published: Option<(u64, Latencies)>,
    pub cpu: Option<Cpu>,
    pub memory: Option<Memory>,
}

/// CPU time during the measurement.
pub struct Cpu {
    /// Messages, deliveries or handshakes within the same time.
    pub units: u64,
    pub server_ns: Option<u64>,
    pub own_ns: u64,
    pub wall_ns: u64,
}

/// Bytes of the server, before and with all connections open.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    pub resident_before: u64,
    pub resident_open: u64,
    pub resident_per_connection: f64,
    /// Proportional set size, where the kernel reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proportional_per_connection: Option<f64>,
}

impl Figures {
    pub fn new(pool: LoadPool, opened_in: Duration, window: Window, interrupt: &Interrupt) -> Self {
        let gauges = pool.gauges.clone();
        // Before the end, which closes everything.
        let sum = (
            gauges.sum(|gauge| &gauge.opened),
            gauges.sum(|gauge| &gauge.failed),
            gauges.sum(|gauge| &gauge.lost),
        );
        Self {
            opened: sum.0,
            failed: sum.1,
            lost: sum.2,
            opened_in,
            measured: Duration::from_nanos(window.until.saturating_sub(window.from)),
            interrupted: interrupt.came(),
            tally: pool.finish(),
            published: None,
            cpu: None,
            memory: None,
        }
    }

    pub fn with_cpu(self, cpu: Cpu) -> Self {
        Self {
            cpu: Some(cpu),
            ..self
        }
    }
}
