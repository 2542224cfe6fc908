//! The start of a run: opens all connections.
//!
//! Input: a plan and its loops. Output: how long it took. Invariant: it ends even if connections do
//! not open.

use crate::cli::common::Failure;
use crate::cli::tools::bench::interrupt::Interrupt;
use crate::cli::tools::bench::load_loop::{Command, LoadPool};
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::common::progress::Progress;
use std::time::{Duration, Instant};

/// Waits until all connections are open or have failed. Gives up when no more open: if each
/// handshake timed out, a thousand of them would take hours.
pub fn open_all(plan: &Plan, pool: &LoadPool, interrupt: &Interrupt) -> Result<Duration, Failure> {
    let began = Instant::now();
    let all = u64::from(plan.args.connections);
    let pacers = plan.whole_ramp().map(|ramp| pool.pace(plan, ramp));
    let mut progress = Progress::new();
    let (mut before, mut grew) = (0, Instant::now());
    while !interrupt.came() && grew.elapsed() < plan.longest_gap() {
        let opened = pool.gauges.sum(|gauge| &gauge.opened);
        let failed = pool.gauges.sum(|gauge| &gauge.failed);
        // If the first connection fails, the server is down: do not try the others.
        if opened + failed >= all || (opened == 0 && failed > 0) {
            break;
        }
        if opened > before {
            (before, grew) = (opened, Instant::now());
        }
        progress.show(|| format!("{opened} of {all} connections are open"));
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(pacers);
    pool.send(Command::StopOpening);
    Ok(began.elapsed())
}
