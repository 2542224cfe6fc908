//! What the broker says: to workers, and to those who publish.
//!
//! Plain values. Input: deliveries and outcomes. Output: mail for the service of a worker.
//! Invariant: a delivery is shared, never copied.

use crate::net::PeerId;
use crate::push::delivery::Delivery;
use crate::push::hub::{Audience, Refused, Start};
use crate::push::log::LogError;
use crate::push::position::Position;
use std::fmt;
use std::sync::Arc;

/// What the broker sends to a worker.
#[derive(Clone, Debug)]
pub enum BrokerMail {
    /// A record for the subscribers of this worker.
    Delivery(Delivery),
    /// A connection of another service follows topics: see
    /// [`Broker::follow`](crate::push::Broker::follow).
    Following(Box<Following>),
    /// Connections are to be closed: see [`Broker::close`](crate::push::Broker::close).
    Close {
        /// The connections.
        audience: Arc<Audience>,
        /// Only those that joined with a lower number.
        order: u64,
    },
    /// Subscribers may have missed messages, or got some that the log has lost: each is to resume
    /// from its last position, and is then told of the gap.
    Broken,
    /// The answer to [`Broker::subscribe_in_order`](crate::push::Broker::subscribe_in_order).
    Started(Box<Started>),
    /// The answer to a [`Broker::publish`](crate::push::Broker::publish) that was to come
    /// [later](Published::Later).
    Published {
        /// The tag that the call was given.
        tag: u64,
        /// One for each publication, in order.
        outcomes: Vec<Outcome>,
    },
    /// The receipts of what this connection has published are complete.
    Counted(PeerId),
}

/// The answer to a subscription, among the deliveries before and after it.
#[derive(Clone, Debug)]
pub struct Started {
    /// Who has subscribed.
    pub connection: PeerId,
    /// The tag that the call was given.
    pub tag: u64,
    /// What it gets first, or why it gets nothing.
    pub start: Result<Start, Refused>,
}

/// A connection that follows topics, among the deliveries before and after it.
#[derive(Clone, Debug)]
pub struct Following {
    /// The connection.
    pub connection: PeerId,
    /// What it gets first, and from where on it gets deliveries.
    pub start: Start,
}

/// Where the outcomes of a batch go if the log does not answer it at once.
pub enum Answer {
    /// To a worker, as [`BrokerMail::Published`] with this tag.
    Mail {
        /// The number of the worker.
        worker: usize,
        /// What the worker knows the batch by.
        tag: u64,
    },
    /// To the program, on a thread of the log.
    Call(Call),
}

/// What is called with the outcomes of a batch.
pub type Call = Box<dyn FnOnce(Vec<Outcome>) + Send>;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a publication may have been refused"]
pub enum Published {
    /// The outcome of each publication, in order.
    Now(Vec<Outcome>),
    /// The outcomes go to the [`Answer`] later.
    Later,
}

/// What became of one publication.
pub type Outcome = Result<Receipt, LogError>;

/// A publication that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Where it is in the log; `None` if its topic is ephemeral.
    pub position: Option<Position>,
    /// When it was accepted, as a Unix time in milliseconds; `None` for a repetition.
    pub time: Option<u64>,
    /// Connections that it was for. Of a repetition the first count, or 0 if it is not known.
    pub subscribers: usize,
    /// It was published before, under the same idempotency key, and was not published again.
    pub repeated: bool,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail { worker, tag } => write!(f, "Mail({worker}, {tag})"),
            Self::Call(_) => f.write_str("Call"),
        }
    }
}
