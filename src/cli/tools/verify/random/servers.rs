//! Plays streams to a server on parallel connections until the time is over.
//!
//! Input: a target and a plan, or streams to replay. Output: [`Findings`].

use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::findings::{Finding, Findings};
use crate::cli::tools::verify::random::hunt::{Hunt, Plan, Progress, Task};
use crate::cli::tools::verify::random::stream::Stream;
use crate::cli::tools::verify::random::with_server;
use crate::cli::tools::verify::target::Target;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Runs until the time is over or enough has been found.
pub fn run(target: &Target, plan: Plan) -> Findings {
    let hunt = Hunt::new(plan);
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs {
            scope.spawn(|| work(&hunt, target));
        }
        show(&hunt);
    });
    hunt.findings()
}

fn work(hunt: &Hunt, target: &Target) {
    while let Some(task) = hunt.next() {
        let timeout = hunt.timeout(&task);
        let exchange = match &task {
            Task::Draw(number) => {
                let mut dice = Dice::of(hunt.plan.seed, *number);
                with_server::draw(target, &mut dice, timeout)
            }
            Task::Try(_, stream) | Task::Check(_, stream) => {
                with_server::replay(target, stream.clone(), timeout)
            }
        };
        hunt.tell(&task, exchange);
    }
}

/// Plays each stream once.
pub fn replay(target: &Target, streams: Vec<Stream>, plan: Plan) -> Findings {
    let began = Instant::now();
    let mut findings = Findings {
        seed: plan.seed,
        connections: streams.len(),
        exchanges: 0,
        time: Duration::ZERO,
        found: Vec::new(),
    };
    for stream in streams {
        let exchange = with_server::replay(target, stream, plan.timeout);
        findings.exchanges += exchange.exchanges;
        findings.found.extend(Finding::of(exchange, None));
    }
    findings.time = began.elapsed();
    findings
}

/// The progress, on a terminal.
fn show(hunt: &Hunt) {
    if !io::stderr().is_terminal() {
        return;
    }
    loop {
        let Progress {
            time,
            connections,
            exchanges,
            found,
            is_over,
        } = hunt.progress();
        if is_over {
            break;
        }
        let seconds = time.as_secs_f64();
        let rate = exchanges as f64 / seconds.max(0.001);
        let _ = write!(
            io::stderr(),
            "\r{seconds:.0} s: {connections} connections, {exchanges} exchanges ({rate:.0}/s), \
             {found} deviations\x1b[K",
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    let _ = write!(io::stderr(), "\r\x1b[K");
}
