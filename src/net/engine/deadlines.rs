//! What happens at deadlines, and when they may be judged.
//!
//! Invariant: a peer has one slot of the wheel that counts, no later than its deadline or timer.

use crate::http::{Response, Status};
use crate::net::conn::deadlines::{deadline, message_deadline, stall_deadline};
use crate::net::conn::peer::{HttpWait, Peer, Phase};
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::engine::{Engine, Look};
use crate::net::input::events::{NO_CLOSE, announce, restated};
use crate::net::output::Output;
use crate::net::service::Service;
use crate::net::wheel::{SlotNumber, Wheel};
use crate::net::words::Cause;
use crate::proto::{Millis, Tick};
use crate::wire::CloseCode;

/// Turns after which deadlines are judged although some peers have more to read: 64 reads are more
/// than a socket holds, so those peers never stop sending.
const MAX_LOOK: u32 = 64;

impl<S: Service> Engine<S> {
    /// The time by which deadlines may be judged in this turn. The first turn that finds one passed
    /// only notes the time; once all sockets that were readable then have been read, it is that
    /// time. `complete` if this turn covers every socket that is ready.
    pub(super) fn may_judge(&mut self, complete: bool) -> Option<Millis> {
        let now = self.connections.out.now;
        let Some(look) = &mut self.look else {
            if self.next_deadline().is_some_and(|at| at <= now) {
                self.look = Some(Look { at: now, turns: 0 });
            }
            return None;
        };
        look.turns += 1;
        let at = look.at;
        let ready = &self.connections.out.lists.ready;
        let read = complete && ready.is_empty() && self.mail.is_empty();
        if !read && look.turns < MAX_LOOK {
            return None;
        }
        self.look = None;
        Some(at)
    }

    /// Does what is due by `at`; returns whether the time of a graceful stop is up.
    pub(super) fn judge(&mut self, at: Millis) -> bool {
        let now = std::mem::replace(&mut self.connections.out.now, at);
        self.run_timers();
        let Connections { peers, out, .. } = &mut self.connections;
        out.drop_idle_compressors(peers);
        if self.service_deadline().is_some_and(|due| due <= at) {
            self.service.tick(&mut Context::new(&mut self.connections));
        }
        self.connections.out.now = now;
        self.stop_at.is_some_and(|stop_at| stop_at <= at)
    }

    /// The earliest deadline of any kind.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        let deadlines = [
            self.wheel.next_at(),
            self.stop_at,
            self.connections.out.compression.deadline(),
            self.service_deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    fn service_deadline(&self) -> Option<Millis> {
        match self.failed {
            true => None,
            false => self.service.deadline(),
        }
    }

    /// Checks every peer whose slot has passed.
    fn run_timers(&mut self) {
        let mut due = std::mem::take(&mut self.due);
        while let Some(slot) = self.wheel.expire(self.connections.out.now, &mut due) {
            for index in due.drain(..) {
                self.look_at(index, slot);
            }
        }
        self.due = due;
    }

    /// Answers a request that has not arrived in time.
    fn cut_request(&mut self, index: u32) {
        let Connections { peers, out, .. } = &mut self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        let id = peer.id(out.worker);
        let http = std::mem::take(&mut out.cold.of(peer).http);
        let mut response = Response::text(Status::REQUEST_TIMEOUT, "the request took too long");
        if !self.failed {
            response = restated(
                &mut self.connections,
                &mut self.service,
                id,
                &http,
                response,
            );
        }
        let Connections { peers, out, .. } = &mut self.connections;
        if let Some(peer) = peers.at(index) {
            out.cold.of(peer).http = http;
            out.give_up(peer, response);
        }
    }

    fn look_at(&mut self, index: u32, slot: SlotNumber) {
        let Connections { peers, out, .. } = &mut self.connections;
        let Some(peer) = peers.at(index).filter(|peer| peer.armed == slot) else {
            return;
        };
        peer.armed = 0;
        let is_due = deadline(peer, &out.options.limits).is_some_and(|at| at <= out.now);
        let overdue = is_due.then(|| overdue(out, peer));
        if matches!(overdue, Some(Overdue::Request)) {
            self.cut_request(index);
        }
        let Connections { peers, out, .. } = &mut self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        let rings = out.timers.of(peer).is_some_and(|at| at <= slot) && !peer.flags.dying;
        if rings {
            out.timers.clear(peer);
        }
        arm(peer, out, &mut self.wheel);
        let id = peer.id(out.worker);
        if matches!(overdue, Some(Overdue::Ended)) {
            announce(&mut self.connections, &mut self.service, index, &NO_CLOSE);
        }
        if rings && !self.failed {
            self.service
                .timer(&mut Context::new(&mut self.connections), id);
        }
    }
}

/// What is left to do about a deadline that has passed.
enum Overdue {
    /// Nothing.
    Done,
    /// The connection has ended: the service must be told at once.
    Ended,
    /// A request has not arrived in time.
    Request,
}

/// Arms the wheel for the deadline of a peer, unless it is armed for then or earlier.
pub(super) fn arm(peer: &mut Peer, out: &mut Output, wheel: &mut Wheel) {
    let limits = &out.options.limits;
    if let Phase::Open(connection) = &mut peer.phase
        && connection.deadline(&limits.protocol) == Some(0)
    {
        // The state has just changed: stamp its beginning.
        let tick = connection.tick(out.now, &limits.protocol, &mut out.outbox);
        debug_assert_ne!(tick, Tick::Ping);
        if tick == Tick::Expired {
            // It may take no time at all: 0 ms.
            peer.end_for(Cause::Silent);
            out.lists.remove_soon(peer);
            return;
        }
    }
    let mut at = deadline(peer, limits);
    if matches!(peer.phase, Phase::Open(_)) && limits.protocol.ping_ms > 0 {
        // The answer to a Ping moves the deadline forward without a call of this function.
        at = at.map(|at| at.min(out.now + Millis::from(limits.protocol.ping_ms)));
    }
    let slots = [at.map(Wheel::number), out.timers.of(peer)];
    if let Some(slot) = slots.into_iter().flatten().min()
        && (peer.armed == 0 || slot < peer.armed)
    {
        peer.armed = wheel.arm(peer.index, slot);
    }
}

/// A deadline of this peer has passed.
// req: 6455-5.5.2-02
fn overdue(out: &mut Output, peer: &mut Peer) -> Overdue {
    let limits = &out.options.limits;
    if stall_deadline(peer, limits).is_some_and(|at| at <= out.now) {
        log::debug!("{} has taken nothing for too long", out.name(peer));
        peer.end_for(Cause::Stalled);
        out.lists.remove_soon(peer);
        return Overdue::Done;
    }
    if message_deadline(peer, limits).is_some_and(|at| at <= out.now) {
        let text = "the message took too long";
        out.fail(peer, CloseCode::POLICY, text, Cause::Late);
        return Overdue::Done;
    }
    match &mut peer.phase {
        Phase::Open(connection) => {
            match connection.tick(out.now, &limits.protocol, &mut out.outbox) {
                Tick::Early => {}
                Tick::Ping => out.transmit(peer),
                Tick::Expired => {
                    peer.end_for(Cause::Silent);
                    out.lists.remove_soon(peer);
                }
            }
        }
        Phase::Http {
            waits: HttpWait::Answer(_),
            ..
        } => {
            peer.end_for(Cause::Stalled);
            out.give_up(peer, Response::new(Status::GATEWAY_TIMEOUT));
            return Overdue::Ended;
        }
        Phase::Http { waits, .. } => {
            let waits = *waits;
            let begun = peer.cold.as_ref().is_some_and(|cold| !cold.http.is_idle());
            if begun || waits == HttpWait::Body {
                return Overdue::Request;
            }
            out.lists.remove_soon(peer);
        }
        Phase::Dial(dialing) => {
            dialing.timed_out();
            out.lists.remove_soon(peer);
        }
        Phase::Lingering { .. } => out.lists.remove_soon(peer),
    }
    Overdue::Done
}
