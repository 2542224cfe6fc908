//! `wirebell verify --listen`: waits for a client and lets it ask for cases.
//!
//! Every wait is bounded, but that for the first connection, unless `--wait` bounds it. A signal
//! ends the run with the report so far.

use crate::cli::Failure;
use crate::cli::serve::stop_signals;
use crate::cli::verify::args::VerifyArgs;
use crate::cli::verify::case::Case;
use crate::cli::verify::desk::Desk;
use crate::cli::verify::report::Report;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a client that has come may do nothing, unless `--wait` says so.
const IDLE: Duration = Duration::from_secs(30);

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
    let failed = |error| Failure::Failed(format!("cannot listen on {listen}: {error}"));
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
    serve(&desk, &events, &next, wait.filter(|wait| !wait.is_zero()))?;
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
) -> Result<(), Failure> {
    let (mut open, mut has_come) = (0_usize, false);
    loop {
        let idle = if has_come { IDLE } else { FOR_EVER };
        match next.recv_timeout(wait.unwrap_or(idle)) {
            Ok(Event::Came(stream)) => {
                (open, has_come) = (open + 1, true);
                let (desk, events) = (desk.clone(), events.clone());
                thread::spawn(move || {
                    let _ = events.send(Event::Served(desk.serve(stream)));
                });
            }
            Ok(Event::Served(false)) => open -= 1,
            Err(RecvTimeoutError::Timeout) if open > 0 => {}
            Err(RecvTimeoutError::Timeout) if !has_come => {
                return Err(Failure::TimedOut("no client has come".into()));
            }
            Ok(Event::Served(true) | Event::Stop) | Err(_) => return Ok(()),
        }
    }
}
