//! What waits to be accepted, and how many connections each address has.
//!
//! Invariant: a listener that cannot accept neither spins nor dies. What waits stays in the
//! kernel's backlog until a connection ends or a short time has passed.

use crate::net::limits::Limits;
use crate::proto::Millis;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// How long to leave the backlog alone if no connection ends before.
const RETRY_MS: Millis = 100;

/// What waits at the listeners.
#[derive(Debug, Default)]
pub(super) struct Acceptor {
    /// By listener. More may wait: edge-triggered readiness will not report it again.
    pub(super) pending: Vec<bool>,
    /// Accepting failed for lack of files or memory: when to try again at the latest.
    retry_at: Option<Millis>,
    pub(super) addresses: Addresses,
}

impl Acceptor {
    /// Connections wait at this listener.
    pub(super) fn announce(&mut self, listener: usize) {
        if self.pending.len() <= listener {
            self.pending.resize(listener + 1, false);
        }
        self.pending[listener] = true;
    }

    /// No more connections will be accepted.
    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    /// The connection with this index has ended: a file is free again.
    pub(super) fn forget(&mut self, index: u32) {
        self.addresses.forget(index);
        if self.retry_at.is_some() {
            self.retry_at = Some(0);
        }
    }

    /// When to accept again without a readiness event.
    pub(super) fn deadline(&self) -> Option<Millis> {
        match self.pending.contains(&true) && self.retry_at.is_none() {
            true => Some(0),
            false => self.retry_at,
        }
    }

    /// There are free files to accept with.
    pub(super) fn works_again(&mut self) {
        if self.retry_at.take().is_some() {
            log::warn!("accepting connections again");
        }
    }

    /// There are none.
    pub(super) fn failed(&mut self, error: &io::Error, now: Millis) {
        if self.retry_at.is_none() {
            log::warn!("cannot accept connections for now: {error}");
        }
        self.retry_at = Some(now + RETRY_MS);
    }
}

/// How many connections each address has; empty while there is no limit on it.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    counts: HashMap<IpAddr, u32>,
    owners: HashMap<u32, IpAddr>,
}

impl Addresses {
    /// Counts a connection, unless its address already has the most allowed.
    pub(super) fn admit(
        &mut self,
        index: u32,
        address: Option<SocketAddr>,
        limits: &Limits,
    ) -> bool {
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
        let limits = Limits::default().connections_per_address(2);
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
