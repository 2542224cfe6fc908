//! The names of topics and what the hub counts for each.
//!
//! ```text
//!   by name:  "alice" ──▶ owner 3        owners:   3 ──▶ "alice" · connections · "orders" ──▶ 7
//!                                        entries:  7 ──▶ owner 3 · "orders" · members by worker
//! ```
//!
//! Input: joins and leaves of subscribers, and topics whose subscribers are being closed. Output:
//! small numbers, by which all other code refers to a topic. Invariant: a name is stored once,
//! however many subscribers it has; an entry exists until its last subscriber has left; one that
//! was detached can no longer be found, so a later join under its name creates another one.

use slab::Slab;
use std::collections::HashMap;
use std::sync::Arc;

/// The name of a topic: whose it is, and what it is about. Both parts compare byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// In the wserver dialect the user.
    pub owner: String,
    /// In the wserver dialect the event.
    pub name: String,
}

impl Topic {
    /// Combines the two parts.
    pub fn new(owner: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            name: name.into(),
        }
    }
}

/// A short name for a topic while it exists, never 0. May be reused for another topic later.
pub(in crate::push) type TopicId = u32;

/// The same for an owner.
pub(in crate::push) type OwnerId = u32;

/// A topic that has subscribers.
#[derive(Debug)]
struct Entry {
    owner: OwnerId,
    name: Arc<str>,
    /// Subscribers, by worker.
    members: Box<[u32]>,
}

#[derive(Debug)]
struct Owner {
    name: Arc<str>,
    /// Whatever the number of their topics.
    connections: usize,
    topics: HashMap<Arc<str>, TopicId>,
}

/// All topics that have subscribers; a topic without subscribers does not exist.
#[derive(Debug, Default)]
pub(super) struct Topics {
    by_name: HashMap<Arc<str>, OwnerId>,
    owners: Slab<Owner>,
    entries: Slab<Entry>,
}

impl Topics {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.owners.is_empty() && self.entries.is_empty()
    }

    pub(super) fn owner(&self, owner: &str) -> Option<OwnerId> {
        self.by_name.get(owner).copied()
    }

    pub(super) fn find(&self, owner: OwnerId, name: &str) -> Option<TopicId> {
        let owner = self.owners.get(key(owner))?;
        owner.topics.get(name).copied()
    }

    pub(super) fn named(&self, topic: &Topic) -> Option<TopicId> {
        self.find(self.owner(&topic.owner)?, &topic.name)
    }

    /// The topics of one owner.
    pub(super) fn of(&self, owner: OwnerId) -> impl Iterator<Item = TopicId> {
        let owner = self.owners.get(key(owner));
        owner.into_iter().flat_map(|it| it.topics.values().copied())
    }

    /// Connections that subscribe to any topic of one owner.
    pub(super) fn connections(&self, owner: OwnerId) -> usize {
        self.owners.get(key(owner)).map_or(0, |it| it.connections)
    }

    /// Subscribers of a topic, by worker.
    pub(super) fn members(&self, topic: TopicId) -> &[u32] {
        let entry = self.entries.get(key(topic));
        entry.map_or(&[], |entry| &entry.members)
    }

    /// Subscribers of a topic.
    pub(super) fn total(&self, topic: TopicId) -> usize {
        let members = self.members(topic).iter();
        members.map(|count| *count as usize).sum()
    }

    /// Adds an owner whose first topic is about to be joined.
    pub(super) fn add_owner(&mut self, name: &str) -> OwnerId {
        let name: Arc<str> = name.into();
        let owner = Owner {
            name: Arc::clone(&name),
            connections: 0,
            topics: HashMap::new(),
        };
        let id = id(self.owners.insert(owner));
        self.by_name.insert(name, id);
        id
    }

    /// One more subscriber on `worker` of `workers`; `first` if its connection has no other topic
    /// of this owner.
    pub(super) fn join(
        &mut self,
        owner: OwnerId,
        name: &str,
        worker: usize,
        workers: usize,
        first: bool,
    ) -> TopicId {
        let Self {
            owners, entries, ..
        } = self;
        let it = &mut owners[key(owner)];
        it.connections += usize::from(first);
        let topic = it.topics.get(name).copied().unwrap_or_else(|| {
            let name: Arc<str> = name.into();
            let entry = Entry {
                owner,
                name: Arc::clone(&name),
                members: vec![0; workers].into(),
            };
            let topic = id(entries.insert(entry));
            it.topics.insert(name, topic);
            topic
        });
        entries[key(topic)].members[worker] += 1;
        topic
    }

    /// One subscriber fewer; the topic is removed with its last.
    pub(super) fn leave(&mut self, topic: TopicId, worker: usize) {
        let Some(entry) = self.entries.get_mut(key(topic)) else {
            return;
        };
        entry.members[worker] -= 1;
        if self.total(topic) == 0 {
            self.detach(topic);
            self.entries.remove(key(topic));
        }
    }

    /// One connection fewer that subscribes to topics of this owner, all of which it has left.
    pub(super) fn leave_owner(&mut self, owner: OwnerId) {
        let Some(it) = self.owners.get_mut(key(owner)) else {
            return;
        };
        it.connections -= 1;
        if it.connections == 0 {
            self.detach_owner(owner);
            self.owners.remove(key(owner));
        }
    }

    /// The topic can no longer be found; its subscribers have yet to leave it.
    pub(super) fn detach(&mut self, topic: TopicId) {
        if let Some(entry) = self.entries.get(key(topic))
            && let Some(owner) = self.owners.get_mut(key(entry.owner))
            && owner.topics.get(&entry.name) == Some(&topic)
        {
            owner.topics.remove(&entry.name);
        }
    }

    /// The same for all topics of an owner.
    pub(super) fn detach_owner(&mut self, owner: OwnerId) {
        if let Some(it) = self.owners.get(key(owner))
            && self.by_name.get(&it.name) == Some(&owner)
        {
            self.by_name.remove(&it.name);
        }
    }
}

/// Queues of slow peers know frames by their topic, and 0 is none.
fn id(key: usize) -> u32 {
    key as u32 + 1
}

fn key(id: u32) -> usize {
    id as usize - 1
}
