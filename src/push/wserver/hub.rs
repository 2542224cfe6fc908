//! The one place that knows every topic; shared by all workers and by the program itself.
//!
//! Input: joins, leaves, publications, from any thread. Output: [`HubMail`]s into the mailboxes of
//! the workers that have subscribers. Invariant: publications get their sequence numbers and enter
//! the mailboxes under one lock, so all workers see one order; a subscriber knows the number at
//! which it joined, and gets only later messages. A subscriber that is about to be closed no longer
//! counts.

use crate::net::{Mailbox, SharedFrame};
use crate::proto::Message;
use crate::push::limits::Limits;
use crate::push::unavailable::Unavailable;
use crate::push::workers::{Workers, workers};
use crate::push::wserver::topics::{OwnerId, Topic, TopicId, Topics};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Topics and how to reach their subscribers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    mailboxes: OnceLock<Workers<HubMail>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    topics: Topics,
    /// Grows with every publication and every close, over all topics: when the id of a topic is
    /// reused, old deliveries cannot be taken for ones to the new topic.
    sequence: u64,
    stopped: bool,
}

/// What the hub sends to a worker.
#[derive(Clone, Debug)]
pub struct HubMail {
    pub(in crate::push) topic: TopicId,
    pub(in crate::push) sequence: u64,
    pub(in crate::push) what: What,
}

#[derive(Clone, Debug)]
pub(in crate::push) enum What {
    /// Send this to the subscribers.
    Frame(SharedFrame),
    /// Close the connections of the subscribers.
    Close,
}

/// A place among the subscribers of a topic.
#[derive(Clone, Copy, Debug)]
pub(in crate::push) struct Joined {
    pub(in crate::push) owner: OwnerId,
    pub(in crate::push) topic: TopicId,
    /// Only deliveries with a higher number are for this subscriber.
    pub(in crate::push) sequence: u64,
}

impl Hub {
    /// Gives the hub its workers. Only the first call counts, so every worker may make it.
    pub fn connect<M>(&self, mailboxes: &[Mailbox<M>])
    where
        M: From<HubMail> + Send + 'static,
    {
        self.shared.mailboxes.get_or_init(|| workers(mailboxes));
    }

    /// Sends a message to every subscriber of a topic and returns how many there are. It is encoded
    /// once, and not at all without subscribers. Never waits for a subscriber.
    ///
    /// # Errors
    ///
    /// [`Unavailable::Stopped`] after [`Hub::stop`]; [`Unavailable::Busy`] if a worker with
    /// subscribers has as much mail as it may ([`mail_bytes`](crate::net::Limits::mail_bytes)):
    /// then no subscriber gets it.
    pub fn publish(&self, topic: &Topic, message: Message<'_>) -> Result<usize, Unavailable> {
        if self.running()?.topics.named(topic).is_none() {
            return Ok(0);
        }
        // Outside the lock: no other thread should wait for the copy of a large payload.
        let frame = SharedFrame::new(message);
        let mut state = self.running()?;
        let Some(topic) = state.topics.named(topic) else {
            return Ok(0);
        };
        if self.is_full_for(&state.topics, topic) {
            return Err(Unavailable::Busy);
        }
        state.sequence += 1;
        let delivery = HubMail {
            topic,
            sequence: state.sequence,
            what: What::Frame(frame),
        };
        let mut asleep = BTreeSet::new();
        self.append(&state.topics, &delivery, &mut asleep);
        let total = state.topics.total(topic);
        drop(state);
        self.wake(&asleep);
        Ok(total)
    }

    /// Closes the connections that subscribe to the topic `name` of `owner`, or to any of its
    /// topics if `name` is `None`. Returns how many there are. They no longer count as subscribers
    /// of it; of their other topics they do until their worker has handled the close.
    ///
    /// # Errors
    ///
    /// [`Unavailable::Stopped`] after [`Hub::stop`].
    pub fn close(&self, owner: &str, name: Option<&str>) -> Result<usize, Unavailable> {
        let mut state = self.running()?;
        let State {
            topics, sequence, ..
        } = &mut *state;
        let Some(owner) = topics.owner(owner) else {
            return Ok(0);
        };
        *sequence += 1;
        let close = |topic| HubMail {
            topic,
            sequence: *sequence,
            what: What::Close,
        };
        let mut asleep = BTreeSet::new();
        let count = match name {
            None => {
                for topic in topics.of(owner) {
                    self.append(topics, &close(topic), &mut asleep);
                }
                topics.detach_owner(owner);
                topics.connections(owner)
            }
            Some(name) => {
                let Some(topic) = topics.find(owner, name) else {
                    return Ok(0);
                };
                self.append(topics, &close(topic), &mut asleep);
                topics.detach(topic);
                topics.total(topic)
            }
        };
        drop(state);
        self.wake(&asleep);
        Ok(count)
    }

    /// From now on nothing is published and no connection can subscribe. Call it before the workers
    /// are stopped: they stop at different times, and none may count subscribers of one that has
    /// stopped.
    pub fn stop(&self) {
        self.lock().stopped = true;
    }

    /// [`Hub::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Topics that have subscribers.
    pub fn topics(&self) -> usize {
        self.lock().topics.len()
    }

    /// Lets this worker add subscribers of topics of `owner`; `None` after [`Hub::stop`].
    pub(in crate::push) fn joining<'h>(
        &'h self,
        worker: usize,
        owner: &'h str,
    ) -> Option<Joining<'h>> {
        let state = self.running().ok()?;
        Some(Joining {
            owner: state.topics.owner(owner),
            name: owner,
            state,
            worker,
            workers: self.shared.mailboxes.get().map_or(worker + 1, Vec::len),
        })
    }

    /// The reverse of [`Joining::join`], for all topics that one connection has joined, ordered by
    /// owner.
    pub(in crate::push) fn leave(
        &self,
        worker: usize,
        all: impl Iterator<Item = (OwnerId, TopicId)>,
    ) {
        let mut state = self.lock();
        let mut last = None;
        for (owner, topic) in all {
            state.topics.leave(topic, worker);
            if let Some(before) = last.replace(owner)
                && before != owner
            {
                state.topics.leave_owner(before);
            }
        }
        if let Some(owner) = last {
            state.topics.leave_owner(owner);
        }
    }

    /// Puts a delivery into the mailboxes of the workers that have subscribers. Waking their loops
    /// is a system call, which is made after the lock is released; the order of the mail is fixed
    /// by then.
    fn append(&self, topics: &Topics, delivery: &HubMail, asleep: &mut BTreeSet<usize>) {
        let mailboxes = self.shared.mailboxes.get().into_iter().flatten();
        let size = match &delivery.what {
            What::Frame(frame) => frame.as_bytes().len(),
            What::Close => 0,
        };
        for (at, (mailbox, count)) in mailboxes.zip(topics.members(delivery.topic)).enumerate() {
            if *count > 0 && mailbox.append(delivery.clone(), size) {
                asleep.insert(at);
            }
        }
    }

    /// A worker with subscribers of this topic has as much mail as it may have.
    fn is_full_for(&self, topics: &Topics, topic: TopicId) -> bool {
        let mailboxes = self.shared.mailboxes.get().into_iter().flatten();
        let mut mailboxes = mailboxes.zip(topics.members(topic));
        mailboxes.any(|(mailbox, count)| *count > 0 && mailbox.is_full())
    }

    fn wake(&self, asleep: &BTreeSet<usize>) {
        let mailboxes = self.shared.mailboxes.get().map_or(&[][..], Vec::as_slice);
        for at in asleep {
            mailboxes[*at].wake();
        }
    }

    /// No names are left.
    #[cfg(test)]
    pub(in crate::push) fn is_empty(&self) -> bool {
        self.lock().topics.is_empty()
    }

    fn running(&self) -> Result<MutexGuard<'_, State>, Unavailable> {
        let state = self.lock();
        match state.stopped {
            true => Err(Unavailable::Stopped),
            false => Ok(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hub, locked for one registration.
pub(in crate::push) struct Joining<'h> {
    state: MutexGuard<'h, State>,
    /// Looked up once: its name may be long, and its topics many.
    owner: Option<OwnerId>,
    name: &'h str,
    worker: usize,
    workers: usize,
}

impl Joining<'_> {
    pub(in crate::push) fn owner(&self) -> Option<OwnerId> {
        self.owner
    }

    pub(in crate::push) fn find(&self, name: &str) -> Option<TopicId> {
        self.state.topics.find(self.owner?, name)
    }

    /// Whether a connection that has joined `joined` topics may make another one.
    pub(in crate::push) fn has_room(&self, joined: usize, limits: &Limits) -> bool {
        let free = limits.topics.saturating_sub(self.state.topics.len());
        free > joined.saturating_mul(limits.topic_share)
    }

    /// Counts a subscriber; `first` if it is the first topic of this owner on its connection.
    pub(in crate::push) fn join(&mut self, name: &str, first: bool) -> Joined {
        let topics = &mut self.state.topics;
        let add = || topics.add_owner(self.name);
        let owner = *self.owner.get_or_insert_with(add);
        let topic = topics.join(owner, name, self.worker, self.workers, first);
        Joined {
            owner,
            topic,
            sequence: self.state.sequence,
        }
    }
}
