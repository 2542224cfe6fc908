//! The loop: wait → read → mail → write → timers, round and round, on one thread.
//!
//! Comes in: readiness from mio, mail from other threads, time. Goes out: calls on the service and
//! as few system calls as there can be: per turn one wait, per readable peer one read and one
//! write. Invariant: every list that a turn fills is empty, or noted as a reason not to sleep,
//! before the loop waits again.

use crate::net::accept::Acceptor;
use crate::net::alarm::Alarm;
use crate::net::compression::Shared;
use crate::net::context::Context;
use crate::net::core::Core;
use crate::net::dial::Dials;
use crate::net::input::{Reader, announce};
use crate::net::mailbox::{Mailbox, Post};
use crate::net::options::Options;
use crate::net::peer::{Peer, Phase};
use crate::net::service::Service;
use crate::net::transport::Transport;
use crate::proto::{Millis, Role};
use crate::wire::CloseCode;
use mio::event::Event;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::time::Duration;

pub(super) const LISTENER: Token = Token(usize::MAX);
pub(super) const WAKER: Token = Token(usize::MAX - 1);

/// Events taken in one wait.
const EVENTS: usize = 1024;

/// Mail handled in one turn, so that a flood of it does not starve the sockets.
const MAIL_PER_TURN: usize = 4096;

/// One event loop with its service.
pub(super) struct EventLoop<S: Service> {
    pub(super) poll: Poll,
    pub(super) core: Core,
    pub(super) service: S,
    acceptor: Acceptor,
    mailbox: Mailbox<S::Mail>,
    mail: std::collections::VecDeque<Post<S::Mail>>,
    buffer: Vec<u8>,
    alarm: Alarm,
    /// When a graceful stop ends at the latest.
    stop_at: Option<Millis>,
}

impl<S: Service> EventLoop<S> {
    pub(super) fn new(
        poll: Poll,
        alarm: Alarm,
        mut listener: Option<TcpListener>,
        mailbox: Mailbox<S::Mail>,
        mut options: Options,
        shared: Shared,
        service: S,
    ) -> io::Result<Self> {
        options.receive_buffer = options.receive_buffer.max(4096);
        if let Some(listener) = &mut listener {
            poll.registry()
                .register(listener, LISTENER, Interest::READABLE)?;
        }
        Ok(Self {
            poll,
            buffer: vec![0; options.receive_buffer],
            core: Core::new(options, shared),
            service,
            acceptor: Acceptor::new(listener),
            mailbox,
            mail: std::collections::VecDeque::new(),
            alarm,
            stop_at: None,
        })
    }

    /// Runs until it is stopped.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut lists = Lists::default();
        self.core.now = self.alarm.now();
        self.service.started(&mut Context::new(&mut self.core));
        loop {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.core.counters.turns += 1;
            self.core.now = self.alarm.now();
            self.read_ready(&mut lists.ready);
            for event in &events {
                self.dispatch(event);
            }
            self.accept();
            self.deliver();
            self.dial();
            self.core.run_timers(&mut lists.due);
            self.core.drop_idle_compressors();
            if self
                .service
                .deadline()
                .is_some_and(|at| at <= self.core.now)
            {
                self.service.tick(&mut Context::new(&mut self.core));
            }
            self.finish_turn(&mut lists.swap);
            if self.stopped() {
                return Ok(());
            }
        }
    }

    fn dispatch(&mut self, event: &Event) {
        match event.token() {
            LISTENER => self.acceptor.pending = true,
            WAKER => self.take_mail(),
            Token(index) => {
                let index = index as u32;
                if !self.core.dialled(index) {
                    return;
                }
                if event.is_read_closed() || event.is_write_closed() || event.is_error() {
                    self.hung_up(index);
                }
                if event.is_writable() {
                    self.core.flush(index);
                }
                if event.is_readable() {
                    self.reader().read(index);
                }
            }
        }
    }

    /// The peer ended or reset the connection: what it sent before is still read.
    fn hung_up(&mut self, index: u32) {
        if let Some(peer) = self.core.peers.at(index) {
            peer.flags.hung_up = true;
            self.core.push_ready(index);
        }
    }

    fn reader(&mut self) -> Reader<'_, S> {
        Reader {
            core: &mut self.core,
            service: &mut self.service,
            buffer: &mut self.buffer,
        }
    }

    /// Peers that had more to read than one read takes get one read each turn.
    fn read_ready(&mut self, ready: &mut Vec<u32>) {
        std::mem::swap(ready, &mut self.core.ready);
        for index in ready.drain(..) {
            if self
                .core
                .peers
                .at(index)
                .is_some_and(|peer| peer.flags.ready)
            {
                self.reader().read(index);
            }
        }
    }

    fn accept(&mut self) {
        if !self.acceptor.is_due(self.core.now) {
            return;
        }
        let Self {
            acceptor,
            core,
            poll,
            ..
        } = self;
        acceptor.accept(core.now, |addresses, stream, address| {
            let limits = &core.options.limits;
            let index = core.peers.vacant();
            let full = core.peers.len() >= limits.connections;
            if full || !addresses.admit(index, address, limits) {
                core.counters.refused += 1;
                log::debug!("refused a connection from {address}: too many");
                return;
            }
            core.counters.accepted += 1;
            let mut transport = Transport::Plain(stream);
            let registered = transport.register(poll.registry(), Token(index as usize));
            let tap = core.options.tap.as_ref();
            core.taps.open(index, tap, Role::Server, &transport);
            let id = core.peers.insert(Peer::new(transport, core.now));
            debug_assert_eq!(id.index, index);
            match registered {
                Ok(()) => core.arm(index),
                Err(error) => {
                    log::warn!("cannot watch a connection: {error}");
                    core.doom(index);
                }
            }
        });
    }

    fn take_mail(&mut self) {
        let mut post = Vec::new();
        self.mailbox.take(&mut post);
        self.mail.extend(post);
    }

    fn deliver(&mut self) {
        for _ in 0..MAIL_PER_TURN {
            match self.mail.pop_front() {
                Some(Post::Mail(mail)) => {
                    self.service.mail(&mut Context::new(&mut self.core), mail);
                }
                Some(Post::Stop) => self.stop(),
                None => return,
            }
        }
    }

    /// Writes what this turn has produced and removes what it has ended.
    fn finish_turn(&mut self, swap: &mut Vec<u32>) {
        loop {
            std::mem::swap(swap, &mut self.core.drained);
            for index in swap.drain(..) {
                if let Some(id) = self.core.peers.id(index) {
                    self.service.drained(&mut Context::new(&mut self.core), id);
                }
            }
            std::mem::swap(swap, &mut self.core.turn.touched);
            for index in swap.drain(..) {
                self.core.settle(index);
                self.core.release(index);
            }
            std::mem::swap(swap, &mut self.core.doomed);
            for index in swap.drain(..) {
                announce(&mut self.core, &mut self.service, index);
                self.acceptor.forget(index);
                self.core.taps.close(index);
                if let Some(peer) = self.core.peers.remove(index) {
                    self.removed(index, peer);
                }
            }
            let core = &self.core;
            if core.turn.touched.is_empty() && core.doomed.is_empty() && core.drained.is_empty() {
                break;
            }
        }
        self.core.turn.clear();
    }

    /// How long the loop may sleep: not at all while anything is left to do, otherwise until
    /// something happens; the alarm sees to it that deadlines happen.
    fn timeout(&mut self) -> Option<Duration> {
        let busy = !self.core.ready.is_empty()
            || !self.mail.is_empty()
            || self.acceptor.pending
            || self.core.dials.deadline() == Some(0);
        if busy {
            return Some(Duration::ZERO);
        }
        let wakes = [
            self.core.wheel.next_at(),
            self.stop_at,
            self.acceptor.retry_at(),
            self.core.compression.deadline(),
            self.core.dials.deadline(),
            self.service.deadline(),
        ];
        if let Some(next) = wakes.into_iter().flatten().min() {
            self.alarm.set(next, self.core.now);
        }
        None
    }

    /// Begins a graceful stop: no new connections, Close 1001 to all, a bounded wait.
    fn stop(&mut self) {
        if self.core.stopping {
            return;
        }
        self.core.stopping = true;
        self.core.dials = Dials::default();
        if let Some(listener) = self.acceptor.listener() {
            let _ = self.poll.registry().deregister(listener);
        }
        self.acceptor.close();
        let limits = &self.core.options.limits;
        self.stop_at =
            Some(self.core.now + Millis::from(limits.close_ms) + Millis::from(limits.drain_ms));
        for id in self.core.peers.ids() {
            let Some(peer) = self.core.peers.get(id) else {
                continue;
            };
            match &peer.phase {
                Phase::Open(_) => {
                    self.core
                        .close(id, CloseCode::GOING_AWAY, "the server is stopping");
                }
                Phase::Http { .. } if peer.rare.is_none() => self.core.finish(id.index),
                Phase::Dial(_) => self.core.doom(id.index),
                Phase::Http { .. } | Phase::Over { .. } => {}
            }
        }
    }

    fn stopped(&mut self) -> bool {
        match self.stop_at {
            None => false,
            Some(at) if self.core.peers.len() > 0 && self.core.now < at => false,
            Some(_) => {
                for id in self.core.peers.ids() {
                    announce(&mut self.core, &mut self.service, id.index);
                }
                true
            }
        }
    }
}

/// Lists that are swapped with those of the core, so that their memory is reused.
#[derive(Default)]
struct Lists {
    ready: Vec<u32>,
    due: Vec<u32>,
    swap: Vec<u32>,
}
