//! One loop without the system: ready sockets, mail and the time in; writes and the next deadline
//! out.
//!
//! ```text
//!   begin(now) ──▶ ready(…)* ──▶ finish() ───────────────────────────────────▶ Next
//!     read           read          accept ▸ deliver ▸ dial ▸ judge ▸ settle
//! ```
//!
//! It has no thread, clock or event queue: the driver has them, and a test can simulate them.
//! Input: what is ready, mail, time. Output: calls on the service, and as few calls on [`Sockets`]
//! as possible: per turn and readable peer, one read and one write. Invariants: every list that a
//! turn fills is empty when the turn is finished, or counts as a reason not to sleep; no deadline
//! is judged before everything that had arrived by then has been read, so a loop that was suspended
//! (a stopped process, a sleeping machine) does not blame its peers.
//!
//! Reading order: `acceptor`, `drain`, `rest`, `no_rest`, `turn`, `accept`, `deadlines`, `shed`,
//! `dial`, `stop`, `moving`.

mod accept;
mod acceptor;
mod deadlines;
#[cfg(feature = "client")]
mod dial;
mod drain;
#[cfg(feature = "take-over")]
mod moving;
#[cfg(feature = "take-over")]
mod rest;
#[cfg(not(feature = "take-over"))]
#[path = "no_rest.rs"]
mod rest;
mod shed;
mod stop;
mod turn;

use crate::deflate::Budget;
use crate::net::conn::cold::ColdStore;
use crate::net::conn::deflate::Compression;
use crate::net::conn::dialing::Dials;
use crate::net::conn::table::Table;
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::engine::acceptor::Acceptor;
use crate::net::engine::drain::Drain;
use crate::net::engine::rest::Moving;
use crate::net::mailbox::{Mailbox, Post, Pressure};
use crate::net::memory::Memory;
use crate::net::metrics::Metrics;
use crate::net::options::Options;
use crate::net::output::Output;
use crate::net::rate::Throttle;
use crate::net::service::Service;
use crate::net::sockets::Sockets;
use crate::net::wake::Wake;
use crate::net::wheel::Wheel;
use crate::proto::Millis;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

/// One loop with its service.
#[derive(Debug)]
pub(crate) struct Engine<S: Service> {
    connections: Connections,
    service: S,
    /// The mailboxes of all workers, in order of their numbers.
    mailboxes: Vec<Mailbox<S::Mail>>,
    mail: VecDeque<Post<S::Mail>>,
    /// The one receive buffer.
    buffer: Vec<u8>,
    wheel: Wheel,
    acceptor: Acceptor,
    /// How often addresses may connect, to any loop.
    arrivals: Option<Arc<Throttle<IpAddr>>>,
    pressure: Pressure,
    /// Deadlines had passed at this time: what had arrived by then is being read.
    look: Option<Look>,
    /// When a graceful stop ends at the latest.
    stop_at: Option<Millis>,
    /// What a graceful stop has yet to close.
    drain: Option<Drain>,
    /// Shedding could not get below this: try again when more is held.
    unsheddable: usize,
    /// The service has panicked: it is never called again.
    failed: bool,
    /// What is done for another process.
    moving: Moving,
    due: Vec<u32>,
    swap: Vec<u32>,
}

/// Before deadlines are judged.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// What is due by now is judged, after what has arrived by now was read.
    at: Millis,
    turns: u32,
}

/// What the loops of a server share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    memory: Memory,
    pressure: Pressure,
    /// For compression.
    budget: Option<Budget>,
    /// How often addresses connect.
    arrivals: Option<Arc<Throttle<IpAddr>>>,
    mail_bytes: usize,
}

impl Shared {
    /// For as many loops as there are wakers.
    pub(crate) fn new(options: &Options, wakes: &[Wake]) -> Self {
        let deflate = options.deflate_settings();
        let memory = Memory::new(options.limits.memory_bytes, wakes.len());
        memory.set_wakers(wakes);
        Self {
            memory,
            pressure: Pressure::default(),
            budget: deflate.map(|settings| Budget::new(settings.budget)),
            arrivals: options.connection_rate.map(Throttle::new).map(Arc::new),
            mail_bytes: options.limits.mail_bytes,
        }
    }

    /// The mailbox of a loop.
    pub(crate) fn mailbox<M>(&self, wake: Wake) -> Mailbox<M> {
        Mailbox::new(wake, self.mail_bytes, &self.pressure, &self.memory)
    }
}

/// What follows a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another turn at once.
    Now,
    /// Another turn when something happens, or after this many milliseconds at the latest.
    Soon(Millis),
    /// Another turn when something happens, or at this time.
    At(Millis),
    /// Another turn when something happens.
    Idle,
    /// The loop has stopped.
    Stopped,
}

impl<S: Service> Engine<S> {
    pub(crate) fn new(
        worker: u16,
        mut options: Options,
        shared: Shared,
        sockets: Box<dyn Sockets>,
        metrics: Arc<Metrics>,
        mailboxes: Vec<Mailbox<S::Mail>>,
        service: S,
    ) -> Self {
        options.receive_buffer = options.receive_buffer.max(4096);
        let compression = Compression::new(&options, shared.budget);
        let cold = ColdStore::new(shared.memory);
        let buffer = vec![0; options.receive_buffer];
        let moving = Moving::new(&options);
        Self {
            connections: Connections {
                peers: Table::new(worker),
                out: Output::new(worker, options, sockets, metrics, cold, compression),
                dials: Dials::default(),
                stopping: false,
                stop_wanted: false,
            },
            service,
            mailboxes,
            mail: VecDeque::new(),
            buffer,
            wheel: Wheel::new(0),
            acceptor: Acceptor::default(),
            arrivals: shared.arrivals,
            pressure: shared.pressure,
            look: None,
            stop_at: None,
            drain: None,
            unsheddable: 0,
            failed: false,
            moving,
            due: Vec::new(),
            swap: Vec::new(),
        }
    }

    /// Calls the service outside of an event, between two turns.
    pub(crate) fn with<R>(
        &mut self,
        now: Millis,
        call: impl FnOnce(&mut S, &mut Context<'_>) -> R,
    ) -> R {
        self.connections.out.now = now;
        call(&mut self.service, &mut Context::new(&mut self.connections))
    }

    /// Its own mailbox.
    fn mailbox(&self) -> &Mailbox<S::Mail> {
        &self.mailboxes[usize::from(self.connections.out.worker)]
    }
}

/// However the loop ends, mail to it is refused from now on.
impl<S: Service> Drop for Engine<S> {
    fn drop(&mut self) {
        self.mail.clear();
        self.mailbox().end();
        self.forget_all();
    }
}
