//! Mode `idle`: connections that say nothing, and what each of them costs in memory.
//!
//! Input: nothing but Pongs, and with `--touch` one echo. Output: Pings, by the library, when
//! a connection has been silent. The base is taken after a few connections have come and gone, so
//! that the pages of the program itself are not counted as theirs.

use crate::cli::common::Failure;
use crate::cli::tools::bench::clock::Nanos;
use crate::cli::tools::bench::crew::{Crew, Fleet, Load, Site};
use crate::cli::tools::bench::figures::Memory;
use crate::cli::tools::bench::interrupt::Interrupt;
use crate::cli::tools::bench::opening::open_all;
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::bench::process::{number, resident};
use crate::cli::tools::bench::tally::Tally;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirebell::Message;
use wirebell::client::Client;
use wirebell::net::{Context, PeerId};

/// Connections that come and go before the base is taken.
const FIRST: usize = 64;

/// What is freed is seen after this time.
const SETTLE: Duration = Duration::from_millis(300);

pub struct Idle {
    site: Site,
    tally: Tally,
}

impl Load for Idle {
    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if self.site.plan.args.touch {
            self.tally.sent += 1;
            self.site.gauge.pending.add(1);
            let _ = context.send(peer, self.site.plan.message());
        }
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, message: Message<'_>) {
        // A greeting is no answer.
        let right = message == self.site.plan.message();
        if right && self.tally.answered < self.tally.sent {
            self.site.gauge.pending.sub(1);
            self.tally.answered += 1;
        } else {
            self.tally.passed_over += 1;
        }
    }

    fn tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }
}

/// What a run has come to.
pub struct Outcome {
    pub fleet: Fleet,
    pub opened_in: Duration,
    pub held: Duration,
    pub memory: Option<Memory>,
}

/// Not longer than until a signal.
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
    let fleet = Fleet::start(plan, |site| {
        let load = Idle {
            site: site.clone(),
            tally: Tally::default(),
        };
        Crew::new(site, load)
    })?;
    let opened_in = open_all(plan, &fleet, interrupt)?;
    let began = Instant::now();
    let time = Duration::from_millis(plan.args.duration.0.into());
    sleep(plan, time, interrupt);
    let after = Snapshot::of(plan)?;
    let open = fleet.board.sum(|gauge| &gauge.open).max(1) as f64;
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
        fleet,
        opened_in,
        held: began.elapsed(),
        memory,
    })
}

/// A few connections, which do what all the others will do.
fn come_and_go(plan: &Plan) -> Result<(), Failure> {
    let what = |error| crate::cli::tools::common::client::failure(error);
    let mut clients = Vec::new();
    for _ in 0..FIRST {
        let mut client = Client::open(&plan.endpoint).map_err(what)?;
        if plan.args.touch {
            let patience = plan.patience();
            client.set_receive_timeout(Some(patience));
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
