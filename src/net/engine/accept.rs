//! New connections: accepted a few at a time, and refused if there are too many.
//!
//! Input: listeners at which connections wait. Output: peers in the table, each with the socket of
//! the same number. Invariant: a connection over a limit is closed before anything is read from it.
//! When to try again is left to `acceptor`.

use crate::http::is_trusted;
use crate::net::conn::addresses::network;
use crate::net::conn::peer::{HttpWait, Peer, Phase};
use crate::net::connections::Connections;
use crate::net::engine::Engine;
use crate::net::engine::deadlines::arm;
use crate::net::service::Service;
use crate::net::sockets::Accepted;
use crate::proto::Role;
use std::io;
use std::net::SocketAddr;

/// Connections accepted in one turn, so that a flood of them does not starve the others.
const PER_TURN: usize = 64;

impl<S: Service> Engine<S> {
    /// Connections wait at this listener.
    pub(crate) fn listener_ready(&mut self, listener: usize) {
        if !self.connections.stopping {
            self.acceptor.announce(listener);
        }
    }

    /// Accepts up to a turn's worth at each listener where connections wait.
    pub(super) fn accept(&mut self) {
        let now = self.connections.out.now;
        if self.acceptor.deadline().is_none_or(|at| at > now) {
            return;
        }
        for listener in 0..self.acceptor.pending.len() {
            if self.acceptor.pending[listener] {
                self.acceptor.pending[listener] = self.accept_at(listener);
            }
        }
    }

    /// Whether more may wait.
    fn accept_at(&mut self, listener: usize) -> bool {
        for _ in 0..PER_TURN {
            let Connections { peers, out, .. } = &mut self.connections;
            match out.sockets.accept(listener, peers.vacant()) {
                Ok(accepted) => {
                    self.acceptor.works_again();
                    self.accepted(accepted);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.acceptor.works_again();
                        return false;
                    }
                    // The peer had gone before it was accepted.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    _ => {
                        self.acceptor.failed(&error, out.now);
                        return true;
                    }
                },
            }
        }
        true
    }

    /// A socket has the next number of the table.
    fn accepted(&mut self, accepted: Accepted) {
        let address = accepted.remote;
        let proxied = is_trusted(&self.connections.out.options.trusted_proxies, address);
        let too_often = !proxied && self.comes_too_often(address);
        let Connections { peers, out, .. } = &mut self.connections;
        let limits = &out.options.limits;
        let index = peers.vacant();
        let full = peers.len() >= limits.connections || out.cold.memory.is_over();
        if full || too_often || !proxied && !out.addresses.admit(index, address, limits) {
            out.sockets.close(index);
            out.metrics.refused.add(1);
            out.metrics.limited.add(u64::from(too_often));
            let why = if too_often { "too often" } else { "too many" };
            log::debug!("refused a connection from {address:?}: {why}");
            return;
        }
        let phase = Phase::Http {
            since: out.now,
            waits: HttpWait::Head,
        };
        let peer = peers.insert(Peer::new(phase, out.options.overflow));
        debug_assert_eq!(peer.index, index);
        out.some_secure |= out.sockets.is_secure(index);
        if let Some(port) = accepted.redirect {
            out.redirects.insert(index, port);
        }
        if proxied {
            out.addresses.set_client(index, None);
        }
        out.metrics.accepted.add(1);
        arm(peer, out, &mut self.wheel);
        if let Some(tap) = &out.options.tap {
            out.sockets.show(index, Role::Server, tap);
        }
    }

    /// Counts a connection of an address. It is judged before a byte is read: an answer would cost
    /// a TLS handshake and the parsing of a request, which is what a flood of them is after.
    // req: push-rates-01
    fn comes_too_often(&self, address: Option<SocketAddr>) -> bool {
        let (Some(arrivals), Some(address)) = (&self.arrivals, address) else {
            return false;
        };
        let now = self.connections.out.now * 1000;
        arrivals.take(&[network(address.ip())], 1, now).is_err()
    }
}
