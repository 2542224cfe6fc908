//! The cases as a client requests them.
//!
//! Input: cases, then which of them a connection is for. Output: a verdict for each case that was
//! requested; the latest counts. Connections are left to `serving`.

use crate::cli::tools::verify::case::{Case, Outcome, Verdict};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::serving::Tests;
use crate::cli::tools::verify::suite::{self, Progress};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub struct CaseRun {
    cases: Vec<Case>,
    timeout: Duration,
    state: Mutex<State>,
    /// A case has ended.
    ended: Condvar,
    progress: Progress,
}

#[derive(Default)]
struct State {
    /// For each case that was requested.
    outcomes: Vec<Option<Vec<Outcome>>>,
    /// The numbers of the running cases.
    running: Vec<usize>,
}

/// The result of a run.
pub struct Verdicts {
    pub outcomes: Vec<Outcome>,
    pub never_run: usize,
}

impl CaseRun {
    pub fn new(cases: Vec<Case>, timeout: Duration) -> Self {
        let mut state = State::default();
        state.outcomes.resize(cases.len(), None);
        Self {
            progress: Progress::of(cases.len()),
            cases,
            timeout,
            state: Mutex::new(state),
            ended: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The results so far. Cases that were not requested are skipped.
    pub fn finish(&self) -> Verdicts {
        self.progress.clear();
        let mut state = self.state();
        let mut run = Verdicts {
            outcomes: Vec::new(),
            never_run: 0,
        };
        for (case, outcomes) in self.cases.iter().zip(std::mem::take(&mut state.outcomes)) {
            if let Some(outcomes) = outcomes {
                run.outcomes.extend(outcomes);
                continue;
            }
            run.never_run += 1;
            let never = |check| suite::outcome(check, &Err(never_run()));
            run.outcomes.extend(case.checks.iter().map(never));
        }
        state.outcomes.resize(self.cases.len(), None);
        run
    }
}

impl Tests for CaseRun {
    fn count(&self) -> usize {
        self.cases.len()
    }

    fn run(&self, probe: &mut Probe, at: usize) {
        self.state().running.push(at);
        let case = &self.cases[at];
        let outcomes = suite::judge(case, probe);
        let mut state = self.state();
        if let Some(running) = state.running.iter().position(|one| *one == at) {
            state.running.swap_remove(running);
        }
        state.outcomes[at] = Some(outcomes);
        let done = state.outcomes.iter().flatten().count();
        self.progress.show(done, &case.checks[0].id);
        self.ended.notify_all();
    }

    /// Even a case that hangs has time limits.
    fn settle(&self, at: Option<usize>) {
        let done = |state: &State| match at {
            None => state.running.is_empty(),
            Some(at) => !state.running.contains(&at),
        };
        let deadline = Instant::now() + self.timeout * 4;
        let mut state = self.state();
        while !done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn status(&self, at: usize) -> &'static str {
        let state = self.state();
        let outcomes = state.outcomes[at].as_deref().unwrap_or_default();
        let any = |verdict| outcomes.iter().any(|outcome| outcome.verdict == verdict);
        match () {
            () if any(Verdict::Fail) => "FAILED",
            () if any(Verdict::Pass) => "OK",
            () => "UNIMPLEMENTED",
        }
    }

    fn info(&self, at: usize) -> (String, String) {
        let check = &self.cases[at].checks[0];
        (check.id.clone(), check.rule.clone())
    }

    fn clear(&self) {
        self.progress.clear();
    }
}

fn never_run() -> Problem {
    Problem::Skip("the client never requested it".into())
}
