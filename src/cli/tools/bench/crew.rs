//! Event loops full of connections, and the orders that they get.
//!
//! Input: a plan. Output: open connections, then their [`Tally`]s. The loops are those of the
//! library, in the client's role: one thread each, however many connections. Handshakes with one
//! server never overlap (RFC 6455 section 4.1), which the library sees to.

use crate::cli::common::Failure;
use crate::cli::tools::bench::clock::{Nanos, Pacer, Schedule, Window, wait};
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::bench::tally::{Board, Gauge, Tally};
use crate::cli::tools::common::client::failure_of;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use wirebell::client::Error;
use wirebell::net::{Clients, Context, Dial, End, Mailbox, PeerId, Service};
use wirebell::{CloseCode, Message};

/// What the main thread and the pacers say to a loop.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// No connection is opened from now on.
    Enough,
    /// The load begins; the measurement within it is known from the start.
    Begin(Window),
    /// Something may be due.
    Pace,
    /// Nothing new from this moment on.
    Cut(Nanos),
    /// Hands in the tally and closes everything.
    Finish,
}

/// What a loop knows of the run.
#[derive(Clone, Debug)]
pub struct Site {
    pub plan: Arc<Plan>,
    pub worker: u32,
    pub gauge: Arc<Gauge>,
    tallies: Sender<Tally>,
}

impl Site {
    /// One more connection of this loop.
    pub fn dial(&self, context: &mut Context<'_>, tag: u32) {
        context.dial(Dial {
            tag,
            ..Dial::new(Arc::clone(&self.plan.endpoint))
        });
    }

    pub fn hand_in(&self, tally: Tally) {
        let _ = self.tallies.send(tally);
    }
}

/// All loops of a run.
#[derive(Debug)]
pub struct Fleet {
    clients: Clients<Order>,
    pub board: Board,
    tallies: Receiver<Tally>,
}

/// How long the closing of all connections may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a loop may take to hand in its tally: one that is alive does so in its next turn.
const HAND_IN: Duration = Duration::from_secs(10);

impl Fleet {
    /// Starts the loops; `make` makes the service of each.
    pub fn start<S, F>(plan: &Arc<Plan>, make: F) -> Result<Self, Failure>
    where
        S: Service<Mail = Order>,
        F: Fn(Site) -> S + Clone + Send + 'static,
    {
        let gauges = (0..plan.loops()).map(|_| Arc::default()).collect();
        let board = Board(gauges);
        let (sender, tallies) = channel();
        let (ours, gauges) = (Arc::clone(plan), board.clone());
        let clients = Clients::start(plan.loop_options(), move |worker| {
            make(Site {
                plan: Arc::clone(&ours),
                worker: worker.number as u32,
                gauge: Arc::clone(&gauges.0[worker.number]),
                tallies: sender.clone(),
            })
        });
        let clients = clients.map_err(|error| Failure::failed(format!("event loops: {error}")))?;
        Ok(Self {
            clients,
            board,
            tallies,
        })
    }

    pub fn order(&self, order: Order) {
        for mailbox in self.clients.mailboxes() {
            let _ = mailbox.post(order, 0);
        }
    }

    /// A pacer for each loop.
    pub fn pace(&self, plan: &Plan, schedule: Schedule) -> Vec<Pacer> {
        let pacer = |(worker, mailbox): (usize, &Mailbox<Order>)| {
            let mailbox = mailbox.clone();
            let part = schedule.part(worker as u32, plan.loops());
            Pacer::start(plan.clock, part, move || {
                let _ = mailbox.post(Order::Pace, 0);
            })
        };
        let mailboxes = self.clients.mailboxes().iter();
        mailboxes.enumerate().map(pacer).collect()
    }

    /// Collects what was measured, and says goodbye to the server.
    pub fn finish(self) -> Tally {
        self.order(Order::Finish);
        let mut tally = Tally::default();
        for _ in &self.board.0 {
            tally = tally.merge(
                self.tallies
                    .recv_timeout(HAND_IN)
                    .unwrap_or_else(|_| Tally {
                        failure: Some(Failure::failed("an event loop does not answer".into())),
                        ..Tally::default()
                    }),
            );
        }
        wait(FAREWELL, || self.board.sum(|gauge| &gauge.open) == 0);
        self.clients.stop();
        if let Err(error) = self.clients.join() {
            tally
                .failure
                .get_or_insert(Failure::failed(error.to_string()));
        }
        tally
    }
}

/// What the connections of a [`Crew`] do.
pub trait Load: 'static {
    /// A connection is open; the load may not have begun.
    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let _ = (context, peer);
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>);

    /// A connection has ended by itself, and with it what was in flight there.
    fn lost(&mut self, peer: PeerId) {
        let _ = peer;
    }

    fn begin(&mut self, context: &mut Context<'_>, peers: &[PeerId], window: Window) {
        let _ = (context, peers, window);
    }

    /// Does what is due.
    fn pace(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }

    fn cut(&mut self, at: Nanos) {
        let _ = at;
    }

    fn tally(&mut self) -> Tally;
}

/// One loop whose connections are opened once and held.
pub struct Crew<L> {
    site: Site,
    load: L,
    /// Dialled so far.
    dialled: u32,
    /// The last one dialled has neither opened nor failed.
    dialling: bool,
    /// No other is to be opened.
    enough: bool,
    /// The one that opened after that, which is closed at once and does not count.
    late: Option<PeerId>,
    ramp: Option<Schedule>,
    peers: Vec<PeerId>,
    failure: Option<Failure>,
    ending: bool,
    began: bool,
}

impl<L: Load> Crew<L> {
    pub fn new(site: Site, load: L) -> Self {
        Self {
            site,
            load,
            dialled: 0,
            dialling: false,
            enough: false,
            late: None,
            ramp: None,
            peers: Vec::new(),
            failure: None,
            ending: false,
            began: false,
        }
    }

    /// Dials the next one, if it is due. Handshakes with a server do not overlap, so that it is
    /// dialled when the one before has opened: a run that gives up has nothing to take back.
    fn dial(&mut self, context: &mut Context<'_>) {
        let (number, now) = (self.dialled, self.site.plan.clock.now());
        let due = self.ramp.is_none_or(|ramp| ramp.due(number.into()) <= now);
        let left = number < self.site.plan.share(self.site.worker);
        if left && due && !self.dialling && !self.enough {
            self.site.dial(context, number);
            (self.dialled, self.dialling) = (number + 1, true);
        }
    }
}

impl<L: Load> Service for Crew<L> {
    type Mail = Order;

    fn started(&mut self, context: &mut Context<'_>) {
        self.ramp = self.site.plan.ramp(self.site.worker);
        self.dial(context);
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.dialling = false;
        if self.enough {
            self.late = Some(peer);
            return context.close(peer, CloseCode::NORMAL, "");
        }
        self.site.gauge.opened.add(1);
        self.site.gauge.open.add(1);
        self.peers.push(peer);
        self.load.opened(context, peer);
        self.dial(context);
    }

    fn not_opened(&mut self, context: &mut Context<'_>, _: u32, error: &Error) {
        self.dialling = false;
        if self.enough {
            return;
        }
        self.site.gauge.failed.add(1);
        self.failure.get_or_insert_with(|| failure_of(error));
        // A server that is not there at all is not asked again and again.
        if self.site.gauge.opened.get() > 0 {
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
        self.site.gauge.open.sub(1);
        if self.ending {
            return;
        }
        self.site.gauge.lost.add(1);
        self.peers.retain(|one| *one != peer);
        self.load.lost(peer);
        self.failure.get_or_insert_with(|| lost(end));
    }

    fn mail(&mut self, context: &mut Context<'_>, order: Order) {
        match order {
            Order::Enough => self.enough = true,
            Order::Begin(window) => {
                self.began = true;
                self.load.begin(context, &self.peers, window);
            }
            Order::Pace if self.began => self.load.pace(context),
            Order::Pace => self.dial(context),
            Order::Cut(at) => {
                self.load.cut(at);
                self.site.gauge.cut.add(1);
            }
            Order::Finish => {
                self.ending = true;
                let mut tally = self.load.tally();
                tally.failure = self.failure.take();
                self.site.hand_in(tally);
                for peer in &self.peers {
                    context.close(*peer, CloseCode::NORMAL, "");
                }
            }
        }
    }
}

/// What to say of a connection that the server has ended.
fn lost(end: End<'_>) -> Failure {
    Failure::failed(match end.code {
        Some(code) => format!("a connection was closed by the server: {}", code.get()),
        None if end.clean => "a connection was closed by the server".into(),
        None => "a connection was lost".into(),
    })
}
