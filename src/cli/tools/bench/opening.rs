//! The beginning of a run: all connections are opened.
//!
//! Input: a plan and its crews. Output: how long it took. Invariant: it ends, also where
//! connections do not open.

use crate::cli::common::Failure;
use crate::cli::tools::bench::crew::{Fleet, Order};
use crate::cli::tools::bench::interrupt::Interrupt;
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::bench::progress::Progress;
use std::time::{Duration, Instant};

/// Waits until all connections are open, or known not to open. Gives up when none opens any more:
/// where each handshake times out, a thousand of them would take hours.
pub fn open_all(plan: &Plan, fleet: &Fleet, interrupt: &Interrupt) -> Result<Duration, Failure> {
    let began = Instant::now();
    let all = u64::from(plan.args.connections);
    let pacers = plan.whole_ramp().map(|ramp| fleet.pace(plan, ramp));
    let mut progress = Progress::new();
    let (mut before, mut grew) = (0, Instant::now());
    while !interrupt.came() && grew.elapsed() < plan.longest_gap() {
        let opened = fleet.board.sum(|gauge| &gauge.opened);
        let failed = fleet.board.sum(|gauge| &gauge.failed);
        // A server that is not there is not asked as often as there are connections.
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
    fleet.order(Order::Enough);
    Ok(began.elapsed())
}
