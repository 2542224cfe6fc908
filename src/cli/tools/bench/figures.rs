//! What a run has come to, in numbers, before anything is made of them.
//!
//! Input: the crews at their end. Output: counts, latencies, CPU time, memory. What they mean is
//! left to `report`.

use crate::cli::tools::bench::clock::Window;
use crate::cli::tools::bench::crew::Fleet;
use crate::cli::tools::bench::interrupt::Interrupt;
use crate::cli::tools::bench::tally::{Latencies, Tally};
use serde::Serialize;
use std::time::Duration;

/// What a run has come to.
pub struct Figures {
    pub opened: u64,
    pub failed: u64,
    pub lost: u64,
    pub opened_in: Duration,
    /// The time of the measurement.
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
    /// Shared pages counted in parts, where the kernel tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proportional_per_connection: Option<f64>,
}

impl Figures {
    pub fn new(fleet: Fleet, opened_in: Duration, window: Window, interrupt: &Interrupt) -> Self {
        let board = fleet.board.clone();
        // Before the end, which closes everything.
        let sum = (
            board.sum(|gauge| &gauge.opened),
            board.sum(|gauge| &gauge.failed),
            board.sum(|gauge| &gauge.lost),
        );
        Self {
            opened: sum.0,
            failed: sum.1,
            lost: sum.2,
            opened_in,
            measured: Duration::from_nanos(window.until.saturating_sub(window.from)),
            interrupted: interrupt.came(),
            tally: fleet.finish(),
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
