//! The names of topics and what the hub counts for each.

use std::collections::BTreeMap;

/// The name of a topic: whose it is, and what it is about. Both parts compare byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// In the wserver dialect the user.
    pub owner: String,
    /// In the wserver dialect the event.
    pub name: String,
}

impl Topic {
    /// Puts a name together.
    pub fn new(owner: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            name: name.into(),
        }
    }
}

/// A short name for a topic while it exists. May be used again for another one later.
pub(super) type TopicId = u32;

/// One topic that somebody listens to.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: TopicId,
    /// Subscribers, by worker.
    pub(super) members: Vec<u32>,
}

impl Entry {
    pub(super) fn total(&self) -> usize {
        self.members.iter().map(|count| *count as usize).sum()
    }
}

/// All topics that somebody listens to; one without listeners does not exist.
#[derive(Debug, Default)]
pub(super) struct Topics {
    by_name: BTreeMap<Topic, Entry>,
    free: Vec<TopicId>,
    next: TopicId,
}

impl Topics {
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn get(&self, topic: &Topic) -> Option<&Entry> {
        self.by_name.get(topic)
    }

    /// The topics of one owner.
    pub(super) fn of(&self, owner: &str) -> impl Iterator<Item = &Entry> {
        let from = Topic::new(owner, "");
        let topics = self.by_name.range(from..);
        topics
            .take_while(move |(topic, _)| topic.owner == owner)
            .map(|(_, entry)| entry)
    }

    /// One more subscriber on `worker` of `workers`.
    pub(super) fn join(&mut self, topic: &Topic, worker: usize, workers: usize) -> TopicId {
        let entry = self.by_name.entry(topic.clone()).or_insert_with(|| {
            let id = self.free.pop().unwrap_or_else(|| {
                self.next += 1;
                self.next
            });
            Entry {
                id,
                members: vec![0; workers],
            }
        });
        entry.members[worker] += 1;
        entry.id
    }

    /// One subscriber less; without any the topic is forgotten.
    pub(super) fn leave(&mut self, topic: &Topic, worker: usize) {
        if let Some(entry) = self.by_name.get_mut(topic) {
            entry.members[worker] -= 1;
            if entry.total() == 0 {
                self.free.push(entry.id);
                self.by_name.remove(topic);
            }
        }
    }
}
