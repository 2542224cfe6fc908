//! The types that a service and its loop use for connections.
//!
//! Plain values without behaviour. Invariant: a [`PeerId`] is never used twice in one server,
//! across all workers.

use crate::error::Violation;
use crate::wire::CloseCode;

/// The name of one connection of one server, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId {
    pub(crate) worker: u16,
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl PeerId {
    /// A small dense number, which another connection of the same worker may get after this one has
    /// ended: an index for tables such as [`PeerMap`](crate::net::PeerMap).
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// The number of the worker that has the connection: see [`Worker`](crate::net::Worker).
    pub fn worker(self) -> usize {
        usize::from(self.worker)
    }

    /// A name for tests that need no connection.
    #[cfg(test)]
    pub(crate) fn invented(index: u32) -> Self {
        Self {
            worker: 0,
            index,
            generation: 1,
        }
    }
}

/// What happened to something that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a message to a slow or ended connection may not have been taken"]
#[non_exhaustive]
pub enum Sent {
    /// It is written in this turn of the loop, or waits for a slow peer within its bound.
    Taken {
        /// Bytes that wait for this peer or were sent to it in this turn, including this message;
        /// at least [`Context::queued_bytes`](crate::net::Context::queued_bytes). Sending while
        /// this is below a bound is sure to stop.
        waiting: usize,
    },
    /// It was not accepted: the connection has ended or is closing, perhaps because this message
    /// was one too many for a slow peer ([`Overflow::Disconnect`]).
    Closed,
    /// It was not accepted: a message in pieces is being sent to this peer, and no other may begin
    /// before its last piece (RFC 6455 section 5.4).
    Busy,
    /// It was accepted, and older ones that waited for this slow peer were dropped for it.
    Overflow,
}

impl Sent {
    /// Whether the message was sent or waits.
    pub fn is_taken(self) -> bool {
        matches!(self, Self::Taken { .. } | Self::Overflow)
    }

    /// Whether it was accepted, and at most `bytes` wait: there is room for more.
    pub fn has_room(self, bytes: usize) -> bool {
        matches!(self, Self::Taken { waiting } if waiting <= bytes)
    }
}

/// What happens to a peer for which more waits than
/// [`Limits::queued_bytes`](crate::net::Limits::queued_bytes). Every drop is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// End the connection with close code 1013, so that the peer knows that it missed something.
    #[default]
    Disconnect,
    /// Drop the oldest waiting frames until the new one fits.
    DropOldest,
    /// Drop older waiting frames of the same key (topic); if the new one still does not fit, the
    /// oldest of any key.
    KeepLatest,
}

/// How the messages of a connection are delivered to the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// Whole, by [`Service::message`](crate::net::Service::message); up to
    /// [`Limits::message_bytes`](crate::Limits::message_bytes) each.
    #[default]
    Messages,
    /// As they arrive, by [`Service::chunk`](crate::net::Service::chunk), however long they are.
    Chunks,
    /// Whole, except for those that are longer than
    /// [`Options::receive_buffer`](crate::net::Options::receive_buffer) and not compressed: these
    /// are delivered in chunks. The limits are those of whole messages. Such a message is read to
    /// its end even if the peer does not read, as long as at most
    /// [`Limits::message_bytes`](crate::Limits::message_bytes) wait for it, and
    /// [`Context::send_piece`](crate::net::Context::send_piece) accepts as much meanwhile.
    LongInChunks,
}

/// Bytes of a message, as they arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The kind of the message. The bytes of a text are checked, but a character may be cut at the
    /// end of a chunk.
    pub kind: crate::wire::MessageKind,
    /// May be empty, such as at the end of a message.
    pub bytes: &'a [u8],
    /// No earlier chunk belongs to the same message.
    pub first: bool,
    /// The message is whole.
    pub last: bool,
    /// Bytes of the same frame that are still to come: of the whole message, if it has one frame.
    /// `None` if the message is compressed, and for what was gathered before a message was known to
    /// be long.
    pub frame_left: Option<u64>,
}

/// How a connection ended (RFC 6455 sections 7.1.4 to 7.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct End<'a> {
    /// Both Close frames were seen.
    pub clean: bool,
    /// The code in the peer's Close frame; `None` for an empty one, or for none at all.
    pub code: Option<CloseCode>,
    /// The reason in the peer's Close frame: at most 123 bytes.
    pub reason: &'a str,
    /// The cause of the end.
    pub cause: Cause,
}

/// The cause of the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The closing handshake, whichever side began it, and whether or not the other side answered.
    Closed,
    /// TCP ended or was reset without a Close.
    Lost,
    /// The peer broke a rule.
    Violation(Violation),
    /// The peer did not answer a Ping in time.
    Silent,
    /// The peer accepted nothing for too long, or the server took too long to answer a request.
    Stalled,
    /// A message took too long to arrive.
    Late,
    /// The peer read too slowly ([`Overflow::Disconnect`]).
    Overflow,
    /// The server held too much ([`Limits::memory_bytes`](crate::net::Limits::memory_bytes)).
    Memory,
    /// The server is stopping.
    Stopped,
}
