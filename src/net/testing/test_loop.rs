//! A loop that runs when the test says so.
//!
//! Input: calls of the test. Output: turns of a real engine on simulated sockets and a virtual
//! clock.

use crate::net::context::Context;
use crate::net::engine::{Engine, Next, Shared};
use crate::net::handle::{Handle, Worker};
use crate::net::metrics::Counters;
use crate::net::options::Options;
use crate::net::service::Service;
use crate::net::testing::network::{Faults, State};
use crate::net::testing::peer::Peer;
use crate::net::testing::sockets::SimulatedSockets;
use crate::net::wake::Wake;
use crate::proto::Millis;
#[cfg(feature = "tls")]
use crate::tls::{Acceptor, Connector};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Turns after which a loop that still has something to do at the same time counts as spinning.
const MAX_TURNS: usize = 100_000;

/// Simulated connections, and one time for all that use them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) state: Rc<RefCell<State>>,
}

impl Default for Network {
    fn default() -> Self {
        Self::with_faults(Faults::default())
    }
}

impl Network {
    /// Without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With these faults, at the time 0.
    pub fn with_faults(faults: Faults) -> Self {
        let state = Rc::new(RefCell::new(State::new(faults)));
        Self { state }
    }

    /// Its loops speak TLS where they listen, and the bare connections of tests as well, for
    /// `localhost`.
    #[cfg(feature = "tls")]
    pub fn tls(self, acceptor: Acceptor, connector: Connector) -> Self {
        let mut state = self.state.borrow_mut();
        state.acceptor = Some(acceptor);
        state.connector = Some(connector);
        drop(state);
        self
    }

    /// The time, in milliseconds.
    pub fn now(&self) -> Millis {
        self.state.borrow().now
    }

    /// Advances the time. The loops notice when they run.
    pub fn advance(&self, ms: Millis) {
        self.state.borrow_mut().now += ms;
    }

    /// A server of one worker.
    pub fn serve<S: Service>(
        &self,
        options: Options,
        make: impl FnOnce(&Worker<S::Mail>) -> S,
    ) -> TestLoop<S> {
        let workers = Workers::new(options, 1, Some(State::new_address()));
        self.start(&workers, 0, make)
    }

    /// A server of [`Options::workers`] workers, at least one, which share what real ones share.
    pub fn serve_all<S: Service>(
        &self,
        options: Options,
        mut make: impl FnMut(&Worker<S::Mail>) -> S,
    ) -> Vec<TestLoop<S>> {
        let count = options.workers.max(1);
        let workers = Workers::new(options, count, Some(State::new_address()));
        let start = |number| self.start(&workers, number, &mut make);
        (0..count).map(start).collect()
    }

    /// A loop that only dials.
    pub fn clients<S: Service>(
        &self,
        options: Options,
        make: impl FnOnce(&Worker<S::Mail>) -> S,
    ) -> TestLoop<S> {
        self.start(&Workers::new(options, 1, None), 0, make)
    }

    /// A bare connection to the loop that listens at this address.
    ///
    /// # Errors
    ///
    /// If no loop listens there.
    pub fn connect(&self, address: SocketAddr) -> std::io::Result<Peer> {
        let end = self.state.borrow_mut().connect(address)?;
        Ok(Peer::new(Rc::clone(&self.state), end))
    }

    /// The same, from this address.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn connect_from(&self, from: SocketAddr, to: SocketAddr) -> std::io::Result<Peer> {
        let mut state = self.state.borrow_mut();
        let end = state.connect(to)?;
        state.set_address(end, from);
        drop(state);
        Ok(Peer::new(Rc::clone(&self.state), end))
    }

    fn start<S: Service>(
        &self,
        workers: &Workers<S::Mail>,
        number: usize,
        make: impl FnOnce(&Worker<S::Mail>) -> S,
    ) -> TestLoop<S> {
        let Workers {
            options,
            address,
            woken,
            shared,
            handle,
        } = workers;
        let id = self.state.borrow_mut().add_loop();
        if let Some(address) = address {
            self.state.borrow_mut().listen(id, *address);
        }
        let worker = Worker {
            number,
            mailboxes: handle.mailboxes().to_vec(),
        };
        let service = make(&worker);
        let mut engine = Engine::new(
            number as u16,
            options.clone(),
            shared.clone(),
            Box::new(SimulatedSockets::new(&self.state, id)),
            handle.metrics(number),
            worker.mailboxes,
            service,
        );
        engine.start(self.now());
        TestLoop {
            network: self.clone(),
            engine: Some(engine),
            handle: handle.clone(),
            number,
            id,
            woken: Arc::clone(&woken[number]),
            address: *address,
            deadline: Some(self.now()),
        }
    }
}

/// What the loops of one server share.
struct Workers<M> {
    options: Options,
    address: Option<SocketAddr>,
    woken: Vec<Arc<AtomicBool>>,
    shared: Shared,
    handle: Handle<M>,
}

impl<M> Workers<M> {
    fn new(options: Options, count: usize, address: Option<SocketAddr>) -> Self {
        let woken: Vec<_> = (0..count).map(|_| Arc::default()).collect();
        let wakes: Vec<_> = woken.iter().map(wake).collect();
        let shared = Shared::new(&options, &wakes);
        let mailboxes = wakes.into_iter().map(|wake| shared.mailbox(wake)).collect();
        let metrics = (0..count).map(|_| Arc::default()).collect();
        Self {
            options,
            address,
            woken,
            shared,
            handle: Handle::new(mailboxes, metrics),
        }
    }
}

/// Wakes a loop by setting a flag.
fn wake(woken: &Arc<AtomicBool>) -> Wake {
    let woken = Arc::clone(woken);
    Wake::new(move || {
        woken.store(true, Relaxed);
        Ok(())
    })
}

/// One loop with its service, on a simulated network.
#[derive(Debug)]
pub struct TestLoop<S: Service> {
    network: Network,
    /// `None` once it has stopped.
    pub(super) engine: Option<Engine<S>>,
    pub(super) handle: Handle<S::Mail>,
    /// The number of the worker in its server.
    pub(super) number: usize,
    /// The number of the loop on its network.
    id: usize,
    woken: Arc<AtomicBool>,
    address: Option<SocketAddr>,
    /// When its next turn is due, if nothing happens earlier.
    deadline: Option<Millis>,
}

impl<S: Service> TestLoop<S> {
    /// Where it listens.
    ///
    /// # Panics
    ///
    /// If it only dials.
    pub fn address(&self) -> SocketAddr {
        self.address.expect("a loop that listens")
    }

    /// A handle as of a [`Server`](crate::net::Server): to stop it, to post mail, to read its
    /// counters.
    pub fn handle(&self) -> Handle<S::Mail> {
        self.handle.clone()
    }

    /// What this loop has done so far.
    pub fn counters(&self) -> Counters {
        self.handle.counters()[self.number]
    }

    /// It has been stopped, and has ended.
    pub fn has_ended(&self) -> bool {
        self.engine.is_none()
    }

    /// Calls the service, as if from within an event.
    ///
    /// # Panics
    ///
    /// If the loop has ended.
    pub fn with<R>(&mut self, call: impl FnOnce(&mut S, &mut Context<'_>) -> R) -> R {
        let now = self.network.now();
        self.deadline = Some(now);
        let engine = self.engine.as_mut().expect("a loop that runs");
        engine.with(now, call)
    }

    /// A new bare connection.
    ///
    /// # Panics
    ///
    /// If it no longer listens.
    pub fn connect(&mut self) -> Peer {
        let peer = self.network.connect(self.address());
        peer.expect("it listens")
    }

    /// A new WebSocket, its opening handshake done.
    ///
    /// # Panics
    ///
    /// If the service refuses it.
    pub fn open(&mut self, path: &str) -> Peer {
        let mut peer = self.connect();
        peer.request_upgrade(path);
        self.run();
        let upgraded = peer.upgrade();
        assert!(upgraded, "no upgrade: {:?}", peer.received());
        peer
    }

    /// Advances the time, and the loop does what is due.
    pub fn advance(&mut self, ms: Millis) {
        let end = self.network.now() + ms;
        self.run();
        while let Some(at) = self.deadline().filter(|at| *at <= end) {
            let now = self.network.now();
            self.network.advance(at.saturating_sub(now));
            self.run();
        }
        let now = self.network.now();
        self.network.advance(end - now);
        self.run();
    }

    /// When it next has something to do, if nothing happens earlier.
    pub fn deadline(&self) -> Option<Millis> {
        self.deadline
    }

    /// An event is pending, or something is due.
    pub fn is_due(&self) -> bool {
        let now = self.network.now();
        !self.has_ended()
            && (self.woken.load(Relaxed)
                || self.network.state.borrow().has_news(self.id)
                || self.deadline.is_some_and(|at| at <= now))
    }

    /// Runs until nothing is left to do at this time.
    ///
    /// # Panics
    ///
    /// If it never rests.
    pub fn run(&mut self) {
        for _ in 0..MAX_TURNS {
            if !self.is_due() {
                return;
            }
            self.turn();
        }
        panic!("the loop spins");
    }

    /// One turn: what is ready now is handled, and the output is written.
    pub fn turn(&mut self) {
        let now = self.network.now();
        let Some(engine) = &mut self.engine else {
            return;
        };
        self.woken.store(false, Relaxed);
        engine.begin(now);
        let news = self.network.state.borrow_mut().take_news(self.id);
        if news.listener {
            engine.listener_ready(0);
        }
        for (index, ready) in news.peers {
            engine.ready(index, ready);
        }
        let next = engine.finish(true);
        self.deadline = match next {
            Next::Now => Some(now),
            Next::Soon(ms) => Some(now + ms),
            Next::At(at) => Some(at),
            Next::Idle | Next::Stopped => None,
        };
        if next == Next::Stopped {
            self.engine = None;
        }
    }
}
