//! Where connections come from: how many each address has, and whose requests a proxy passes on.
//!
//! Input: addresses of connections and, from trusted proxies, of the clients of their requests.
//! Output: whether an address may have one more. Invariant: a connection counts once, for one
//! address; that of a trusted proxy only while a request of the client is being answered, or while
//! it is the WebSocket of that client. Who is trusted is left to `http::forwarded`.

use crate::net::limits::Limits;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The addresses of a loop's connections.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// How many connections each address has. Empty while there is no limit.
    counts: HashMap<IpAddr, u32>,
    owners: HashMap<u32, IpAddr>,
    /// By connection of a trusted proxy: the client of its last request, if it has named it.
    clients: HashMap<u32, Option<SocketAddr>>,
}

impl Addresses {
    /// Counts a connection, unless its address already has the most allowed.
    pub(crate) fn admit(
        &mut self,
        index: u32,
        address: Option<SocketAddr>,
        limits: &Limits,
    ) -> bool {
        self.release(index);
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

    /// The connection no longer counts.
    pub(crate) fn release(&mut self, index: u32) {
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

    /// The connection has ended.
    pub(crate) fn forget(&mut self, index: u32) {
        self.release(index);
        self.clients.remove(&index);
    }

    /// The other end is a trusted proxy. It passes on a request of this client, if it has sent one
    /// and says so.
    pub(crate) fn set_client(&mut self, index: u32, client: Option<SocketAddr>) {
        self.clients.insert(index, client);
    }

    /// Whether the other end is a trusted proxy.
    pub(crate) fn is_proxy(&self, index: u32) -> bool {
        self.clients.contains_key(&index)
    }

    /// The client of the last request, if a trusted proxy has named it.
    pub(crate) fn client(&self, index: u32) -> Option<SocketAddr> {
        self.clients.get(&index).copied().flatten()
    }
}

/// What counts as one address: an IPv4 address, or a whole IPv6 /64, as one customer of a provider
/// usually has all of it.
pub(crate) fn network(address: IpAddr) -> IpAddr {
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
        assert!(
            addresses.admit(4, at("127.0.0.1"), &limits),
            "the same connection"
        );
        addresses.forget(3);
        assert!(addresses.admit(5, at("127.0.0.1"), &limits));
        for index in 0..6 {
            addresses.forget(index);
        }
        assert!(addresses.counts.is_empty() && addresses.owners.is_empty());
    }
}
