//! Runs cases concurrently and shows the progress.
//!
//! Input: a server, and the cases to run. Output: a [`Report`] with the outcome of each check.
//! Clients, which choose the order themselves, are left to `case_run`.

use crate::cli::tools::verify::case::{Case, Check, Outcome, Verdict};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::report::{Report, SUITE};
use crate::cli::tools::verify::target::Target;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use wirebell::push::mask_token;

/// Cells of the progress bar.
const BAR: usize = 30;

pub fn run(uri: &str, target: &Target, cases: &[Case], jobs: usize) -> Report {
    let began = Instant::now();
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let progress = Progress::of(cases.len());
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(cases.len()) {
            scope.spawn(|| {
                while let Some((at, case)) = take(&next, cases) {
                    let outcome = judge(case, &mut Probe::new(target.clone()));
                    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    outcomes.push((at, outcome));
                    progress.show(outcomes.len(), &case.checks[0].id);
                }
            });
        }
    });
    progress.clear();
    let mut outcomes = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|(at, _)| *at);
    Report {
        url: mask_token(uri).into_owned(),
        agent: None,
        suite: SUITE,
        milliseconds: began.elapsed().as_millis() as u64,
        unsolicited: target.unsolicited.describe(),
        outcomes: outcomes
            .into_iter()
            .flat_map(|(_, outcome)| outcome)
            .collect(),
    }
}

fn take<'c>(next: &AtomicUsize, cases: &'c [Case]) -> Option<(usize, &'c Case)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, cases.get(at)?))
}

/// Runs the case once and decides each of its checks.
pub fn judge(case: &Case, probe: &mut Probe) -> Vec<Outcome> {
    let began = Instant::now();
    let done = (case.run)(probe);
    let milliseconds = began.elapsed().as_millis() as u64;
    let exchange = std::mem::take(&mut probe.log);
    let answer = |check: &Check| {
        let found = match check.of_code {
            true => done.clone().and_then(|()| probe.code.clone()),
            false => done.clone(),
        };
        Outcome {
            milliseconds,
            exchange: exchange.clone(),
            ..outcome(check, &found)
        }
    };
    case.checks.iter().map(answer).collect()
}

/// The outcome of a check.
pub fn outcome(check: &Check, found: &Result<(), Problem>) -> Outcome {
    match found {
        Ok(()) => check.outcome(Verdict::Pass, String::new()),
        Err(Problem::Fail(why)) => check.outcome(Verdict::Fail, why.clone()),
        Err(Problem::Skip(why)) => check.outcome(Verdict::Skip, why.clone()),
    }
}

/// The progress, on a terminal.
pub struct Progress {
    total: usize,
    shown: bool,
}

impl Progress {
    pub fn of(total: usize) -> Self {
        Self {
            total,
            shown: io::stderr().is_terminal(),
        }
    }

    pub fn show(&self, done: usize, id: &str) {
        if self.shown {
            let cells = BAR * done / self.total.max(1);
            let (full, rest) = ("#".repeat(cells), " ".repeat(BAR - cells));
            let total = self.total;
            let _ = write!(
                io::stderr(),
                "\r[{full}{rest}] {done}/{total} {id:.30}\x1b[K"
            );
        }
    }

    pub fn clear(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
