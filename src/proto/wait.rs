//! What a connection waits for, and what follows when the wait is over.
//!
//! The rules are left to `keepalive`.

/// Milliseconds since any fixed moment of the caller's choice.
pub type Millis = u64;

/// What [`Connection::tick`](crate::Connection::tick) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tick {
    /// Nothing is due.
    Early,
    /// The peer was silent: a Ping is in the outbox.
    Ping,
    /// Time is up: drop the transport. The connection is Gone.
    Expired,
}

/// What a connection waits for, since a stored time. All of it is lazy: traffic only stores a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// For any byte, before we send a Ping.
    Traffic,
    /// For any byte, after we sent one.
    Answer,
    /// For the state we are in now to end; entered at a time not known yet.
    Unstamped,
    /// For the same, since a known time.
    End,
}
