//! The loop: wait → read → mail → write → timers, round and round, on one thread.
//!
//! Input: readiness from mio, mail from other threads, time. Output: calls on the service and as
//! few system calls as there can be: per turn one wait, per readable peer one read and one write.
//! Invariants: every list that a turn fills is empty, or noted as a reason not to sleep, before the
//! loop waits again; no deadline is judged before all that had arrived by then has been read, so a
//! loop that was held up (a stopped process, a machine that slept) does not blame its peers.

use crate::net::accept::Acceptor;
use crate::net::alarm::Alarm;
use crate::net::context::Context;
use crate::net::core::Core;
use crate::net::dial::Dials;
use crate::net::input::{Reader, announce};
use crate::net::mailbox::{Mailbox, Post};
use crate::net::peer::{Peer, Phase};
use crate::net::service::Service;
use crate::net::transport::Transport;
use crate::proto::{Millis, Role};
use crate::wire::CloseCode;
use mio::event::Event;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::sync::Arc;
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
    /// Deadlines had passed at this time: what had arrived by then is being read.
    look: Option<Look>,
}

/// Before deadlines are judged.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// What is due by now is judged, and what has arrived by now counts.
    at: Millis,
    turns: u32,
}

/// Turns after which deadlines are judged although some peers have more to read: 64 reads are more
/// than a socket holds, so those do not stop to send.
const MAX_LOOK: u32 = 64;

impl<S: Service> EventLoop<S> {
    pub(super) fn new(
        poll: Poll,
        alarm: Alarm,
        (mut listener, open): (Option<TcpListener>, Arc<()>),
        mailbox: Mailbox<S::Mail>,
        core: Core,
        service: S,
    ) -> io::Result<Self> {
        if let Some(listener) = &mut listener {
            poll.registry()
                .register(listener, LISTENER, Interest::READABLE)?;
        }
        Ok(Self {
            poll,
            buffer: vec![0; core.options.receive_buffer],
            core,
            service,
            acceptor: Acceptor::new(listener, open),
            mailbox,
            mail: std::collections::VecDeque::new(),
            alarm,
            stop_at: None,
            look: None,
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
            let complete = match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Err(_) => false,
                Ok(()) => events.iter().count() < EVENTS,
            };
            self.core.counters.turns += 1;
            self.core.now = self.alarm.now();
            self.read_ready(&mut lists.ready);
            for event in &events {
                self.dispatch(event);
            }
            self.accept();
            self.deliver();
            self.dial();
            let stopped = match self.may_judge(complete) {
                None => false,
                Some(at) => self.judge(at, &mut lists.due),
            };
            self.finish_turn(&mut lists.swap);
            if self.stop_at.is_some() && (stopped || self.core.peers.len() == 0) {
                self.announce_all();
                return Ok(());
            }
        }
    }

    /// The time by which deadlines may be judged in this turn. The first turn that finds one passed
    /// only notes the time; once all sockets have been read that had something then, it is that
    /// time. `complete` if this turn has heard of every socket that is ready.
    fn may_judge(&mut self, complete: bool) -> Option<Millis> {
        let now = self.core.now;
        let Some(look) = &mut self.look else {
            if self.next_deadline().is_some_and(|at| at <= now) {
                self.look = Some(Look { at: now, turns: 0 });
            }
            return None;
        };
        look.turns += 1;
        let at = look.at;
        let read = complete && self.core.ready.is_empty() && self.mail.is_empty();
        if !read && look.turns < MAX_LOOK {
            return None;
        }
        self.look = None;
        Some(at)
    }

    /// Does what is due by `at`; whether the time of a graceful stop is up.
    fn judge(&mut self, at: Millis, due: &mut Vec<u32>) -> bool {
        let now = std::mem::replace(&mut self.core.now, at);
        self.core.run_timers(due);
        self.core.drop_idle_compressors();
        if self
            .service
            .deadline()
            .is_some_and(|deadline| deadline <= at)
        {
            self.service.tick(&mut Context::new(&mut self.core));
        }
        self.core.now = now;
        self.stop_at.is_some_and(|stop_at| stop_at <= at)
    }

    /// The earliest deadline, of whatever kind.
    fn next_deadline(&self) -> Option<Millis> {
        let deadlines = [
            self.core.wheel.next_at(),
            self.stop_at,
            self.core.compression.deadline(),
            self.service.deadline(),
        ];
        deadlines.into_iter().flatten().min()
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
                // A peer on the ready list has had its read of this turn.
                let listed = self
                    .core
                    .peers
                    .at(index)
                    .is_some_and(|peer| peer.flags.ready);
                if event.is_read_closed() || event.is_write_closed() || event.is_error() {
                    self.hung_up(index);
                }
                if event.is_writable() {
                    self.core.flush(index);
                }
                if event.is_readable() && !listed {
                    self.read(index);
                }
            }
        }
    }

    #[inline]
    fn read(&mut self, index: u32) {
        self.reader().read(index);
        if self.core.memory.is_over() {
            self.core.shed();
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
            if let Some(peer) = self.core.peers.at(index)
                && std::mem::take(&mut peer.flags.ready)
            {
                self.read(index);
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
            if full || core.memory.is_over() || !addresses.admit(index, address, limits) {
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
        let mut handled = 0;
        for _ in 0..MAIL_PER_TURN {
            if self.core.turn.is_full() {
                break;
            }
            match self.mail.pop_front() {
                Some(Post::Mail(mail, bytes)) => {
                    self.service.mail(&mut Context::new(&mut self.core), mail);
                    handled += bytes;
                }
                Some(Post::Stop) => self.stop(),
                None => {
                    self.mail.shrink_to(MAIL_PER_TURN);
                    break;
                }
            }
        }
        if handled > 0 {
            self.mailbox.handled(handled);
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
            std::mem::swap(swap, &mut self.core.closing);
            for index in swap.drain(..) {
                if let Some(id) = self.core.peers.id(index) {
                    self.service.closing(&mut Context::new(&mut self.core), id);
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
                if let Some(peer) = self.core.remove(index) {
                    self.removed(index, peer);
                }
            }
            let core = &self.core;
            let settled = core.turn.touched.is_empty() && core.doomed.is_empty();
            if settled && core.drained.is_empty() && core.closing.is_empty() {
                break;
            }
        }
        self.core.turn.clear();
        if self.core.memory.is_over() {
            self.core.shed(); // What it has touched is settled in the next turn.
        }
    }

    /// How long the loop may sleep: not at all while anything is left to do, otherwise until
    /// something happens; the alarm sees to it that deadlines happen.
    fn timeout(&mut self) -> Option<Duration> {
        let settled = self.core.turn.touched.is_empty() && self.core.doomed.is_empty();
        let busy = !self.mail.is_empty()
            || !settled
            || self.look.is_some()
            || self.acceptor.pending
            || self.core.dials.deadline() == Some(0);
        if busy {
            return Some(Duration::ZERO);
        }
        if !self.core.ready.is_empty() {
            // Another loop has too much mail, and works on it.
            let wait = u64::from(self.core.pressure.is_on());
            return Some(Duration::from_millis(wait));
        }
        let wakes = [
            self.next_deadline(),
            self.acceptor.retry_at(),
            self.core.dials.deadline(),
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
                Phase::Open(connection) => {
                    let reason = match connection.role() {
                        Role::Server => "the server is stopping",
                        Role::Client => "the client is stopping",
                    };
                    self.core.close(id, CloseCode::GOING_AWAY, reason);
                    self.core.closing.push(id.index);
                }
                Phase::Http { .. } if peer.rare.is_none() => self.core.finish(id.index),
                Phase::Dial(_) => self.core.doom(id.index),
                Phase::Http { .. } | Phase::Over { .. } => {}
            }
        }
    }

    /// The loop ends: connections that are left end with it.
    fn announce_all(&mut self) {
        for id in self.core.peers.ids() {
            announce(&mut self.core, &mut self.service, id.index);
        }
    }
}

/// However it ends: mail to it is refused from now on.
impl<S: Service> Drop for EventLoop<S> {
    fn drop(&mut self) {
        self.mail.clear();
        self.mailbox.end();
        self.core.forget_all();
    }
}

/// Lists that are swapped with those of the core, so that their memory is reused.
#[derive(Default)]
struct Lists {
    ready: Vec<u32>,
    due: Vec<u32>,
    swap: Vec<u32>,
}
