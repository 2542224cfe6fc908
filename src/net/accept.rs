//! New connections: how many, from where, and what to do when the process has no more files.
//!
//! Invariant: a listener that cannot accept neither spins nor dies. What waits stays in the
//! kernel's backlog until a connection ends or a short time has passed.

use crate::limits::Limits;
use crate::proto::Millis;
use mio::net::{TcpListener, TcpStream};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Connections accepted in one turn, so that a flood of them does not starve the others.
const PER_TURN: usize = 64;

/// How long to leave the backlog alone if no connection ends before.
const RETRY_MS: Millis = 100;

#[derive(Debug)]
pub(super) struct Acceptor {
    listener: Option<TcpListener>,
    /// Held for as long as the listener is.
    open: Option<Arc<()>>,
    /// More may wait: edge-triggered readiness will not say it again.
    pub(super) pending: bool,
    /// Accepting failed for want of files or memory: when to try again at the latest.
    retry_at: Option<Millis>,
    addresses: Addresses,
}

impl Acceptor {
    /// `None` accepts nothing, ever. `open` is let go of once the port is closed.
    pub(super) fn new(listener: Option<TcpListener>, open: Arc<()>) -> Self {
        let addresses = Addresses::default();
        Self {
            listener,
            open: Some(open),
            pending: false,
            retry_at: None,
            addresses,
        }
    }

    pub(super) fn listener(&mut self) -> Option<&mut TcpListener> {
        self.listener.as_mut()
    }

    /// Accepts no more: the port is free for another process.
    pub(super) fn close(&mut self) {
        self.listener = None;
        self.open = None;
        self.pending = false;
        self.retry_at = None;
    }

    /// Accepts up to a turn's worth and hands each to `take` with its address.
    pub(super) fn accept(
        &mut self,
        now: Millis,
        mut take: impl FnMut(&mut Addresses, TcpStream, SocketAddr),
    ) {
        self.pending = false;
        let Some(listener) = &self.listener else {
            return;
        };
        for _ in 0..PER_TURN {
            match listener.accept() {
                Ok((stream, address)) => {
                    works_again(&mut self.retry_at);
                    take(&mut self.addresses, stream, address);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return works_again(&mut self.retry_at),
                    // The peer was gone before we came to it.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    _ => {
                        if self.retry_at.is_none() {
                            log::warn!("cannot accept connections for now: {error}");
                        }
                        self.retry_at = Some(now + RETRY_MS);
                        return;
                    }
                },
            }
        }
        self.pending = true;
    }

    /// The connection with this index has ended.
    pub(super) fn forget(&mut self, index: u32) {
        self.addresses.forget(index);
        self.pending |= self.retry_at.is_some();
    }

    /// When to accept again although nobody says that there is something to accept.
    pub(super) fn retry_at(&self) -> Option<Millis> {
        self.retry_at
    }

    /// The time has come, or readiness was announced.
    pub(super) fn is_due(&self, now: Millis) -> bool {
        self.pending || self.retry_at.is_some_and(|at| at <= now)
    }
}

/// There are files to accept with, whether or not somebody waited: no reason to try again.
fn works_again(retry_at: &mut Option<Millis>) {
    if retry_at.take().is_some() {
        log::warn!("accepting connections again");
    }
}

/// How many connections each address has; empty while there is no limit on it.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    counts: HashMap<IpAddr, u32>,
    owners: HashMap<u32, IpAddr>,
}

impl Addresses {
    /// Counts a connection, unless its address has as many as it may.
    pub(super) fn admit(&mut self, index: u32, address: SocketAddr, limits: &Limits) -> bool {
        if limits.connections_per_address == 0 {
            return true;
        }
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
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 1);
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
