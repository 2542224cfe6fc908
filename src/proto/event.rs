//! What [`Connection::receive`](crate::Connection::receive) returns: how much was consumed, and at
//! most one event, which borrows only the input.

use crate::error::Violation;
use crate::wire::{CloseBody, MessageKind};

/// The outcome of one call: once the event is handled, drop `consumed` bytes and call again.
#[derive(Debug, PartialEq, Eq)]
pub struct Received<'b> {
    /// How many bytes at the front of the input were consumed. With `event: None` and fewer than
    /// the whole input, the rest is the beginning of a frame: offer it again, followed by more
    /// bytes in one slice. It is never longer than 130 bytes.
    pub consumed: usize,
    /// What these bytes mean, if they complete something.
    pub event: Option<Event<'b>>,
}

/// Something that the peer sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'b> {
    /// A part of a message, unmasked, and checked if it is text.
    Piece(Piece<'b>),
    /// A whole Ping. Its Pong is already in the outbox (RFC 6455 section 5.5.2).
    Ping(&'b [u8]),
    /// A whole Pong (section 5.5.3).
    Pong(&'b [u8]),
    /// The peer closes. Our Close is in the outbox, unless we had sent one before (section 5.5.1).
    Close(CloseBody<'b>),
    /// The peer broke a rule and the connection has failed (section 7.1.7). The Close frame that
    /// says so is already in the outbox.
    Failed(Violation),
}

/// A part of a message: as much of one frame's payload as had arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'b> {
    /// The kind of the whole message.
    pub kind: MessageKind,
    /// Payload; in text it may begin or end inside a character. May be empty.
    pub bytes: &'b [u8],
    /// The message is compressed (RFC 7692): these are bytes for an inflater, and no text was
    /// checked. Never set unless [`Connection::with_deflate`] was called.
    ///
    /// [`Connection::with_deflate`]: crate::Connection::with_deflate
    pub compressed: bool,
    /// No earlier piece belongs to the same message.
    pub first: bool,
    /// The message is complete.
    pub last: bool,
}
