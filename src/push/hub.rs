//! The one place that knows every topic; shared by all workers and by the program itself.
//!
//! Comes in: joins, leaves, publications, from any thread. Goes out: [`Delivery`]s into the
//! mailboxes of the workers that have subscribers. Invariant: publications get their sequence
//! numbers and enter the mailboxes under one lock, so all workers see one order; a subscriber
//! knows the number at which it joined, and gets only what came later.

use crate::limits::Limits;
use crate::net::{Mailbox, SharedFrame};
use crate::proto::Message;
use crate::push::topics::{Topic, TopicId, Topics};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Topics and the way to their subscribers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    mailboxes: OnceLock<Vec<Mailbox<Delivery>>>,
}

#[derive(Debug, Default)]
struct State {
    topics: Topics,
    /// Connections by owner, whatever the number of their topics.
    owners: HashMap<String, u32>,
    /// Grows with every publication and every join, over all topics: an id of a topic that is
    /// used again cannot confuse an old delivery with the new topic.
    sequence: u64,
}

/// What a worker is told.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub(super) topic: TopicId,
    pub(super) sequence: u64,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// Send this to the subscribers.
    Frame(SharedFrame),
    /// Close the connections of the subscribers.
    Close,
}

/// A place among the subscribers of a topic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joined {
    pub(super) topic: TopicId,
    /// Only what has a higher number is for this subscriber.
    pub(super) sequence: u64,
}

impl Hub {
    /// Gives the hub its workers; the first call counts, and every worker may make it.
    pub fn connect(&self, mailboxes: &[Mailbox<Delivery>]) {
        self.shared.mailboxes.get_or_init(|| mailboxes.to_vec());
    }

    /// Sends a message to every subscriber of a topic and returns how many there are. It is
    /// encoded once, and not at all if nobody listens. Never waits for a subscriber.
    pub fn publish(&self, topic: &Topic, message: Message<'_>) -> usize {
        if self.lock().topics.get(topic).is_none() {
            return 0;
        }
        // Outside of the lock: the copy of a large payload is nobody else's business.
        let frame = SharedFrame::new(message);
        let mut state = self.lock();
        let State {
            topics, sequence, ..
        } = &mut *state;
        let Some(entry) = topics.get(topic) else {
            return 0;
        };
        *sequence += 1;
        let what = What::Frame(frame);
        let delivery = Delivery {
            topic: entry.id,
            sequence: *sequence,
            what,
        };
        self.post(&entry.members, &delivery);
        entry.total()
    }

    /// Closes the connections which listen to a topic of `owner`, or to any if `name` is `None`.
    /// Returns how many there are.
    pub fn close(&self, owner: &str, name: Option<&str>) -> usize {
        let mut state = self.lock();
        let State {
            topics,
            sequence,
            owners,
        } = &mut *state;
        *sequence += 1;
        let close = |id| Delivery {
            topic: id,
            sequence: *sequence,
            what: What::Close,
        };
        let Some(name) = name else {
            for entry in topics.of(owner) {
                self.post(&entry.members, &close(entry.id));
            }
            return owners.get(owner).map_or(0, |count| *count as usize);
        };
        let Some(entry) = topics.get(&Topic::new(owner, name)) else {
            return 0;
        };
        self.post(&entry.members, &close(entry.id));
        entry.total()
    }

    /// Topics that somebody listens to.
    pub fn topics(&self) -> usize {
        self.lock().topics.len()
    }

    /// Counts a subscriber; `first` if it is the first topic of this owner on its connection.
    /// `None` if there are too many topics.
    pub(super) fn join(
        &self,
        topic: &Topic,
        worker: usize,
        first: bool,
        limits: &Limits,
    ) -> Option<Joined> {
        let workers = self.shared.mailboxes.get().map_or(worker + 1, Vec::len);
        let mut state = self.lock();
        if state.topics.get(topic).is_none() && state.topics.len() >= limits.topics {
            return None;
        }
        if first {
            *state.owners.entry(topic.owner.clone()).or_default() += 1;
        }
        let id = state.topics.join(topic, worker, workers);
        Some(Joined {
            topic: id,
            sequence: state.sequence,
        })
    }

    /// The reverse of [`Hub::join`]; `last` if it was the last topic of this owner.
    pub(super) fn leave(&self, topic: &Topic, worker: usize, last: bool) {
        let mut state = self.lock();
        state.topics.leave(topic, worker);
        if last && let Some(count) = state.owners.get_mut(&topic.owner) {
            *count -= 1;
            if *count == 0 {
                state.owners.remove(&topic.owner);
            }
        }
    }

    fn post(&self, members: &[u32], delivery: &Delivery) {
        let Some(mailboxes) = self.shared.mailboxes.get() else {
            return;
        };
        for (mailbox, count) in mailboxes.iter().zip(members) {
            if *count > 0 {
                let size = match &delivery.what {
                    What::Frame(frame) => frame.as_bytes().len(),
                    What::Close => 0,
                };
                let _ = mailbox.post(delivery.clone(), size);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
