//! A server on a simulated network, by default of [`Probe`]s, and clients that wait in its virtual
//! time.
//!
//! Whatever a client sends is handled in a turn of its own. A client that waits lets time pass, as
//! one on a real socket does, from one deadline of the server to the next.

use super::client::Stream;
use super::{Client, Happened, PATIENCE};
use crate::net_support::Ended;
use crate::net_support::probe::Probe;
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use wirebell::net::testing::{Network, Peer, TestLoop};
use wirebell::net::{Context, Counters, Options, PeerId, Service, Worker};

/// A loop of probes, and what happens to its service.
pub struct Simulated {
    turns: Rc<Turns<Probe>>,
    events: Receiver<Happened>,
}

/// The loops of a server, run by the thread that waits for them.
pub struct Turns<S: Service> {
    network: Network,
    loops: RefCell<Vec<TestLoop<S>>>,
    held_up: Cell<bool>,
    /// The time, for those who have no network.
    now: Arc<AtomicU64>,
}

impl<S: Service> Turns<S> {
    /// A server of as many workers as the options say; `now` is kept up to date.
    pub fn start(
        options: Options,
        now: Arc<AtomicU64>,
        make: impl FnMut(&Worker<S::Mail>) -> S,
    ) -> Self {
        let network = Network::new();
        let loops = RefCell::new(network.serve_all(options, make));
        Self {
            network,
            loops,
            held_up: Cell::new(false),
            now,
        }
    }

    /// The loops, until nothing is left to do.
    pub fn run(&self) {
        let mut loops = self.loops.borrow_mut();
        while !self.held_up.get() && loops.iter().any(TestLoop::is_due) {
            loops.iter_mut().for_each(TestLoop::run);
        }
    }

    /// Time passes, and the server does what is due.
    pub fn advance(&self, ms: u64) {
        self.wait(Duration::from_millis(ms), || None::<()>);
    }

    /// Begins a graceful stop.
    pub fn stop(&self) {
        self.loops.borrow()[0].handle().stop();
        self.run();
    }

    /// Another loop takes over from the only one, and is the server from then on. Returns how many
    /// connections go on.
    #[cfg(feature = "take-over")]
    pub fn replace(&self, options: Options, make: impl FnOnce(&Worker<S::Mail>) -> S) -> usize {
        let mut next = self.network.serve(options, make);
        let mut loops = self.loops.borrow_mut();
        let [before] = &mut loops[..] else {
            panic!("it has several loops");
        };
        let count = next.adopt(before.lend());
        before.leave();
        before.run();
        *before = next;
        count
    }

    fn pass(&self, ms: u64) {
        self.network.advance(ms);
        self.now.store(self.network.now(), Relaxed);
    }

    /// A connection, nothing more.
    pub fn connect(self: &Rc<Self>) -> Client<SimulatedStream<S>> {
        let address = self.loops.borrow()[0].address();
        self.client(self.network.connect(address).expect("it listens"))
    }

    /// A connection from this address.
    pub fn connect_from(self: &Rc<Self>, from: SocketAddr) -> Client<SimulatedStream<S>> {
        let address = self.loops.borrow()[0].address();
        let peer = self.network.connect_from(from, address);
        self.client(peer.expect("it listens"))
    }

    fn client(self: &Rc<Self>, peer: Peer) -> Client<SimulatedStream<S>> {
        Client::on(SimulatedStream {
            turns: Rc::clone(self),
            peer,
            patience: PATIENCE,
        })
    }

    /// Time passes until there is something, at most this long.
    fn wait<R>(&self, time: Duration, mut look: impl FnMut() -> Option<R>) -> Option<R> {
        assert!(!self.held_up.get(), "the server does nothing");
        let end = self.network.now() + time.as_millis() as u64;
        loop {
            self.run();
            let found = look();
            let now = self.network.now();
            if found.is_some() || now == end {
                return found;
            }
            let next = self
                .loops
                .borrow()
                .iter()
                .filter_map(TestLoop::deadline)
                .min();
            self.pass(next.unwrap_or(end).clamp(now + 1, end) - now);
        }
    }
}

impl Simulated {
    pub fn start(options: Options) -> Self {
        let (sender, events) = channel();
        let make = |worker: &Worker<_>| Probe::new(worker.number, sender.clone());
        let turns = Turns::start(options.workers(1), Arc::default(), make);
        Self {
            turns: Rc::new(turns),
            events,
        }
    }

    /// A connection, nothing more.
    pub fn connect(&self) -> Client<SimulatedStream> {
        self.turns.connect()
    }

    /// A connection from this address.
    pub fn connect_from(&self, from: &str) -> Client<SimulatedStream> {
        self.turns.connect_from(from.parse().expect("an address"))
    }

    /// A WebSocket on `/`.
    #[track_caller]
    pub fn open(&self) -> Client<SimulatedStream> {
        self.connect().upgraded("/")
    }

    /// The time, in milliseconds.
    pub fn now(&self) -> u64 {
        self.turns.network.now()
    }

    /// Time passes, and the server does what is due.
    pub fn advance(&self, ms: u64) {
        self.turns.advance(ms);
    }

    /// What is sent meanwhile arrives, but the server only finds it when this time has passed.
    pub fn hold_up(&self, ms: u64, meanwhile: impl FnOnce()) {
        self.turns.held_up.set(true);
        meanwhile();
        self.turns.pass(ms);
        self.turns.held_up.set(false);
        self.turns.run();
    }

    /// Calls the service's context; with its open connections, in the order of their opening.
    pub fn run<R>(&self, job: impl FnOnce(&mut Context<'_>, &[PeerId]) -> R) -> R {
        let call = |probe: &mut Probe, context: &mut Context<'_>| job(context, probe.peers());
        let result = self.turns.loops.borrow_mut()[0].with(call);
        self.turns.run();
        result
    }

    pub fn counters(&self) -> Counters {
        self.turns.loops.borrow()[0].counters()
    }

    /// Connections in any state.
    pub fn connections(&self) -> usize {
        self.run(|context, _| context.connections())
    }

    /// The next thing that happens to the service.
    #[track_caller]
    pub fn event(&self) -> Happened {
        let event = self.turns.wait(PATIENCE, || self.events.try_recv().ok());
        event.expect("something happens")
    }

    /// The next thing, which must be a new connection.
    #[track_caller]
    pub fn opened(&self) -> PeerId {
        self.event().expect_opened()
    }

    /// The next thing apart from `Drained`, which must be the end of this connection.
    #[track_caller]
    pub fn closed(&self, peer: PeerId) -> Ended {
        loop {
            if let Some(end) = self.event().expect_closed(peer) {
                return end;
            }
        }
    }
}

/// A client's end of a simulated connection. What finds no room is kept and sent as room comes,
/// as if another thread wrote it.
pub struct SimulatedStream<S: Service = Probe> {
    turns: Rc<Turns<S>>,
    peer: Peer,
    patience: Duration,
}

impl<S: Service> SimulatedStream<S> {
    /// Bytes that have not found room.
    pub fn unsent(&self) -> usize {
        self.peer.unsent()
    }

    /// Ends the connection at once.
    pub fn reset(&mut self) {
        self.peer.reset();
    }
}

impl<S: Service> Read for SimulatedStream<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Self {
            turns,
            peer,
            patience,
        } = self;
        let found = turns.wait(*patience, || {
            transmit(turns, peer);
            let len = peer.read(into.len());
            into[..len].copy_from_slice(&peer.take_bytes());
            (len > 0 || peer.has_ended()).then_some(len)
        });
        match found {
            Some(0) if peer.was_reset() => Err(ErrorKind::ConnectionReset.into()),
            Some(len) => Ok(len),
            None => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S: Service> Write for SimulatedStream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.peer.send(bytes);
        self.turns.run();
        transmit(&self.turns, &mut self.peer);
        match self.peer.was_reset() {
            true => Err(ErrorKind::ConnectionReset.into()),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Service> Stream for SimulatedStream<S> {
    fn bound_reads(&mut self, time: Duration) {
        self.patience = time;
    }

    fn end_writing(&mut self) {
        self.peer.shutdown();
    }
}

impl<S: Service> Drop for SimulatedStream<S> {
    fn drop(&mut self) {
        // What panics may be the network itself.
        if !std::thread::panicking() {
            self.peer.shutdown();
        }
    }
}

/// Sends what the server makes room for at this time.
fn transmit<S: Service>(turns: &Turns<S>, peer: &mut Peer) {
    let mut before = 0;
    while peer.unsent() != before {
        before = peer.unsent();
        peer.send(&[]);
        turns.run();
    }
}
