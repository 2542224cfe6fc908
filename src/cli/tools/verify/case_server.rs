//! Serves cases to a client under test, with the URLs of Autobahn's fuzzing server:
//! `/getCaseCount`, `/runCase?case=N&agent=NAME`, `/getCaseStatus`, `/getCaseInfo`, and
//! `/updateReports`, which ends the run.
//!
//! Input: connections, in any order and concurrently. Output: a verdict for each case that was
//! requested; the latest counts. A connection that requests none of these URLs (a browser, a health
//! check, a port scan) is not counted as a client. Invariant: no wait is longer than a case may
//! take.

use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::verify::accept;
use crate::cli::tools::verify::case::{Case, Outcome, Verdict};
use crate::cli::tools::verify::client_request::ClientRequest;
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::suite::{self, Progress};
use crate::cli::tools::verify::target::Target;
use crate::cli::tools::verify::unsolicited::Unsolicited;
use crate::cli::tools::verify::wire::TEXT;
use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wirebell::client::Stream;
use wirebell::tls::Acceptor;

pub struct CaseServer {
    cases: Vec<Case>,
    /// Where we listen.
    address: SocketAddr,
    /// If TLS is spoken there.
    tls: Option<Acceptor>,
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
    agent: Option<String>,
    keys: HashSet<String>,
    first_keys: HashSet<[u8; 4]>,
    activity: Activity,
}

/// How busy the client is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Activity {
    /// Connections of the client that are served.
    pub open: usize,
    /// When it last sent a request or was served, if ever.
    pub last: Option<Instant>,
}

/// The result of a run.
pub struct Run {
    pub agent: Option<String>,
    pub outcomes: Vec<Outcome>,
    pub never_run: usize,
}

const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// RFC 9110 section 15.5.22.
const NO_WEBSOCKET: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n\
    Connection: Upgrade, close\r\nContent-Length: 0\r\n\r\n";

impl CaseServer {
    pub fn new(
        cases: Vec<Case>,
        address: SocketAddr,
        tls: Option<Acceptor>,
        timeout: Duration,
    ) -> Self {
        let mut state = State::default();
        state.outcomes.resize(cases.len(), None);
        Self {
            progress: Progress::of(cases.len()),
            cases,
            address,
            tls,
            timeout,
            state: Mutex::new(state),
            ended: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn activity(&self) -> Activity {
        self.state().activity
    }

    /// Serves one connection; true if it ended the run.
    pub fn serve(&self, stream: TcpStream) -> bool {
        let Some(stream) = self.secure(stream) else {
            return false;
        };
        let mut probe = Probe::serving(
            stream,
            Target {
                address: self.address,
                tls: None,
                authority: self.address.to_string(),
                path: String::new(),
                timeout: self.timeout,
                fields: Vec::new(),
                subprotocols: Vec::new(),
                unsolicited: Unsolicited::default(),
            },
        );
        let Ok(Some(head)) = handshake::head(&mut probe) else {
            return false;
        };
        let request = ClientRequest::parse(head);
        let number = request.query("case").and_then(|case| case.parse().ok());
        let at = number.and_then(|number: usize| number.checked_sub(1));
        let at = at.filter(|at| *at < self.cases.len());
        let route = match (request.path(), at) {
            ("/getCaseCount", _) => Route::Count,
            ("/runCase", Some(at)) => Route::Run(at),
            ("/getCaseStatus", Some(at)) => Route::Status(at),
            ("/getCaseInfo", Some(at)) => Route::Info(at),
            ("/updateReports", _) => Route::End,
            _ => {
                probe.write(NOT_FOUND);
                probe.shut_down();
                return false;
            }
        };
        if !request.is_for_websocket() {
            probe.write(NO_WEBSOCKET);
            probe.shut_down();
            return false;
        }
        probe.request = Some(self.register(request));
        match route {
            Route::Count => say(&mut probe, &self.cases.len().to_string()),
            Route::Run(at) => self.run(&mut probe, at),
            Route::Status(at) => say(&mut probe, &self.status(at)),
            Route::Info(at) => say(&mut probe, &self.info(at)),
            Route::End => {
                drop(self.wait_for(|state| state.running.is_empty()));
                say(&mut probe, "");
            }
        }
        self.unregister();
        route == Route::End
    }

    /// Speaks TLS, if that is wanted. Why a client does not is shown: it never gets as far as a
    /// case.
    fn secure(&self, stream: TcpStream) -> Option<Stream> {
        // Without it cases are slower, nothing else.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = &self.tls else {
            return Some(stream.into());
        };
        match Stream::accept(stream, acceptor, self.timeout) {
            Ok(stream) => Some(stream),
            Err(error) => {
                self.progress.clear();
                eprintln!("wirebell verify: {}", one_line(&error.to_string()));
                None
            }
        }
    }

    fn unregister(&self) {
        let activity = &mut self.state().activity;
        (activity.open, activity.last) = (activity.open - 1, Some(Instant::now()));
    }

    /// Records the client, and adds what is known of its earlier connections to the request.
    fn register(&self, mut request: ClientRequest) -> ClientRequest {
        let mut state = self.state();
        let activity = &mut state.activity;
        (activity.open, activity.last) = (activity.open + 1, Some(Instant::now()));
        if let Some(agent) = request.query("agent") {
            state.agent = Some(agent.to_owned());
        }
        request.earlier.clone_from(&state.keys);
        request.first_keys.clone_from(&state.first_keys);
        state.keys.insert(request.key().to_owned());
        request
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
        self.progress.show(done, &case.checks[0].id);
        self.ended.notify_all();
        drop(state);
        if !probe.spoke {
            let _ = accept::open(probe, None);
        }
        probe.close();
    }

    /// Waits, but not forever: even a case that hangs has time limits.
    fn wait_for(&self, done: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
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
        state
    }

    /// In Autobahn's words.
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
        let check = &self.cases[at].checks[0];
        serde_json::json!({ "id": check.id, "description": check.rule }).to_string()
    }

    /// The results so far. Cases that were not requested are skipped.
    pub fn finish(&self) -> Run {
        self.progress.clear();
        let mut state = self.state();
        let mut run = Run {
            agent: state.agent.clone(),
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

/// What a client may request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Count,
    Run(usize),
    Status(usize),
    Info(usize),
    End,
}

fn never_run() -> Problem {
    Problem::Skip("the client never requested it".into())
}

/// Sends at most one message, then closes.
fn say(probe: &mut Probe, text: &str) {
    let _ = accept::open(probe, None);
    if !text.is_empty() {
        probe.send(TEXT, text.as_bytes());
    }
    probe.close();
}
