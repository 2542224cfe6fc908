//! `wirebell verify --listen`: waits for a client and lets it ask for cases.
//!
//! Every wait is bounded, but that for the first connection, unless `--wait` bounds it. A signal
//! ends the run with the report so far.

use crate::cli::common::Failure;
use crate::cli::tools::common::failure::timed_out;
use crate::cli::tools::common::signals::stop_signals;
use crate::cli::tools::verify::args::VerifyArgs;
use crate::cli::tools::verify::case::Case;
use crate::cli::tools::verify::desk::Desk;
use crate::cli::tools::verify::report::Report;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a client that has come may do nothing, unless `--wait` says so.
const IDLE: Duration = Duration::from_secs(30);

/// Connections at the same time, each on a thread: more than a client opens that runs many cases
/// at once.
const MOST_OPEN: usize = 256;

/// How often to look whether the last connection of the client has ended.
const LEAST: Duration = Duration::from_millis(10);

/// How long to wait when nothing bounds it.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

enum Event {
    Came(TcpStream),
    /// A connection is done with; true if that ends the run.
    Served(bool),
    Stop,
}

/// The report, and how many cases were never asked for.
pub fn run(listen: &str, args: &VerifyArgs, cases: Vec<Case>) -> Result<(Report, usize), Failure> {
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
    let patience = Duration::from_millis(args.timeout.0.max(1).into());
    let wait = args.wait.map(|wait| Duration::from_millis(wait.0.into()));
    let desk = Arc::new(Desk::new(cases, address, patience));
    invite(address);
    let wait = wait.filter(|wait| !wait.is_zero());
    serve(&desk, &events, &next, wait, patience)?;
    let run = desk.finish();
    let report = Report {
        url: format!("ws://{address}"),
        agent: run.agent,
        suite: concat!("wirebell ", env!("CARGO_PKG_VERSION")),
        milliseconds: began.elapsed().as_millis() as u64,
        unasked: None,
        outcomes: run.outcomes,
    };
    Ok((report, run.never_asked))
}

fn invite(address: SocketAddr) {
    eprintln!(
        "wirebell verify waits for a client on ws://{address}\n\
         It asks /getCaseCount, then /runCase?case=N&agent=NAME for each N from 1 on, echoing all \
         messages,\nand ends with /updateReports?agent=NAME. See wirebell verify --help."
    );
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

fn serve(
    desk: &Arc<Desk>,
    events: &Sender<Event>,
    next: &Receiver<Event>,
    wait: Option<Duration>,
    patience: Duration,
) -> Result<(), Failure> {
    let (mut open, began) = (0_usize, Instant::now());
    loop {
        let visits = desk.visits();
        let idle = wait.unwrap_or(match visits.last {
            Some(_) => IDLE,
            None => FOR_EVER,
        });
        // A connection that has not said what it wants may still be the client, but not for long.
        let undecided = if open > visits.open {
            patience
        } else {
            Duration::ZERO
        };
        let since = visits.last.unwrap_or(began).elapsed();
        let left = (idle + undecided).saturating_sub(since);
        if left.is_zero() && visits.open == 0 {
            return match visits.last {
                None => Err(timed_out("no client has come".into())),
                Some(_) => Ok(()),
            };
        }
        match next.recv_timeout(left.max(LEAST)) {
            // Somebody scans or floods us: the client is served with what is open.
            Ok(Event::Came(stream)) if open >= MOST_OPEN => drop(stream),
            Ok(Event::Came(stream)) => {
                open += 1;
                let (desk, events) = (desk.clone(), events.clone());
                thread::spawn(move || {
                    let _ = events.send(Event::Served(desk.serve(stream)));
                });
            }
            Ok(Event::Served(false)) => open -= 1,
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Event::Served(true) | Event::Stop) | Err(_) => return Ok(()),
        }
    }
}
