//! New connections: how many, from where, and what to do when the process has no more files.
//!
//! Invariant: a listener that cannot accept neither spins nor dies. What waits stays in the
//! kernel's backlog until a connection ends or a short time has passed.

use crate::limits::Limits;
use crate::net::conn::peer::{HttpWait, Peer, Phase};
use crate::net::connections::Connections;
use crate::net::engine::Engine;
use crate::net::engine::deadlines::arm;
use crate::net::service::Service;
use crate::proto::{Millis, Role};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Connections accepted in one turn, so that a flood of them does not starve the others.
const PER_TURN: usize = 64;

/// How long to leave the backlog alone if no connection ends before.
const RETRY_MS: Millis = 100;

/// What waits at the listeners.
#[derive(Debug, Default)]
pub(super) struct Acceptor {
    /// By listener. More may wait: edge-triggered readiness will not say it again.
    pending: Vec<bool>,
    /// Accepting failed for want of files or memory: when to try again at the latest.
    retry_at: Option<Millis>,
    addresses: Addresses,
}

impl Acceptor {
    /// Somebody waits at this listener.
    fn announce(&mut self, listener: usize) {
        if self.pending.len() <= listener {
            self.pending.resize(listener + 1, false);
        }
        self.pending[listener] = true;
    }

    /// Nothing will be accepted any more.
    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    /// The connection with this index has ended: there is a file again.
    pub(super) fn forget(&mut self, index: u32) {
        self.addresses.forget(index);
        if self.retry_at.is_some() {
            self.retry_at = Some(0);
        }
    }

    /// When to accept again although nobody says that there is something to accept.
    pub(super) fn deadline(&self) -> Option<Millis> {
        match self.pending.contains(&true) && self.retry_at.is_none() {
            true => Some(0),
            false => self.retry_at,
        }
    }

    /// There are files to accept with.
    fn works_again(&mut self) {
        if self.retry_at.take().is_some() {
            log::warn!("accepting connections again");
        }
    }

    /// There are none.
    fn failed(&mut self, error: &io::Error, now: Millis) {
        if self.retry_at.is_none() {
            log::warn!("cannot accept connections for now: {error}");
        }
        self.retry_at = Some(now + RETRY_MS);
    }
}

impl<S: Service> Engine<S> {
    /// Somebody waits at this listener.
    pub(crate) fn listener_ready(&mut self, listener: usize) {
        if !self.connections.stopping {
            self.acceptor.announce(listener);
        }
    }

    /// Accepts up to a turn's worth at each listener where somebody waits.
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
                Ok(address) => {
                    self.acceptor.works_again();
                    self.accepted(address);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.acceptor.works_again();
                        return false;
                    }
                    // The peer was gone before we came to it.
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

    /// A socket has taken the next number of the table.
    fn accepted(&mut self, address: Option<SocketAddr>) {
        let Connections { peers, out, .. } = &mut self.connections;
        let limits = &out.options.limits;
        let index = peers.vacant();
        let full = peers.len() >= limits.connections || out.cold.memory.is_over();
        if full || !self.acceptor.addresses.admit(index, address, limits) {
            out.sockets.close(index);
            out.metrics.refused.add(1);
            log::debug!("refused a connection from {address:?}: too many");
            return;
        }
        let phase = Phase::Http {
            since: out.now,
            waits: HttpWait::Head,
        };
        let peer = peers.insert(Peer::new(phase, out.options.overflow));
        debug_assert_eq!(peer.index, index);
        out.metrics.accepted.add(1);
        arm(peer, out, &mut self.wheel);
        if let Some(tap) = &out.options.tap {
            out.sockets.show(index, Role::Server, tap);
        }
    }
}

/// How many connections each address has; empty while there is no limit on it.
#[derive(Debug, Default)]
struct Addresses {
    counts: HashMap<IpAddr, u32>,
    owners: HashMap<u32, IpAddr>,
}

impl Addresses {
    /// Counts a connection, unless its address has as many as it may.
    fn admit(&mut self, index: u32, address: Option<SocketAddr>, limits: &Limits) -> bool {
        let Some(address) = address.filter(|_| limits.connections_per_address > 0) else {
            return true;
        };
        let network = network(address.ip());
        let count = self.counts.entry(network).or_default();
        if *count >= limits.connections_per_address {
            return false;
        }
        *count += 1;
        self.owners.insert(index, network);
        true
    }

    fn forget(&mut self, index: u32) {
        let Some(network) = self.owners.remove(&index) else {
            return;
        };
        if let Some(count) = self.counts.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&network);
            }
        }
    }
}

/// One subscriber's addresses: an IPv4 address, or a whole IPv6 /64, which one subscriber has
/// all of.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let bits = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(bits))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_by_network() {
        let limits = Limits {
            connections_per_address: 2,
            ..Limits::default()
        };
        let mut addresses = Addresses::default();
        let at = |text: &str| Some(SocketAddr::new(text.parse().unwrap(), 1));
        assert!(addresses.admit(0, at("2001:db8::1"), &limits));
        assert!(addresses.admit(1, at("2001:db8::2"), &limits));
        assert!(!addresses.admit(2, at("2001:db8::3"), &limits));
        assert!(addresses.admit(2, at("2001:db8:0:1::1"), &limits));
        assert!(addresses.admit(3, at("127.0.0.1"), &limits));
        assert!(addresses.admit(4, at("::ffff:127.0.0.1"), &limits));
        assert!(!addresses.admit(5, at("127.0.0.1"), &limits));
        addresses.forget(3);
        assert!(addresses.admit(5, at("127.0.0.1"), &limits));
    }
}
