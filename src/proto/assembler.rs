//! Pieces → whole messages, copying only what did not arrive in one piece.
//!
//! Comes in: the [`Piece`]s of one connection, in order. Goes out: a [`Message`], which borrows
//! the piece itself when that is the whole message. Invariant: memory grows with the bytes that
//! came, never with a length that was announced (RFC 6455 section 10.4). Rules are left to
//! `sequence`.

use crate::proto::Piece;
use crate::wire::Kind;
use alloc::vec::Vec;

/// A whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Text, whose bytes have been checked, or binary.
    pub kind: Kind,
    /// The payload.
    pub bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// A text message.
    pub const fn text(text: &'a str) -> Self {
        Self {
            kind: Kind::Text,
            bytes: text.as_bytes(),
        }
    }

    /// A binary message.
    pub const fn binary(bytes: &'a [u8]) -> Self {
        Self {
            kind: Kind::Binary,
            bytes,
        }
    }

    /// The text, or `None` if this is a binary message. Received text is valid; to hand it out as
    /// `&str` without `unsafe` costs one more pass over it.
    pub fn as_text(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Text => core::str::from_utf8(self.bytes).ok(),
            Kind::Binary => None,
        }
    }
}

/// Puts the messages of one connection together.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    /// What came of the message so far; empty between messages.
    parts: Vec<u8>,
}

impl Assembler {
    /// Nothing has come.
    pub const fn new() -> Self {
        Self { parts: Vec::new() }
    }

    /// Takes the next piece. Returns the message if it is complete; it is gone with the next
    /// call.
    #[inline]
    pub fn push<'a>(&'a mut self, piece: Piece<'a>) -> Option<Message<'a>> {
        if piece.first {
            self.parts.clear();
            if piece.last {
                return Some(Message {
                    kind: piece.kind,
                    bytes: piece.bytes,
                });
            }
        }
        self.parts.extend_from_slice(piece.bytes);
        piece.last.then_some(Message {
            kind: piece.kind,
            bytes: &self.parts,
        })
    }

    /// Bytes of memory held.
    pub fn capacity(&self) -> usize {
        self.parts.capacity()
    }
}
