//! A log in Redis as the broker knows it.
//!
//! Input: calls of the broker. Output: publications that wait, and what is known already.
//! Invariant: no call waits for Redis, except opening the log and what is done before it is
//! [started](Log::start). With the last handle its threads end.

use crate::push::auth::Revocations;
use crate::push::hub::Presence;
use crate::push::log::{Appended, Feed, Here, KeyLimits, Keys, Log, LogError, Ticket};
use crate::push::name::TopicName;
use crate::push::position::Epoch;
use crate::push::record::{Key, Publication};
use crate::push::redis::address::RedisAddress;
use crate::push::redis::link::Link;
use crate::push::redis::node::{Appender, Node, Reader};
use crate::push::redis::nodes::Nodes;
use crate::push::redis::pending::Pending;
use crate::push::redis::problem::RedisProblem;
use crate::push::redis::tail::Tail;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// A log that several servers share.
#[derive(Debug)]
pub struct RedisLog {
    node: Arc<Node>,
    epoch: Epoch,
    /// Keys of publications that are not in the log.
    ephemeral: Mutex<Keys>,
    most_keys: usize,
    /// Until it is started.
    threads: Mutex<Option<(Reader, Appender)>>,
}

impl RedisLog {
    /// Connects to a log, or begins a new one. Tokens that one server of the log revokes are
    /// revoked at all of them: `revocations` are those of this server.
    ///
    /// # Errors
    ///
    /// See [`RedisProblem`].
    pub fn open(
        address: RedisAddress,
        keys: KeyLimits,
        revocations: Option<Revocations>,
    ) -> Result<Self, RedisProblem> {
        let name = Epoch::random().as_str().to_owned();
        let mut reading = Link::connect(&address)?;
        let appending = Link::connect(&address)?;
        let opened = reading.open(None)?;
        if let Some(revocations) = &revocations {
            revocations.replace(&opened.revoked);
        }
        let tail = Tail::new(name.clone(), &opened).ok_or(RedisProblem::Foreign)?;
        let node = Arc::new(Node {
            name,
            address,
            keys: keys.count / 2,
            pending: Pending::default(),
            nodes: Nodes::default(),
            revocations,
            feed: OnceLock::new(),
            here: OnceLock::new(),
        });
        let appender = Appender {
            node: Arc::clone(&node),
            link: Some(appending),
            announced: (0, 0),
            beat: None,
            list_again: None,
        };
        let epoch = tail.position().0;
        let reader = Reader {
            node: Arc::clone(&node),
            tail,
            link: Some(reading),
        };
        Ok(Self {
            node,
            epoch,
            ephemeral: Mutex::new(Keys::new(keys)),
            most_keys: keys.count,
            threads: Mutex::new(Some((reader, appender))),
        })
    }

    fn ephemeral(&self) -> MutexGuard<'_, Keys> {
        self.ephemeral
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for RedisLog {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    // req: push-nodes-04
    fn append(&self, batch: Vec<Publication>, _: u64, ticket: Ticket) -> Appended {
        match self.node.pending.put(&batch, ticket) {
            true => Appended::Later,
            false => Appended::Now(vec![Err(LogError::Unavailable); batch.len()]),
        }
    }

    fn repeats(&self, publication: &Publication, now: u64) -> Result<Option<usize>, LogError> {
        self.ephemeral().repeats(publication, now)
    }

    fn delivered(&self, key: &Key, subscribers: usize) {
        self.ephemeral().delivered(key, subscribers);
        self.node.pending.reached(key, subscribers, self.most_keys);
    }

    /// Reads what the log has, and starts the threads.
    fn start(&self, feed: Feed) {
        let threads = &mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((mut reader, appender)) = threads.take() else {
            return;
        };
        let _ = self.node.feed.set(Mutex::new(feed));
        let ready = reader.catch_up();
        self.node.pending.set(Some(ready.is_ok()), Some(true));
        if let Err(problem) = ready {
            log::error!("the log in Redis cannot be read yet: {problem}");
        }
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let builder = thread::Builder::new().name(name.into());
            builder.spawn(run).expect("a thread can be started")
        };
        spawn("redis-read", Box::new(|| reader.run()));
        let appending = spawn("redis-append", Box::new(|| appender.run()));
        self.node.pending.serve(appending.thread().clone());
    }

    fn meet(&self, here: Arc<dyn Here>) {
        let _ = self.node.here.set(here);
    }

    fn elsewhere(&self, topic: &TopicName) -> Presence {
        self.node.nodes.presence(topic)
    }

    fn connections_elsewhere(&self, topic: &TopicName) -> usize {
        self.node.nodes.connections(topic)
    }

    fn wake(&self) {
        self.node.pending.wake();
    }

    fn ready(&self) -> Result<(), LogError> {
        match self.node.pending.is_ready() {
            true => Ok(()),
            false => Err(LogError::Unavailable),
        }
    }

    fn held_bytes(&self) -> usize {
        self.node.pending.held_bytes()
    }
}

impl Drop for RedisLog {
    /// The reader notices within about a second.
    fn drop(&mut self) {
        self.node.pending.close();
    }
}
