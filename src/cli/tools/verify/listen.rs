//! `wirebell verify --listen`: waits for a client and serves it tests.
//!
//! Every wait is bounded, except the wait for the first connection without `--wait`. A signal ends
//! the run with the report so far.

use crate::cli::common::Failure;
use crate::cli::common::tls::Tls;
use crate::cli::tools::common::failure::timed_out;
use crate::cli::tools::common::signals::stop_signals;
use crate::cli::tools::verify::args::VerifyArgs;
use crate::cli::tools::verify::serving::{ClientServer, Tests};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a client may be idle after its first connection, without `--wait`.
const IDLE: Duration = Duration::from_secs(30);

/// Concurrent connections, one thread each: more than a client opens that runs many cases at once.
const MOST_OPEN: usize = 256;

/// How often to look whether the last connection of the client has ended.
const LEAST: Duration = Duration::from_millis(10);

/// How long to wait when nothing bounds it.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

enum Event {
    Came(TcpStream),
    /// A connection was served; true if that ends the run.
    Served(bool),
    Stop,
}

/// What a client was served.
pub struct Served<T> {
    /// Where it connected.
    pub url: String,
    /// The name that it gives itself.
    pub agent: Option<String>,
    pub server: Arc<ClientServer<T>>,
    pub time: Duration,
}

/// Serves one client until it ends the run or goes away.
pub fn run<T: Tests>(listen: &str, args: &VerifyArgs, tests: T) -> Result<Served<T>, Failure> {
    let tls = args.server_tls.load(&[])?;
    let signals = stop_signals();
    let failed = |error| Failure::failed(format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (mut signals, began) = (signals?, Instant::now());
    let (events, next) = channel();
    let stop = events.clone();
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = stop.send(Event::Stop);
        }
    });
    let came = events.clone();
    thread::spawn(move || accept(&listener, &came));
    let timeout = Duration::from_millis(args.timeout.0.into());
    let wait = args.wait.map(|wait| Duration::from_millis(wait.0.into()));
    let url = match &tls {
        None => format!("ws://{address}"),
        Some(_) => format!("wss://{address}"),
    };
    let acceptor = tls.as_ref().map(|tls| tls.acceptor().clone());
    let server = Arc::new(ClientServer::new(tests, address, acceptor, timeout));
    invite(&url, tls.as_ref().and_then(Tls::fingerprint));
    let wait = wait.filter(|wait| !wait.is_zero());
    serve(&server, &events, &next, wait, timeout)?;
    Ok(Served {
        url,
        agent: server.agent(),
        time: began.elapsed(),
        server,
    })
}

fn invite(url: &str, fingerprint: Option<&str>) {
    eprintln!(
        "wirebell verify waits for a client on {url}\n\
         It opens /getCaseCount, then /runCase?case=N&agent=NAME for each N from 1 up, echoing all \
         messages,\nand ends with /updateReports?agent=NAME. See wirebell verify --help."
    );
    if let Some(fingerprint) = fingerprint {
        eprintln!("SHA-256 of its certificate: {fingerprint}");
    }
}

fn accept(listener: &TcpListener, events: &Sender<Event>) {
    for stream in listener.incoming() {
        let sent = match stream {
            Ok(stream) => events.send(Event::Came(stream)),
            Err(_) => {
                thread::sleep(Duration::from_millis(50));
                continue;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

fn serve<T: Tests>(
    server: &Arc<ClientServer<T>>,
    events: &Sender<Event>,
    next: &Receiver<Event>,
    wait: Option<Duration>,
    timeout: Duration,
) -> Result<(), Failure> {
    let (mut open, began) = (0_usize, Instant::now());
    loop {
        let activity = server.activity();
        let idle = wait.unwrap_or(match activity.last {
            Some(_) => IDLE,
            None => FOR_EVER,
        });
        // A connection that has sent no request may still be the client, but not for long.
        let undecided = if open > activity.open {
            timeout
        } else {
            Duration::ZERO
        };
        let since = activity.last.unwrap_or(began).elapsed();
        let left = (idle + undecided).saturating_sub(since);
        if left.is_zero() && activity.open == 0 {
            return match activity.last {
                None => Err(timed_out("no client connected".into())),
                Some(_) => Ok(()),
            };
        }
        match next.recv_timeout(left.max(LEAST)) {
            // A scan or a flood: the client is served on the connections that are open.
            Ok(Event::Came(stream)) if open >= MOST_OPEN => drop(stream),
            Ok(Event::Came(stream)) => {
                open += 1;
                let (server, events) = (server.clone(), events.clone());
                thread::spawn(move || {
                    let _ = events.send(Event::Served(server.serve(stream)));
                });
            }
            Ok(Event::Served(false)) => open -= 1,
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Event::Served(true) | Event::Stop) | Err(_) => return Ok(()),
        }
    }
}
