//! One run from the first connection to the last answer, in the main thread.
//!
//! ```text
//!   open ──▶ warm up ──▶ measure ──▶ wait for what is missing ──▶ close
//!            start       from        until
//! ```
//!
//! Input: a plan. Output: [`Figures`]. Invariant: CPU time is divided by the messages of the
//! same span of time, warm-up and end excluded.

use crate::cli::common::Failure;
use crate::cli::tools::bench::args::Mode;
use crate::cli::tools::bench::clock::{Clock, Nanos, SECOND, Window, wait};
use crate::cli::tools::bench::echo::Echo;
use crate::cli::tools::bench::fanout::{Flights, Subscribers};
use crate::cli::tools::bench::figures::{Cpu, Figures};
use crate::cli::tools::bench::handshake::Handshakes;
use crate::cli::tools::bench::idle;
use crate::cli::tools::bench::interrupt::Interrupt;
use crate::cli::tools::bench::load_loop::{Command, LoadLoop, LoadPool};
use crate::cli::tools::bench::opening::open_all;
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::bench::process::cpu_ns;
use crate::cli::tools::bench::publish::{Publisher, Publishers};
use crate::cli::tools::bench::tally::latencies;
use crate::cli::tools::common::progress::Progress;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub fn run(plan: &Arc<Plan>) -> Result<Figures, Failure> {
    let interrupt = Interrupt::on_signals()?;
    plan.check_files()?;
    match plan.args.mode {
        Mode::Echo => echo(plan, &interrupt),
        Mode::Idle => idle(plan, &interrupt),
        Mode::FanOut => fan_out(plan, &interrupt),
        Mode::Handshake => handshakes(plan, &interrupt),
    }
}

fn echo(plan: &Arc<Plan>, interrupt: &Interrupt) -> Result<Figures, Failure> {
    let pool = LoadPool::start(plan, |run| LoadLoop::new(run.clone(), Echo::new(run)))?;
    let opened_in = open_all(plan, &pool, interrupt)?;
    wait(plan.timeout(), || {
        interrupt.came() || pool.gauges.sum(|gauge| &gauge.pending) == 0
    });
    let window = window(plan);
    let (window, cpu) = measure(plan, &pool, window, interrupt)?;
    Ok(Figures::new(pool, opened_in, window, interrupt).with_cpu(cpu))
}

fn handshakes(plan: &Arc<Plan>, interrupt: &Interrupt) -> Result<Figures, Failure> {
    let pool = LoadPool::start(plan, Handshakes::new)?;
    let window = window(plan);
    let (window, cpu) = measure(plan, &pool, window, interrupt)?;
    Ok(Figures::new(pool, Duration::ZERO, window, interrupt).with_cpu(cpu))
}

fn idle(plan: &Arc<Plan>, interrupt: &Interrupt) -> Result<Figures, Failure> {
    let idle::Outcome {
        pool,
        opened_in,
        held,
        memory,
    } = idle::run(plan, interrupt)?;
    let window = Window {
        until: held.as_nanos() as Nanos,
        ..Window::default()
    };
    Ok(Figures {
        memory,
        ..Figures::new(pool, opened_in, window, interrupt)
    })
}

fn fan_out(plan: &Arc<Plan>, interrupt: &Interrupt) -> Result<Figures, Failure> {
    let flights = Arc::new(Flights::new(plan.args.publishers));
    let ours = Arc::clone(&flights);
    let pool = LoadPool::start(plan, move |run| {
        let load = Subscribers::new(run.clone(), Arc::clone(&ours));
        LoadLoop::new(run, load)
    })?;
    let opened_in = open_all(plan, &pool, interrupt)?;
    let subscribers = pool.gauges.sum(|gauge| &gauge.open);
    if subscribers == 0 || interrupt.came() {
        let window = Window::default();
        return Ok(Figures::new(pool, opened_in, window, interrupt));
    }
    let publisher = |n| Publisher::new(plan, &flights, n, subscribers as u32);
    let publishers = (0..plan.args.publishers).map(publisher);
    let mut publishers: Vec<_> = publishers.collect::<Result<_, _>>()?;
    publishers[0].probe()?;
    let before = pool.gauges.sum(|gauge| &gauge.done);
    let published = || flights.measured.load(Ordering::Acquire);
    let others = flights.others.load(Ordering::Acquire);
    let window = window(plan);
    let publishers = Publishers::start(publishers, window);
    let (window, cpu) = measure(plan, &pool, window, interrupt)?;
    let failure = publishers.finish(window.until);
    let all = published() + flights.others.load(Ordering::Acquire) - others;
    wait(plan.timeout(), || {
        pool.gauges.sum(|gauge| &gauge.done) >= before + all * subscribers
    });
    let mut figures = Figures::new(pool, opened_in, window, interrupt).with_cpu(cpu);
    let mut to_last = latencies();
    for arrival in &figures.tally.arrivals {
        if u64::from(arrival.count) == subscribers {
            to_last.saturating_record(arrival.last);
        }
    }
    figures.tally.sent = published() * subscribers;
    figures.published = Some((published(), to_last));
    figures.tally.failure = failure.or(figures.tally.failure);
    Ok(figures)
}

/// The times of a load that begins now.
fn window(plan: &Plan) -> Window {
    let start = plan.clock.now();
    let ns = |ms: u32| Nanos::from(ms) * 1_000_000;
    let from = start + ns(plan.args.warm_up.0);
    Window {
        start,
        from,
        until: from + ns(plan.args.duration.0),
    }
}

/// Loads the server; returns the actual window.
fn measure(
    plan: &Plan,
    pool: &LoadPool,
    mut window: Window,
    interrupt: &Interrupt,
) -> Result<(Window, Cpu), Failure> {
    let done = || pool.gauges.sum(|gauge| &gauge.done);
    let mut watch = Watch::new(plan, pool);
    pool.send(Command::Begin(window));
    let schedule = match plan.args.mode {
        Mode::FanOut => None, // Its publishers keep the schedule.
        _ => plan.whole_schedule(window.start),
    };
    let pacers = schedule.map(|schedule| pool.pace(plan, schedule));
    watch.until(window.from, interrupt);
    let (cpu, units, from) = (Snapshot::of(plan)?, done(), plan.clock.now());
    watch.until(window.until, interrupt);
    let now = plan.clock.now();
    let (end, units) = (Snapshot::of(plan)?, done() - units);
    drop(watch);
    window.until = window.until.min(now);
    window.from = window.from.min(window.until);
    pool.send(Command::Pace);
    pool.send(Command::Cut(window.until));
    drop(pacers);
    let loops = pool.gauges.0.len() as u64;
    wait(plan.timeout(), || {
        pool.gauges.sum(|gauge| &gauge.cut) >= loops && pool.gauges.sum(|gauge| &gauge.pending) == 0
    });
    let cpu = Cpu {
        units,
        server_ns: cpu.server.zip(end.server).map(|(a, b)| b.saturating_sub(a)),
        own_ns: end.own.saturating_sub(cpu.own),
        wall_ns: now - from,
    };
    Ok((window, cpu))
}

/// CPU time so far.
struct Snapshot {
    server: Option<u64>,
    own: u64,
}

impl Snapshot {
    fn of(plan: &Plan) -> Result<Self, Failure> {
        let of = |pid: u32| {
            let ns = cpu_ns(pid);
            ns.map_err(|error| Failure::failed(format!("CPU time of process {pid}: {error}")))
        };
        Ok(Self {
            server: plan.args.pid.map(of).transpose()?,
            own: of(std::process::id())?,
        })
    }
}

/// Sleeps and shows the progress.
struct Watch<'a> {
    pool: &'a LoadPool,
    clock: Clock,
    progress: Progress,
    start: Nanos,
    done: u64,
}

impl<'a> Watch<'a> {
    fn new(plan: &Plan, pool: &'a LoadPool) -> Self {
        Self {
            pool,
            clock: plan.clock,
            progress: Progress::new(),
            start: plan.clock.now(),
            done: pool.gauges.sum(|gauge| &gauge.done),
        }
    }

    /// Until this time, a signal, or the end of all connections.
    fn until(&mut self, at: Nanos, interrupt: &Interrupt) {
        loop {
            let now = self.clock.now();
            if now >= at || interrupt.came() || self.is_over() {
                return;
            }
            let gauges = &self.pool.gauges;
            let (start, before) = (self.start, self.done);
            self.progress.show(|| {
                let done = gauges.sum(|gauge| &gauge.done) - before;
                let seconds = (now - start) as f64 / SECOND as f64;
                format!(
                    "{seconds:.1} s, {done} done, {:.0} per second, {} connections lost",
                    done as f64 / seconds.max(0.001),
                    gauges.sum(|gauge| &gauge.lost)
                )
            });
            std::thread::sleep(Duration::from_nanos((at - now).min(10_000_000)));
        }
    }

    /// Every connection has ended, or the first one could not be opened.
    fn is_over(&self) -> bool {
        let sum = |of: fn(&super::tally::Gauge) -> &super::tally::Count| self.pool.gauges.sum(of);
        let opened = sum(|gauge| &gauge.opened);
        let lost = sum(|gauge| &gauge.lost);
        let failed = sum(|gauge| &gauge.failed);
        (opened > 0 && lost == opened) || (opened == 0 && failed > 0)
    }
}
