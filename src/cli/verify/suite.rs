//! Runs cases, several at a time, and shows how far it is.

use crate::cli::verify::case::{Case, Outcome, Trouble, Verdict};
use crate::cli::verify::probe::{Probe, Target};
use crate::cli::verify::report::Report;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Cells of the progress bar.
const BAR: usize = 30;

pub fn run(uri: &str, target: &Target, cases: &[Case], jobs: usize) -> Report {
    let began = Instant::now();
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let progress = Progress {
        total: cases.len(),
        shown: io::stderr().is_terminal(),
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(cases.len()) {
            scope.spawn(|| {
                while let Some((at, case)) = take(&next, cases) {
                    let outcome = ask(target, case);
                    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    outcomes.push((at, outcome));
                    progress.show(outcomes.len(), &case.id);
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
        url: uri.to_owned(),
        suite: concat!("wirebell ", env!("CARGO_PKG_VERSION")),
        milliseconds: began.elapsed().as_millis() as u64,
        outcomes: outcomes.into_iter().map(|(_, outcome)| outcome).collect(),
    }
}

fn take<'c>(next: &AtomicUsize, cases: &'c [Case]) -> Option<(usize, &'c Case)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, cases.get(at)?))
}

fn ask(target: &Target, case: &Case) -> Outcome {
    let began = Instant::now();
    let mut probe = Probe::new(target.clone());
    let (verdict, why) = match (case.run)(&mut probe) {
        Ok(()) => (Verdict::Pass, String::new()),
        Err(Trouble::Wrong(why)) => (Verdict::Fail, why),
        Err(Trouble::NotAsked(why)) => (Verdict::Skip, why),
    };
    Outcome {
        id: case.id.clone(),
        section: case.section,
        level: case.level,
        rule: case.rule.clone(),
        verdict,
        why,
        milliseconds: began.elapsed().as_millis() as u64,
        exchange: probe.log,
    }
}

struct Progress {
    total: usize,
    shown: bool,
}

impl Progress {
    fn show(&self, done: usize, id: &str) {
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

    fn clear(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
