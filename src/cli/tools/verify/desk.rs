//! Where a client under test asks for its cases, in the words of Autobahn's fuzzing server:
//! `/getCaseCount`, `/runCase?case=N&agent=NAME`, `/getCaseStatus`, `/getCaseInfo`, and
//! `/updateReports`, which ends the run.
//!
//! Input: connections, in any order and at the same time. Output: a verdict for each case
//! that was asked for; the newest counts. Whoever asks for nothing of this, a browser, a health
//! check or a port scan, is no client. Invariant: nobody waits longer than a case may take.

use crate::cli::tools::verify::accept;
use crate::cli::tools::verify::asked::Asked;
use crate::cli::tools::verify::case::{Case, Outcome, Verdict};
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::suite::{self, Progress};
use crate::cli::tools::verify::target::Target;
use crate::cli::tools::verify::trouble::Trouble;
use crate::cli::tools::verify::unasked::Unasked;
use crate::cli::tools::verify::wire::TEXT;
use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub struct Desk {
    cases: Vec<Case>,
    /// Where we listen.
    address: SocketAddr,
    patience: Duration,
    state: Mutex<State>,
    /// A case has ended.
    ended: Condvar,
    progress: Progress,
}

#[derive(Default)]
struct State {
    /// For each case that was asked for.
    outcomes: Vec<Option<Vec<Outcome>>>,
    /// The numbers of cases that run.
    running: Vec<usize>,
    agent: Option<String>,
    keys: HashSet<String>,
    first_keys: HashSet<[u8; 4]>,
    visits: Visits,
}

/// How busy the client is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Visits {
    /// Connections of the client that are served.
    pub open: usize,
    /// When it asked for something or was served last, if ever.
    pub last: Option<Instant>,
}

/// What became of a run.
pub struct Run {
    pub agent: Option<String>,
    pub outcomes: Vec<Outcome>,
    pub never_asked: usize,
}

const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// RFC 9110 section 15.5.22.
const NO_WEBSOCKET: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n\
    Connection: Upgrade, close\r\nContent-Length: 0\r\n\r\n";

impl Desk {
    pub fn new(cases: Vec<Case>, address: SocketAddr, patience: Duration) -> Self {
        let mut state = State::default();
        state.outcomes.resize(cases.len(), None);
        Self {
            progress: Progress::of(cases.len()),
            cases,
            address,
            patience,
            state: Mutex::new(state),
            ended: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn visits(&self) -> Visits {
        self.state().visits
    }

    /// Serves one connection; true if it has ended the run.
    pub fn serve(&self, stream: TcpStream) -> bool {
        let mut probe = Probe::serving(
            stream,
            Target {
                address: self.address,
                authority: self.address.to_string(),
                path: String::new(),
                patience: self.patience,
                fields: Vec::new(),
                subprotocols: Vec::new(),
                unasked: Unasked::default(),
            },
        );
        let Ok(Some(head)) = handshake::head(&mut probe) else {
            return false;
        };
        let asked = Asked::parse(head);
        let number = asked.query("case").and_then(|case| case.parse().ok());
        let at = number.and_then(|number: usize| number.checked_sub(1));
        let at = at.filter(|at| *at < self.cases.len());
        let wish = match (asked.path(), at) {
            ("/getCaseCount", _) => Wish::Count,
            ("/runCase", Some(at)) => Wish::Run(at),
            ("/getCaseStatus", Some(at)) => Wish::Status(at),
            ("/getCaseInfo", Some(at)) => Wish::Info(at),
            ("/updateReports", _) => Wish::End,
            _ => {
                probe.write(NOT_FOUND);
                probe.part_unopened();
                return false;
            }
        };
        if !asked.is_for_websocket() {
            probe.write(NO_WEBSOCKET);
            probe.part_unopened();
            return false;
        }
        probe.asked = Some(self.meet(asked));
        match wish {
            Wish::Count => say(&mut probe, &self.cases.len().to_string()),
            Wish::Run(at) => self.run(&mut probe, at),
            Wish::Status(at) => say(&mut probe, &self.status(at)),
            Wish::Info(at) => say(&mut probe, &self.info(at)),
            Wish::End => {
                drop(self.wait_for(|state| state.running.is_empty()));
                say(&mut probe, "");
            }
        }
        self.part();
        wish == Wish::End
    }

    fn part(&self) {
        let visits = &mut self.state().visits;
        (visits.open, visits.last) = (visits.open - 1, Some(Instant::now()));
    }

    /// Remembers the client, and tells what is known of its earlier connections.
    fn meet(&self, mut asked: Asked) -> Asked {
        let mut state = self.state();
        let visits = &mut state.visits;
        (visits.open, visits.last) = (visits.open + 1, Some(Instant::now()));
        if let Some(agent) = asked.query("agent") {
            state.agent = Some(agent.to_owned());
        }
        asked.earlier.clone_from(&state.keys);
        asked.first_keys.clone_from(&state.first_keys);
        state.keys.insert(asked.key().to_owned());
        asked
    }

    fn run(&self, probe: &mut Probe, at: usize) {
        self.state().running.push(at);
        let case = &self.cases[at];
        let outcomes = suite::judge(case, probe);
        let mut state = self.state();
        if let Some(running) = state.running.iter().position(|one| *one == at) {
            state.running.swap_remove(running);
        }
        state.first_keys.extend(probe.keys.first());
        state.outcomes[at] = Some(outcomes);
        let done = state.outcomes.iter().flatten().count();
        self.progress.show(done, &case.asks[0].id);
        self.ended.notify_all();
        drop(state);
        if !probe.spoke {
            let _ = accept::open(probe, None);
        }
        probe.part();
    }

    /// Waits, but not for ever: a case that hangs has time limits.
    fn wait_for(&self, done: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let deadline = Instant::now() + self.patience * 4;
        let mut state = self.state();
        while !done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// As Autobahn says it.
    fn status(&self, at: usize) -> String {
        let state = self.wait_for(|state| !state.running.contains(&at));
        let outcomes = state.outcomes[at].as_deref().unwrap_or_default();
        let any = |verdict| outcomes.iter().any(|outcome| outcome.verdict == verdict);
        let behavior = match () {
            () if any(Verdict::Fail) => "FAILED",
            () if any(Verdict::Pass) => "OK",
            () => "UNIMPLEMENTED",
        };
        serde_json::json!({ "behavior": behavior }).to_string()
    }

    fn info(&self, at: usize) -> String {
        let question = &self.cases[at].asks[0];
        serde_json::json!({ "id": question.id, "description": question.rule }).to_string()
    }

    /// What has been found so far. What was not asked for has no verdict.
    pub fn finish(&self) -> Run {
        self.progress.clear();
        let mut state = self.state();
        let mut run = Run {
            agent: state.agent.clone(),
            outcomes: Vec::new(),
            never_asked: 0,
        };
        for (case, outcomes) in self.cases.iter().zip(std::mem::take(&mut state.outcomes)) {
            if let Some(outcomes) = outcomes {
                run.outcomes.extend(outcomes);
                continue;
            }
            run.never_asked += 1;
            let never = |question| suite::outcome(question, &Err(never_asked()));
            run.outcomes.extend(case.asks.iter().map(never));
        }
        state.outcomes.resize(self.cases.len(), None);
        run
    }
}

/// What a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Count,
    Run(usize),
    Status(usize),
    Info(usize),
    End,
}

fn never_asked() -> Trouble {
    Trouble::NotAsked("the client never asked for it".into())
}

/// One message, perhaps, and the end.
fn say(probe: &mut Probe, text: &str) {
    let _ = accept::open(probe, None);
    if !text.is_empty() {
        probe.send(TEXT, text.as_bytes());
    }
    probe.part();
}
