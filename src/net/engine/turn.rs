//! One turn of the loop, in the order of its calls.
//!
//! Input: what the sockets are ready for, and mail. Output: calls of the parts that handle them,
//! and when the next turn is due. What a read does is left to `input`, what is sent to `output`.

use crate::net::conn::lists::Lists;
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::engine::deadlines::arm;
#[cfg(feature = "client")]
use crate::net::engine::dial::dialled;
use crate::net::engine::drain::Drain;
use crate::net::engine::{Engine, Next};
use crate::net::input::Reader;
use crate::net::input::events::{NO_CLOSE, announce};
use crate::net::mailbox::Post;
use crate::net::metrics::Metrics;
use crate::net::service::Service;
use crate::net::sockets::Ready;
use crate::net::words::Cause;
use crate::proto::Millis;
use std::mem;

/// Mail handled in one turn, so that a flood of it does not starve the sockets.
const MAIL_PER_TURN: usize = 4096;

impl<S: Service> Engine<S> {
    /// Before the first turn.
    pub(crate) fn start(&mut self, now: Millis) {
        self.connections.out.now = now;
        self.service
            .started(&mut Context::new(&mut self.connections));
    }

    /// A turn begins at this time. Peers that had more to read than one read returns get one read
    /// per turn.
    pub(crate) fn begin(&mut self, now: Millis) {
        self.mailbox().awake();
        let out = &mut self.connections.out;
        out.metrics.turns.add(1);
        out.sockets.begin_turn();
        out.now = now;
        // A peer that sends more at once has to wait for its next turn, like the others.
        for index in out.lists.left.drain(..) {
            if self.connections.peers.at(index).is_some() {
                out.lists.writable.push(index);
            }
        }
        if self.moving.rests() {
            return;
        }
        let mut ready = mem::take(&mut self.swap);
        mem::swap(&mut ready, &mut out.lists.ready);
        for index in ready.drain(..) {
            if let Some(peer) = self.connections.peers.at(index)
                && mem::take(&mut peer.flags.ready)
            {
                self.read(index);
            }
        }
        self.swap = ready;
    }

    /// Something happened to the socket of a connection.
    #[inline]
    pub(crate) fn ready(&mut self, index: u32, ready: Ready) {
        let Connections { peers, out, .. } = &mut self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        #[cfg(feature = "client")]
        if !dialled(out, peer) {
            return;
        }
        // A peer on the ready list has already had its read in this turn.
        let listed = peer.flags.ready;
        if ready.hung_up {
            peer.flags.hung_up = true;
            out.lists.push_ready(peer);
            // These are not read from: nothing else would notice that they are gone.
            let unread = peer.flags.paused || peer.is_answering();
            let leaves = out.leaving.contains(&index) && peer.is_answering();
            if peer.is_stream() || leaves || ready.broken && unread {
                peer.end_for(Cause::Lost);
                out.lists.remove_soon(peer);
                return;
            }
        }
        if self.moving.rests() {
            out.lists.push_ready(peer);
            if self.moving.is_still() {
                return;
            }
        }
        if ready.writable {
            if out.some_secure {
                out.sockets.flush(index);
            }
            if peer.queued() > 0 {
                out.flush(peer);
            }
        }
        if ready.readable && !listed && !self.moving.rests() {
            self.read(index);
        }
    }

    #[inline]
    fn read(&mut self, index: u32) {
        Reader {
            connections: &mut self.connections,
            service: &mut self.service,
            buffer: &mut self.buffer,
            pressure: &self.pressure,
        }
        .read(index);
        if let Some(wanted) = self.connections.out.cold.take_wanted() {
            self.make_room(wanted);
        } else if self.connections.out.cold.memory.is_over() {
            self.shed(0);
        }
    }

    fn take_mail(&mut self) {
        let mut post = Vec::new();
        self.mailbox().take(&mut post);
        self.mail.extend(post);
    }

    pub(super) fn deliver(&mut self) {
        if self.mailbox().has_post() {
            self.take_mail();
        }
        let mut handled = 0;
        for _ in 0..MAIL_PER_TURN {
            let out = &self.connections.out;
            // Memory is shed at the end of the turn: one mail may be for thousands of slow peers.
            if out.is_full() || (handled > 0 && out.cold.memory.is_over()) {
                break;
            }
            match self.mail.pop_front() {
                Some(Post::Mail(mail, bytes)) => {
                    let context = &mut Context::new(&mut self.connections);
                    self.service.mail(context, mail);
                    handled += bytes;
                }
                Some(Post::Stop) if self.moving.puts_off_stop() => {}
                Some(Post::Stop) => self.stop(),
                #[cfg(feature = "take-over")]
                Some(Post::Order(order)) => self.moving.order(order),
                #[cfg(feature = "client")]
                Some(Post::Addresses(number, addresses)) => {
                    self.connections.dials.found(number, addresses);
                }
                None => {
                    self.mail.shrink_to(MAIL_PER_TURN);
                    break;
                }
            }
        }
        if handled > 0 {
            self.mailbox().handled(handled);
        }
    }

    /// The turn ends: mail is delivered, what is due is done, and what the turn has produced is
    /// sent. `complete` if every ready socket was reported.
    pub(crate) fn finish(&mut self, complete: bool) -> Next {
        #[cfg(feature = "take-over")]
        if let Some(next) = self.finish_resting() {
            return next;
        }
        self.accept();
        self.deliver();
        #[cfg(feature = "client")]
        self.dial();
        let stopped = match self.may_judge(complete) {
            None => false,
            Some(at) => self.judge(at),
        };
        self.drain();
        self.settle();
        self.stop_if_wanted();
        #[cfg(feature = "take-over")]
        self.carry_out();
        if self.stop_at.is_some() && (stopped || self.connections.peers.len() == 0) {
            self.announce_all();
            return Next::Stopped;
        }
        self.next()
    }

    /// Writes what this turn has produced and removes what it has ended.
    pub(super) fn settle(&mut self) {
        while !self.connections.out.lists.are_settled() {
            self.each(|lists| &mut lists.writable, Self::tell_writable);
            self.each(|lists| &mut lists.closing, Self::tell_closing);
            self.each(|lists| &mut lists.dirty, Self::settle_one);
            self.each(|lists| &mut lists.dying, Self::remove);
        }
        let out = &mut self.connections.out;
        out.end_turn();
        out.charge_beside();
        if self.connections.out.cold.memory.is_over() {
            self.shed(0); // The peers it touches are settled in the next turn.
        } else {
            self.unsheddable = 0;
        }
    }

    /// Takes a step for every peer on a list; those added meanwhile wait for the next time.
    #[inline]
    fn each(&mut self, list: fn(&mut Lists) -> &mut Vec<u32>, step: impl Fn(&mut Self, u32)) {
        let mut indices = mem::take(&mut self.swap);
        mem::swap(&mut indices, list(&mut self.connections.out.lists));
        for index in indices.drain(..) {
            step(self, index);
        }
        self.swap = indices;
    }

    fn tell_writable(&mut self, index: u32) {
        if let Some(id) = self.connections.peers.id_at(index) {
            let context = &mut Context::new(&mut self.connections);
            self.service.writable(context, id);
        }
    }

    fn tell_closing(&mut self, index: u32) {
        if let Some(id) = self.connections.peers.id_at(index) {
            let context = &mut Context::new(&mut self.connections);
            self.service.closing(context, id);
        }
    }

    fn settle_one(&mut self, index: u32) {
        let Connections { peers, out, .. } = &mut self.connections;
        if let Some(peer) = peers.at(index) {
            out.settle(peer);
            arm(peer, out, &mut self.wheel);
            out.cold.release(peer);
        }
    }

    fn remove(&mut self, index: u32) {
        announce(&mut self.connections, &mut self.service, index, &NO_CLOSE);
        let Connections {
            peers,
            out,
            dials,
            stopping,
            ..
        } = &mut self.connections;
        let Some(mut peer) = peers.remove(index) else {
            return;
        };
        out.metrics.ended.add(1);
        count_end(&out.metrics, peer.cause);
        out.log_end(index);
        out.sockets.close(index);
        out.forget(&mut peer);
        self.acceptor.descriptor_is_free();
        dials.ended(index, out.now, *stopping);
        #[cfg(feature = "client")]
        self.removed(peer);
    }

    /// How long the loop may sleep: not at all while anything is left to do, otherwise until
    /// something happens or is due.
    pub(super) fn next(&self) -> Next {
        let Connections { out, dials, .. } = &self.connections;
        let busy = !self.mail.is_empty()
            || !out.lists.are_settled()
            || !out.lists.left.is_empty()
            || self.look.is_some()
            || dials.deadline() == Some(0)
            || self.acceptor.deadline() == Some(0);
        if busy || !out.lists.ready.is_empty() && !self.pressure.is_on() {
            return Next::Now;
        }
        if !self.mailbox().fall_asleep() {
            return Next::Now;
        }
        if !out.lists.ready.is_empty() {
            return Next::Soon(1); // Another loop has too much mail and is working on it.
        }
        let wakes = [
            self.next_deadline(),
            dials.deadline(),
            self.acceptor.deadline(),
            self.drain.as_ref().map(Drain::deadline),
        ];
        wakes
            .into_iter()
            .flatten()
            .min()
            .map_or(Next::Idle, Next::At)
    }
}

/// Of the other causes each is counted where it begins.
fn count_end(metrics: &Metrics, cause: Option<Cause>) {
    match cause {
        Some(Cause::Lost) => metrics.lost.add(1),
        Some(Cause::Silent) => metrics.silent.add(1),
        Some(Cause::Stalled) => metrics.stalled.add(1),
        Some(Cause::Late) => metrics.late.add(1),
        Some(Cause::Stopped) => metrics.stopped.add(1),
        _ => {}
    }
}
