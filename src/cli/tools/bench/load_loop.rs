//! Event loops full of connections, and the commands that they get.
//!
//! Input: a plan. Output: open connections, then their [`Tally`]s. The loops are those of the
//! library, in the client's role: one thread each, however many connections. Handshakes with one
//! server never overlap (RFC 6455 section 4.1), which the library sees to.

use crate::cli::common::Failure;
use crate::cli::tools::bench::clock::{Nanos, Pacer, Schedule, Window, wait};
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::bench::tally::{Gauge, Gauges, Tally};
use crate::cli::tools::common::client::failure_of;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use wirebell::client::Error;
use wirebell::net::{Clients, Context, Dial, End, Mailbox, PeerId, Service};
use wirebell::{CloseCode, Message};

/// What the main thread and the pacers send to a loop.
#[derive(Clone, Copy, Debug)]
pub enum Command {
    /// Open no more connections.
    StopOpening,
    /// Begin the load; the window of the measurement is fixed in advance.
    Begin(Window),
    /// Something may be due.
    Pace,
    /// Start nothing new from this moment on.
    Cut(Nanos),
    /// Submit the tally and close all connections.
    Finish,
}

/// What a loop knows of the run.
#[derive(Clone, Debug)]
pub struct LoopContext {
    pub plan: Arc<Plan>,
    pub worker: u32,
    pub gauge: Arc<Gauge>,
    tallies: Sender<Tally>,
}

impl LoopContext {
    /// Dials one more connection of this loop.
    pub fn dial(&self, context: &mut Context<'_>, tag: u32) {
        context.dial(Dial {
            tag,
            ..Dial::new(Arc::clone(&self.plan.endpoint))
        });
    }

    pub fn submit(&self, tally: Tally) {
        let _ = self.tallies.send(tally);
    }
}

/// All loops of a run.
#[derive(Debug)]
pub struct LoadPool {
    clients: Clients<Command>,
    pub gauges: Gauges,
    tallies: Receiver<Tally>,
}

/// How long closing all connections may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a loop may take to submit its tally; a live one does so in its next turn.
const TALLY_TIMEOUT: Duration = Duration::from_secs(10);

impl LoadPool {
    /// Starts the loops; `make` creates the service of each.
    pub fn start<S, F>(plan: &Arc<Plan>, make: F) -> Result<Self, Failure>
    where
        S: Service<Mail = Command>,
        F: Fn(LoopContext) -> S + Clone + Send + 'static,
    {
        let gauges = Gauges((0..plan.loops()).map(|_| Arc::default()).collect());
        let (sender, tallies) = channel();
        let (ours, shared) = (Arc::clone(plan), gauges.clone());
        let clients = Clients::start(plan.loop_options(), move |worker| {
            make(LoopContext {
                plan: Arc::clone(&ours),
                worker: worker.number as u32,
                gauge: Arc::clone(&shared.0[worker.number]),
                tallies: sender.clone(),
            })
        });
        let clients = clients.map_err(|error| Failure::failed(format!("event loops: {error}")))?;
        Ok(Self {
            clients,
            gauges,
            tallies,
        })
    }

    pub fn send(&self, command: Command) {
        for mailbox in self.clients.mailboxes() {
            let _ = mailbox.post(command, 0);
        }
    }

    /// A pacer for each loop.
    pub fn pace(&self, plan: &Plan, schedule: Schedule) -> Vec<Pacer> {
        let pacer = |(worker, mailbox): (usize, &Mailbox<Command>)| {
            let mailbox = mailbox.clone();
            let part = schedule.part(worker as u32, plan.loops());
            Pacer::start(plan.clock, part, move || {
                let _ = mailbox.post(Command::Pace, 0);
            })
        };
        let mailboxes = self.clients.mailboxes().iter();
        mailboxes.enumerate().map(pacer).collect()
    }

    /// Collects what was measured, and closes all connections.
    pub fn finish(self) -> Tally {
        self.send(Command::Finish);
        let mut tally = Tally::default();
        for _ in &self.gauges.0 {
            tally = tally.merge(
                self.tallies
                    .recv_timeout(TALLY_TIMEOUT)
                    .unwrap_or_else(|_| Tally {
                        failure: Some(Failure::failed("an event loop does not answer".into())),
                        ..Tally::default()
                    }),
            );
        }
        wait(CLOSE_TIMEOUT, || self.gauges.sum(|gauge| &gauge.open) == 0);
        self.clients.stop();
        if let Err(error) = self.clients.join() {
            tally
                .failure
                .get_or_insert(Failure::failed(error.to_string()));
        }
        tally
    }
}

/// What the connections of a [`LoadLoop`] do.
pub trait Load: 'static {
    /// A connection is open; the load may not have begun.
    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let _ = (context, peer);
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>);

    /// The server or the network ended a connection, and with it what was in flight there.
    fn lost(&mut self, peer: PeerId) {
        let _ = peer;
    }

    fn begin(&mut self, context: &mut Context<'_>, peers: &[PeerId], window: Window) {
        let _ = (context, peers, window);
    }

    /// Sends what is due.
    fn pace(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }

    fn cut(&mut self, at: Nanos) {
        let _ = at;
    }

    fn tally(&mut self) -> Tally;
}

/// One loop whose connections are opened once and held.
pub struct LoadLoop {
    run: LoopContext,
    /// Not a parameter of the type: each would have an event loop of its own in the program.
    load: Box<dyn Load>,
    /// Dialled so far.
    dialled: u32,
    /// The last connection dialled has neither opened nor failed.
    dialling: bool,
    /// No more connections are opened.
    opening_stopped: bool,
    /// A connection that opened after that; it is closed at once and does not count.
    late: Option<PeerId>,
    ramp: Option<Schedule>,
    peers: Vec<PeerId>,
    failure: Option<Failure>,
    ending: bool,
    began: bool,
}

impl LoadLoop {
    pub fn new(run: LoopContext, load: impl Load) -> Self {
        Self {
            run,
            load: Box::new(load),
            dialled: 0,
            dialling: false,
            opening_stopped: false,
            late: None,
            ramp: None,
            peers: Vec::new(),
            failure: None,
            ending: false,
            began: false,
        }
    }

    /// Dials the next connection, if it is due. Handshakes with a server do not overlap, so it is
    /// dialled once the one before has opened: a run that gives up has none to cancel.
    fn dial(&mut self, context: &mut Context<'_>) {
        let (number, now) = (self.dialled, self.run.plan.clock.now());
        let due = self.ramp.is_none_or(|ramp| ramp.due(number.into()) <= now);
        let left = number < self.run.plan.share(self.run.worker);
        if left && due && !self.dialling && !self.opening_stopped {
            self.run.dial(context, number);
            (self.dialled, self.dialling) = (number + 1, true);
        }
    }
}

impl Service for LoadLoop {
    type Mail = Command;

    fn started(&mut self, context: &mut Context<'_>) {
        self.ramp = self.run.plan.ramp(self.run.worker);
        self.dial(context);
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.dialling = false;
        if self.opening_stopped {
            self.late = Some(peer);
            return context.close(peer, CloseCode::NORMAL, "");
        }
        self.run.gauge.opened.add(1);
        self.run.gauge.open.add(1);
        self.peers.push(peer);
        self.load.opened(context, peer);
        self.dial(context);
    }

    fn not_opened(&mut self, context: &mut Context<'_>, _: u32, error: &Error) {
        self.dialling = false;
        if self.opening_stopped {
            return;
        }
        self.run.gauge.failed.add(1);
        self.failure.get_or_insert_with(|| failure_of(error));
        // If no connection ever opened, the server is down: do not try again.
        if self.run.gauge.opened.get() > 0 {
            self.dial(context);
        }
    }

    #[inline]
    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        if self.late != Some(peer) {
            self.load.message(context, peer, message);
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        if self.late == Some(peer) {
            self.late = None;
            return;
        }
        self.run.gauge.open.sub(1);
        if self.ending {
            return;
        }
        self.run.gauge.lost.add(1);
        self.peers.retain(|one| *one != peer);
        self.load.lost(peer);
        self.failure.get_or_insert_with(|| lost(end));
    }

    fn mail(&mut self, context: &mut Context<'_>, command: Command) {
        match command {
            Command::StopOpening => self.opening_stopped = true,
            Command::Begin(window) => {
                self.began = true;
                self.load.begin(context, &self.peers, window);
            }
            Command::Pace if self.began => self.load.pace(context),
            Command::Pace => self.dial(context),
            Command::Cut(at) => {
                self.load.cut(at);
                self.run.gauge.cut.add(1);
            }
            Command::Finish => {
                self.ending = true;
                let mut tally = self.load.tally();
                tally.failure = self.failure.take();
                self.run.submit(tally);
                for peer in &self.peers {
                    context.close(*peer, CloseCode::NORMAL, "");
                }
            }
        }
    }
}

/// The failure of a connection that the server ended.
fn lost(end: End<'_>) -> Failure {
    Failure::failed(match end.code {
        Some(code) => format!("a connection was closed by the server: {}", code.get()),
        None if end.clean => "a connection was closed by the server".into(),
        None => "a connection was lost".into(),
    })
}
