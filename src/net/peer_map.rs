//! What a service keeps for each of its connections.
//!
//! Invariant: a value is found by the [`PeerId`] it was stored for, and by no later one with the
//! same index.

use crate::net::words::PeerId;

/// Values by connection, for the connections of one worker: a dense table, one look-up without
/// hashing. Remove a value in [`Service::closed`](crate::net::Service::closed).
///
/// ```
/// use wirebell::net::{Context, End, PeerId, PeerMap};
///
/// #[derive(Default)]
/// struct Names {
///     names: PeerMap<String>,
/// }
///
/// impl Names {
///     fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, _: End<'_>) {
///         if let Some(name) = self.names.remove(peer) {
///             println!("{name} has left");
///         }
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct PeerMap<T> {
    entries: Vec<Option<(u32, T)>>,
    len: usize,
}

impl<T> Default for PeerMap<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            len: 0,
        }
    }
}

impl<T> PeerMap<T> {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Stores a value; returns the previous one of this connection.
    pub fn insert(&mut self, peer: PeerId, value: T) -> Option<T> {
        let index = peer.index();
        if self.entries.len() <= index {
            self.entries.resize_with(index + 1, || None);
        }
        let before = self.entries[index].replace((peer.generation, value));
        self.len += usize::from(before.is_none());
        before
            .filter(|(generation, _)| *generation == peer.generation)
            .map(|(_, value)| value)
    }

    /// The value of a connection.
    pub fn get(&self, peer: PeerId) -> Option<&T> {
        match self.entries.get(peer.index()) {
            Some(Some((generation, value))) if *generation == peer.generation => Some(value),
            _ => None,
        }
    }

    /// The value of a connection, mutable.
    pub fn get_mut(&mut self, peer: PeerId) -> Option<&mut T> {
        match self.entries.get_mut(peer.index()) {
            Some(Some((generation, value))) if *generation == peer.generation => Some(value),
            _ => None,
        }
    }

    /// Removes and returns the value of a connection.
    pub fn remove(&mut self, peer: PeerId) -> Option<T> {
        self.get(peer)?;
        self.len -= 1;
        let (_, value) = self.entries[peer.index()].take()?;
        Some(value)
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().flatten().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_for_one_connection_and_not_for_the_next_of_its_number() {
        let (first, other) = (PeerId::invented(3), PeerId::invented(1));
        let next = PeerId {
            generation: 2,
            ..first
        };
        let mut map = PeerMap::new();
        assert_eq!(map.insert(first, "a"), None);
        assert_eq!(
            (map.get(first), map.get(next), map.get(other)),
            (Some(&"a"), None, None)
        );
        assert_eq!(map.insert(first, "b"), Some("a"));
        assert_eq!(
            map.insert(next, "c"),
            None,
            "what was left behind belongs to no peer"
        );
        assert_eq!(
            (map.len(), map.remove(first), map.remove(next)),
            (1, None, Some("c"))
        );
        assert!(map.is_empty());
    }
}
