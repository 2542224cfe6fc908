//! Serves tests to a client, with the URLs of Autobahn's fuzzing server: `/getCaseCount`,
//! `/runCase?case=N&agent=NAME`, `/getCaseStatus`, `/getCaseInfo`, and `/updateReports`, which ends
//! the run.
//!
//! Input: connections, in any order and concurrently. Output: tests that are run; what they say is
//! left to them. A connection that requests none of these URLs (a browser, a health check, a port
//! scan) is not counted as a client. Invariant: no wait is longer than a test may take.

use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::verify::accept;
use crate::cli::tools::verify::client_request::ClientRequest;
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::target::Target;
use crate::cli::tools::verify::unsolicited::Unsolicited;
use crate::cli::tools::verify::wire::TEXT;
use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wirebell::client::Stream;
use wirebell::tls::Acceptor;

/// What a client is tested with. Each test is one connection.
pub trait Tests: Send + Sync + 'static {
    /// How many tests the client is told to request.
    fn count(&self) -> usize;

    /// Runs one on a connection whose request was read, and may leave it open.
    fn run(&self, probe: &mut Probe, at: usize);

    /// Waits, but not forever, until no test runs: or until this one does not.
    fn settle(&self, at: Option<usize>);

    /// The verdict in Autobahn's words.
    fn status(&self, at: usize) -> &'static str;

    /// Name and rule.
    fn info(&self, at: usize) -> (String, String);

    /// Clears the progress line, before a line for people.
    fn clear(&self) {}
}

pub struct ClientServer<T> {
    pub tests: T,
    /// Where we listen.
    address: SocketAddr,
    /// If TLS is spoken there.
    tls: Option<Acceptor>,
    timeout: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
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

const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// RFC 9110 section 15.5.22.
const NO_WEBSOCKET: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n\
    Connection: Upgrade, close\r\nContent-Length: 0\r\n\r\n";

impl<T: Tests> ClientServer<T> {
    pub fn new(tests: T, address: SocketAddr, tls: Option<Acceptor>, timeout: Duration) -> Self {
        Self {
            tests,
            address,
            tls,
            timeout,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn activity(&self) -> Activity {
        self.state().activity
    }

    /// The name that the client gives itself.
    pub fn agent(&self) -> Option<String> {
        self.state().agent.clone()
    }

    /// Serves one connection; true if it ended the run.
    pub fn serve(&self, stream: TcpStream) -> bool {
        let Some(stream) = self.secure(stream) else {
            return false;
        };
        let mut probe = Probe::serving(stream, self.target());
        let Ok(Some(head)) = handshake::head(&mut probe) else {
            return false;
        };
        let request = ClientRequest::parse(head);
        let Some(route) = self.route(&request) else {
            probe.write(NOT_FOUND);
            probe.shut_down();
            return false;
        };
        if !request.is_for_websocket() {
            probe.write(NO_WEBSOCKET);
            probe.shut_down();
            return false;
        }
        probe.request = Some(self.register(request));
        match route {
            Route::Count => say(&mut probe, &self.tests.count().to_string()),
            Route::Run(at) => self.run(&mut probe, at),
            Route::Status(at) => {
                self.tests.settle(Some(at));
                let behavior = self.tests.status(at);
                let text = serde_json::json!({ "behavior": behavior }).to_string();
                say(&mut probe, &text);
            }
            Route::Info(at) => {
                let (id, description) = self.tests.info(at);
                let info = serde_json::json!({ "id": id, "description": description });
                say(&mut probe, &info.to_string());
            }
            Route::End => {
                self.tests.settle(None);
                say(&mut probe, "");
            }
        }
        self.unregister();
        route == Route::End
    }

    /// The endpoint at the other end, as far as it matters.
    fn target(&self) -> Target {
        Target {
            address: self.address,
            tls: None,
            authority: self.address.to_string(),
            path: String::new(),
            timeout: self.timeout,
            fields: Vec::new(),
            subprotocols: Vec::new(),
            unsolicited: Unsolicited::default(),
        }
    }

    fn route(&self, request: &ClientRequest) -> Option<Route> {
        let number = request.query("case").and_then(|case| case.parse().ok());
        let at = number.and_then(|number: usize| number.checked_sub(1));
        let at = at.filter(|at| *at < self.tests.count());
        match (request.path(), at) {
            ("/getCaseCount", _) => Some(Route::Count),
            ("/runCase", Some(at)) => Some(Route::Run(at)),
            ("/getCaseStatus", Some(at)) => Some(Route::Status(at)),
            ("/getCaseInfo", Some(at)) => Some(Route::Info(at)),
            ("/updateReports", _) => Some(Route::End),
            _ => None,
        }
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
                self.tests.clear();
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
        request.key_is_old = !state.keys.insert(request.key().to_owned());
        request.first_keys.clone_from(&state.first_keys);
        request
    }

    fn run(&self, probe: &mut Probe, at: usize) {
        self.tests.run(probe, at);
        self.state().first_keys.extend(probe.keys.first());
        if !probe.spoke {
            let _ = accept::open(probe, None);
        }
        probe.close();
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

/// Sends at most one message, then closes.
fn say(probe: &mut Probe, text: &str) {
    let _ = accept::open(probe, None);
    if !text.is_empty() {
        probe.send(TEXT, text.as_bytes());
    }
    probe.close();
}
