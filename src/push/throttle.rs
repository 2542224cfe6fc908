//! How often an address and a token may do something, and how many connections a token may have.
//!
//! Input: what a client asks for, and who it is. Output: yes, or after how many seconds.
//! Invariants: nothing is refused while there is no limit; a connection gives its place back when
//! it ends. The buckets are those of `net::rate`.

use crate::net::{Context, PeerId, Rate, Throttle, network};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Seconds after which a token that has too many connections may try again.
pub(super) const PLACE_SECONDS: u64 = 5;

/// What a bucket belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// IPv6: of a /64.
    Address(IpAddr),
    /// The name of a token.
    Name(Arc<str>),
}

/// What is limited on a server.
#[derive(Debug, Default)]
pub(super) struct Throttles {
    handshakes: Option<Throttle<Key>>,
    publications: Option<Throttle<Key>>,
    places: Places,
    refused: AtomicU64,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A WebSocket or a stream.
    Handshake,
    /// This many publications.
    Publications(u64),
}

impl Throttles {
    pub(super) fn new(
        handshakes: Option<Rate>,
        publications: Option<Rate>,
        connections: u32,
    ) -> Self {
        Self {
            handshakes: handshakes.map(Throttle::new),
            publications: publications.map(Throttle::new),
            places: Places {
                most: connections,
                taken: Arc::default(),
            },
            refused: AtomicU64::new(0),
        }
    }

    /// Whether anything is limited.
    pub(super) fn are_on(&self) -> bool {
        self.handshakes.is_some() || self.publications.is_some()
    }

    /// Counts what a client does; `name` is that of its token, if it has one.
    ///
    /// # Errors
    ///
    /// The client may not do it now; after how many seconds it may.
    pub(super) fn take(
        &self,
        context: &Context<'_>,
        from: PeerId,
        name: Option<&Arc<str>>,
        wish: Wish,
    ) -> Result<(), u64> {
        let (throttle, count) = match wish {
            Wish::Handshake => (&self.handshakes, 1),
            Wish::Publications(count) => (&self.publications, count),
        };
        let Some(throttle) = throttle else {
            return Ok(());
        };
        let address = context.address(from);
        let address = address.map(|address| Key::Address(network(address.ip())));
        let name = name.map(|name| Key::Name(Arc::clone(name)));
        let keys: Vec<_> = address.into_iter().chain(name).collect();
        let taken = throttle.take(&keys, count, context.now() * 1000);
        taken.map_err(|wait| {
            self.refused.fetch_add(1, Relaxed);
            wait.div_ceil(1_000_000)
        })
    }

    /// Counts a connection that is about to open, for as long as the place is kept. One without a
    /// name has none.
    ///
    /// # Errors
    ///
    /// The name has all that it may have; after how many seconds to try again.
    // req: push-rates-02
    pub(super) fn place(&self, name: Option<&Arc<str>>) -> Result<Option<Place>, u64> {
        let Some(name) = name.filter(|_| self.places.most > 0) else {
            return Ok(None);
        };
        let place = self.places.take(name);
        if place.is_none() {
            self.refused.fetch_add(1, Relaxed);
        }
        place.map(Some).ok_or(PLACE_SECONDS)
    }

    /// How often something was refused.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

type Taken = Mutex<HashMap<Arc<str>, u32>>;

/// Open connections by the name of their token. Empty while there is no limit.
#[derive(Debug, Default)]
struct Places {
    most: u32,
    taken: Arc<Taken>,
}

/// A connection counts for a name until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    name: Arc<str>,
    taken: Arc<Taken>,
}

impl Places {
    fn take(&self, name: &Arc<str>) -> Option<Place> {
        let mut taken = lock(&self.taken);
        let count = taken.entry(Arc::clone(name)).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place {
            name: Arc::clone(name),
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.name);
            }
        }
    }
}

fn lock(taken: &Taken) -> MutexGuard<'_, HashMap<Arc<str>, u32>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_and_names_without_any_are_forgotten() {
        let throttles = Throttles::new(None, None, 2);
        let (alice, bob) = (Arc::from("alice"), Arc::from("bob"));
        let first = throttles.place(Some(&alice)).unwrap();
        let second = throttles.place(Some(&alice)).unwrap();
        assert_eq!(throttles.place(Some(&alice)).unwrap_err(), PLACE_SECONDS);
        assert!(throttles.place(Some(&bob)).unwrap().is_some());
        assert!(throttles.place(None).unwrap().is_none());
        drop(first);
        let third = throttles.place(Some(&alice)).unwrap();
        assert_eq!(throttles.refused(), 1);
        drop((second, third));
        assert!(lock(&throttles.places.taken).is_empty());
    }
}
