//! Wrong keys and tokens: counted by address, so that each guess costs a connection.
//!
//! A right key is never refused, whatever else comes from its address: the users behind one proxy
//! share it.

use crate::net::network;
use crate::push::access::Peer;
use crate::push::seldom::Seldom;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tries of one address within [`WINDOW`] that end no connection, as a person may mistype;
/// each further one does.
const FREE: u32 = 4;
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are remembered: about 300 KiB. Beyond that, an unknown one has no free tries.
const ADDRESSES: usize = 4096;

/// Recent wrong tries. Only consulted for wrong keys.
#[derive(Debug, Default)]
pub struct Tries {
    recent: Mutex<HashMap<IpAddr, (Instant, u32)>>,
    logged: Seldom,
}

impl Tries {
    /// Counts a wrong key or token; returns whether the connection should end with its answer.
    // req: push-auth-19
    pub fn wrong(&self, what: &str, from: Option<SocketAddr>) -> bool {
        if let Some(others) = self.logged.turn() {
            log::warn!("wrong {what} from {}{others}", Peer(from));
        }
        self.count(
            from.map_or(Ipv4Addr::UNSPECIFIED.into(), |from| from.ip()),
            Instant::now(),
        )
    }

    fn count(&self, address: IpAddr, now: Instant) -> bool {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        let is_fresh = |since: Instant| now.saturating_duration_since(since) < WINDOW;
        if recent.len() >= ADDRESSES && !recent.contains_key(&address) {
            recent.retain(|_, (since, _)| is_fresh(*since));
            if recent.len() >= ADDRESSES {
                return true;
            }
        }
        let (since, tries) = recent.entry(address).or_insert((now, 0));
        if !is_fresh(*since) {
            (*since, *tries) = (now, 0);
        }
        *tries = tries.saturating_add(1);
        *tries > FREE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: push-auth-19
    fn some_tries_are_free_and_then_each_ends_its_connection() {
        let (tries, now) = (Tries::default(), Instant::now());
        let address = IpAddr::from([192, 0, 2, 1]);
        for n in 1..20 {
            assert_eq!(tries.count(address, now), n > FREE, "{n}");
        }
        assert!(!tries.count([192, 0, 2, 2].into(), now), "another address");
        assert!(!tries.count(address, now + WINDOW), "a minute later");
    }

    #[test]
    fn a_network_counts_as_one_and_memory_is_bounded() {
        let (tries, now) = (Tries::default(), Instant::now());
        for n in 1..=FREE + 1 {
            let address: IpAddr = format!("2001:db8::{n}").parse().unwrap();
            assert_eq!(tries.count(address, now), n > FREE);
        }
        for n in 0..2 * ADDRESSES as u32 {
            tries.count(Ipv4Addr::from(n).into(), now);
        }
        assert_eq!(tries.recent.lock().unwrap().len(), ADDRESSES);
        assert!(tries.count([203, 0, 113, 1].into(), now), "full");
        assert!(!tries.count([203, 0, 113, 1].into(), now + WINDOW));
    }
}
