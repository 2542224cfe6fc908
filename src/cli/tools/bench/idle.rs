//! Mode `idle`: connections without traffic, and what each costs in memory.
//!
//! Input: nothing but Pongs, and with `--touch` one echo. Output: Pings, by the library, when a
//! connection has been silent. The baseline is taken after a few connections have come and gone, so
//! that the pages of the program itself are not counted.

use crate::cli::common::Failure;
use crate::cli::tools::bench::clock::Nanos;
use crate::cli::tools::bench::figures::Memory;
use crate::cli::tools::bench::interrupt::Interrupt;
use crate::cli::tools::bench::load_loop::{Load, LoadLoop, LoadPool, LoopContext};
use crate::cli::tools::bench::opening::open_all;
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::bench::process::{number, resident};
use crate::cli::tools::bench::tally::Tally;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirebell::Message;
use wirebell::client::Client;
use wirebell::net::{Context, PeerId};

/// Connections that come and go before the baseline is taken.
const FIRST: usize = 64;

/// Freed memory shows after this time.
const SETTLE: Duration = Duration::from_millis(300);

pub struct Idle {
    run: LoopContext,
    tally: Tally,
}

impl Load for Idle {
    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if self.run.plan.args.touch {
            self.tally.sent += 1;
            self.run.gauge.pending.add(1);
            let _ = context.send(peer, self.run.plan.message());
        }
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, message: Message<'_>) {
        // A greeting is not an answer.
        let right = message == self.run.plan.message();
        if right && self.tally.answered < self.tally.sent {
            self.run.gauge.pending.sub(1);
            self.tally.answered += 1;
        } else {
            self.tally.passed_over += 1;
        }
    }

    fn tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }
}

/// The result of a run.
pub struct Outcome {
    pub pool: LoadPool,
    pub opened_in: Duration,
    pub held: Duration,
    pub memory: Option<Memory>,
}

/// A signal ends the wait early.
fn sleep(plan: &Plan, time: Duration, interrupt: &Interrupt) {
    let at = plan.clock.now() + time.as_nanos() as Nanos;
    plan.clock.sleep_until(at, || interrupt.came());
}

pub fn run(plan: &Arc<Plan>, interrupt: &Interrupt) -> Result<Outcome, Failure> {
    if plan.args.pid.is_some() {
        come_and_go(plan)?;
        sleep(plan, SETTLE, interrupt);
    }
    let before = Snapshot::of(plan)?;
    let pool = LoadPool::start(plan, |run| {
        let load = Idle {
            run: run.clone(),
            tally: Tally::default(),
        };
        LoadLoop::new(run, load)
    })?;
    let opened_in = open_all(plan, &pool, interrupt)?;
    let began = Instant::now();
    let time = Duration::from_millis(plan.args.duration.0.into());
    sleep(plan, time, interrupt);
    let after = Snapshot::of(plan)?;
    let open = pool.gauges.sum(|gauge| &gauge.open).max(1) as f64;
    let memory = before.zip(after).map(|(before, after)| Memory {
        resident_before: before.resident,
        resident_open: after.resident,
        resident_per_connection: (after.resident as f64 - before.resident as f64) / open,
        proportional_per_connection: before
            .proportional
            .zip(after.proportional)
            .map(|(before, after)| (after as f64 - before as f64) / open),
    });
    Ok(Outcome {
        pool,
        opened_in,
        held: began.elapsed(),
        memory,
    })
}

/// Opens a few connections, which do what all others will do.
fn come_and_go(plan: &Plan) -> Result<(), Failure> {
    let what = |error| crate::cli::tools::common::client::failure(error);
    let mut clients = Vec::new();
    for _ in 0..FIRST {
        let mut client = Client::open(&plan.endpoint).map_err(what)?;
        if plan.args.touch {
            let timeout = plan.timeout();
            client.set_receive_timeout(Some(timeout));
            client.send(plan.message()).map_err(what)?;
            client.receive().map_err(what)?;
        }
        clients.push(client);
    }
    for client in &clients {
        client.close(None, "").map_err(what)?;
    }
    Ok(())
}

struct Snapshot {
    resident: u64,
    proportional: Option<u64>,
}

impl Snapshot {
    fn of(plan: &Plan) -> Result<Option<Self>, Failure> {
        let Some(pid) = plan.args.pid else {
            return Ok(None);
        };
        let what = |error| Failure::failed(format!("--pid {pid}: {error}"));
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
        let proportional = rollup.ok().map(|text| number(&text, "Pss:") * 1024);
        Ok(Some(Self {
            resident: resident(pid).map_err(what)?,
            proportional,
        }))
    }
}
