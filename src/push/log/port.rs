//! What a log is to the broker.
//!
//! Input: batches of publications. Output: an entry for each, now or later. Invariants: those of
//! the [folder](super). How records are kept is left to each log.

use crate::push::hub::{Break, Past, Presence};
use crate::push::name::{Pattern, TopicName};
use crate::push::position::Epoch;
use crate::push::record::{Key, Publication, Record};
use std::fmt;
use std::sync::Arc;

/// Orders publications. The broker calls it while it is locked: no call may wait for anything slow
/// or call the broker.
pub trait Log: fmt::Debug + Send + Sync {
    /// Which log the positions belong to.
    fn epoch(&self) -> Epoch;

    /// Orders a batch. `now` is a Unix time in milliseconds.
    fn append(&self, batch: Vec<Publication>, now: u64, ticket: Ticket) -> Appended;

    /// For a publication with a key whose topic is not logged: how many subscribers the one before
    /// it with this key has reached; `None` if the key is new, which the log then remembers.
    ///
    /// # Errors
    ///
    /// [`LogError::KeyReused`].
    fn repeats(&self, publication: &Publication, now: u64) -> Result<Option<usize>, LogError>;

    /// The publication with this key has reached this many subscribers, at least one: the answer to
    /// its repetition.
    fn delivered(&self, key: &Key, subscribers: usize);

    /// What the log has from before this process, as far as that fits into `bytes` of memory. What
    /// is left out counts as let go. This is the first call.
    fn past(&self, _bytes: usize) -> Past {
        Past::default()
    }

    /// Where entries go that come later, and those of other servers. This is the second call.
    fn start(&self, _feed: Feed) {}

    /// Gives a log that several servers share a way to ask this one. This is the third call.
    fn meet(&self, _here: Arc<dyn Here>) {}

    /// Who subscribes to a topic at the other servers of this log, as far as is known.
    fn elsewhere(&self, _topic: &TopicName) -> Presence {
        Presence::default()
    }

    /// How many connections [`elsewhere`](Log::elsewhere) has.
    fn connections_elsewhere(&self, _topic: &TopicName) -> usize {
        0
    }

    /// Called after [`Appended::Later`], once the broker is unlocked: this call may wake a thread.
    fn wake(&self) {}

    /// Nothing more comes: returns once what was appended is durable and files are closed.
    fn close(&self) {}

    /// Whether it takes publications now. Never waits.
    ///
    /// # Errors
    ///
    /// What the next [`append`](Log::append) would be refused with, as far as it is known.
    fn ready(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// Another process is about to go on with the log, and nothing is appended until then: lets go
    /// of what only one process may have. `None` if that is not possible; then subscribers have to
    /// connect again.
    fn hand_over(&self) -> Option<Handed> {
        None
    }

    /// The other process does not go on with the log: this one does.
    fn take_back(&self) {}

    /// Bytes of memory that the log holds: they count toward the budget.
    fn held_bytes(&self) -> usize {
        0
    }
}

/// What another process needs to go on with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// Nothing: that process finds the log where it is kept.
    Elsewhere,
    /// These bytes, and the histories.
    State(Vec<u8>),
}

/// Takes entries, with the tickets of their batches (`None` for records of other servers), to
/// deliver them and to answer their publishers.
pub type Feed = Box<dyn Fn(Vec<(Option<Ticket>, Vec<Logged>)>) + Send>;

/// A server, as a log that it shares with others sees it. It may be called from any thread that
/// does not hold the broker's lock.
pub trait Here: Send + Sync {
    /// Its workers have a backlog: the log may wait before it tells more.
    fn is_busy(&self) -> bool;

    /// Grows when subscriptions may have changed.
    fn generation(&self) -> u64;

    /// Who subscribes to what.
    fn subscriptions(&self) -> Vec<Subscriptions>;
}

/// Connections that subscribe to the same patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// In order, each once.
    pub patterns: Vec<Pattern>,
    /// The connections, by their names.
    pub presence: Presence,
}

/// The name of one call of [`Log::append`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// An entry for each publication, in order.
    Now(Vec<Logged>),
    /// The entries come later, with the ticket, to
    /// [`Broker::committed`](crate::push::Broker::committed).
    Later,
}

/// What became of one publication.
pub type Logged = Result<Entry, LogError>;

/// A publication that the log has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A new record, the next one.
    New(Arc<Record>),
    /// A repetition: its key was used before.
    Repeated {
        /// The sequence number of the record.
        sequence: u64,
        /// How many subscribers it had reached; `None` if that is not known.
        subscribers: Option<usize>,
    },
    /// Not a publication: a break, after which the log does not continue as it was known.
    Break(Break),
}

/// Why a publication was not logged. It reaches no subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogError {
    /// Its key was used for another topic, kind or payload.
    KeyReused,
    /// The log cannot keep more.
    Full,
    /// The log cannot be reached or written: try again later.
    Unavailable,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyReused => "this idempotency key was used for another message",
            Self::Full => "the log cannot keep more",
            Self::Unavailable => "the log cannot be written now",
        })
    }
}

impl std::error::Error for LogError {}
