//! How a loop ends: gracefully, or because its service has panicked.
//!
//! Invariants: a service that knows of a connection is told of its end, unless the service has
//! panicked. The Closes of a graceful stop are spread evenly, so that clients which connect again
//! at once do not all reach the next server together.

use crate::http::{Response, Status};
use crate::net::conn::peer::Phase;
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::engine::Engine;
use crate::net::engine::drain::{Drain, Farewell};
use crate::net::input::events::{NO_CLOSE, announce};
use crate::net::service::Service;
use crate::net::words::Cause;
use crate::proto::{Millis, Role};
use crate::wire::CloseCode;

impl<S: Service> Engine<S> {
    /// No new connections, in either role: the port is free for another process.
    fn stop_accepting(&mut self) {
        self.connections.stopping = true;
        self.connections.dials.clear();
        self.connections.out.sockets.stop_listening();
        self.acceptor.close();
    }

    /// Begins a graceful stop: Close 1001 to all, over the time for draining; a bounded wait.
    pub(super) fn stop(&mut self) {
        if self.connections.stopping {
            return;
        }
        self.stop_accepting();
        if !self.failed {
            self.service
                .stopping(&mut Context::new(&mut self.connections));
        }
        let Connections { peers, out, .. } = &mut self.connections;
        let limits = &out.options.limits;
        let patience =
            Millis::from(limits.protocol.close_ms) + Millis::from(limits.protocol.linger_ms);
        let drain_ms = Millis::from(limits.drain_ms);
        let mut indices = Vec::new();
        for index in peers.indices() {
            let Some(peer) = peers.at(index) else {
                continue;
            };
            match &peer.phase {
                Phase::Open(_) => indices.push(index),
                Phase::Http { .. } if peer.is_stream() => indices.push(index),
                Phase::Http { .. } if peer.cold.is_none() && !peer.is_answering() => {
                    out.linger(peer);
                }
                Phase::Dial(_) => out.lists.remove_soon(peer),
                Phase::Http { .. } | Phase::Lingering { .. } => {}
            }
        }
        let drain = Drain::new(indices, out.now, drain_ms);
        self.stop_at = Some(drain.end() + patience);
        self.drain = Some(drain);
    }

    /// Closes the connections whose turn it is, while the loop stops.
    pub(super) fn drain(&mut self) {
        let Connections { peers, out, .. } = &mut self.connections;
        let Some(drain) = &mut self.drain else {
            return;
        };
        for index in drain.take(out.now).iter().copied() {
            let Some(peer) = peers.at(index) else {
                continue;
            };
            match &peer.phase {
                Phase::Open(connection) => {
                    let Farewell { code, reason } = match connection.role() {
                        Role::Server => self.moving.farewell(),
                        Role::Client => Farewell {
                            reason: "the client is stopping",
                            ..Farewell::STOP
                        },
                    };
                    if out.close(peer, code, reason, Cause::Stopped) {
                        out.lists.closing.push(index);
                    }
                }
                Phase::Http { .. } if peer.is_stream() => {
                    if out.end_stream(peer) {
                        peer.end_for(Cause::Stopped);
                        out.linger(peer);
                        out.lists.closing.push(index);
                    }
                }
                Phase::Http { .. } | Phase::Dial(_) | Phase::Lingering { .. } => {}
            }
        }
        if drain.is_done() {
            self.drain = None;
        }
    }

    /// The service may have asked for a stop of all workers.
    pub(super) fn stop_if_wanted(&mut self) {
        if std::mem::take(&mut self.connections.stop_wanted) {
            for mailbox in &self.mailboxes {
                mailbox.stop();
            }
        }
    }

    /// The service has panicked: it is never called again, and all peers learn that the server has
    /// failed (close code 1011, or status 500).
    pub(crate) fn fail(&mut self, now: Millis) {
        self.failed = true;
        self.drain = None;
        self.mail.clear();
        self.stop_accepting();
        let Connections { peers, out, .. } = &mut self.connections;
        out.now = now;
        self.stop_at = Some(now + Millis::from(out.options.limits.protocol.linger_ms));
        for index in peers.indices() {
            let Some(peer) = peers.at(index) else {
                continue;
            };
            peer.flags.announced = false;
            out.timers.clear(peer);
            out.uncork_after_panic(peer);
            match &peer.phase {
                Phase::Open(_) => {
                    let text = "the server has failed";
                    out.fail(peer, CloseCode::INTERNAL_ERROR, text, Cause::Stopped);
                }
                Phase::Http { .. } if peer.is_answering() => {
                    out.give_up(peer, Response::new(Status::INTERNAL_SERVER_ERROR))
                }
                Phase::Http { .. } => out.linger(peer),
                Phase::Dial(_) => out.lists.remove_soon(peer),
                Phase::Lingering { .. } => {}
            }
        }
        out.lists.closing.clear();
        out.lists.writable.clear();
        out.lists.left.clear();
    }

    /// The loop ends, and with it the remaining connections.
    pub(super) fn announce_all(&mut self) {
        for index in self.connections.peers.indices() {
            announce(&mut self.connections, &mut self.service, index, &NO_CLOSE);
        }
    }

    /// What the loop holds for its peers is released.
    pub(super) fn forget_all(&mut self) {
        let Connections { peers, out, .. } = &mut self.connections;
        for index in peers.indices() {
            if let Some(mut peer) = peers.remove(index) {
                out.cold.drop_of(&mut peer);
            }
            out.sockets.close(index);
        }
        out.accesses.clear();
        out.charge_beside();
    }
}
