//! Pieces → whole messages, copying only what did not arrive in one piece.
//!
//! Input: the [`Piece`]s of one connection, in order. Output: a [`Message`], which borrows the
//! piece itself when that is the whole message. Invariant: memory grows with the bytes that arrive,
//! never with an announced length (RFC 6455 section 10.4). Rules are left to `sequence`.

use crate::proto::Piece;
use crate::wire::MessageKind;
use alloc::vec::Vec;
use core::ops::Range;

/// A whole message. The constructors make a text from UTF-8 only: the peer would have to refuse any
/// other (RFC 6455 section 8.1). If you change the fields, keep to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Text, whose bytes have been checked, or binary.
    pub kind: MessageKind,
    /// The payload.
    pub bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// A text message.
    pub const fn text(text: &'a str) -> Self {
        Self {
            kind: MessageKind::Text,
            bytes: text.as_bytes(),
        }
    }

    /// A message of this kind; `None` for a text that is not UTF-8.
    ///
    /// ```
    /// use wirebell::{MessageKind, Message};
    /// let text = Message::of(MessageKind::Text, b"caf\xC3\xA9");
    /// assert_eq!(text, Some(Message::text("caf\u{e9}")));
    /// assert_eq!(Message::of(MessageKind::Text, b"caf\xE9"), None);
    /// assert!(Message::of(MessageKind::Binary, b"caf\xE9").is_some());
    /// ```
    pub fn of(kind: MessageKind, bytes: &'a [u8]) -> Option<Self> {
        match kind {
            MessageKind::Binary => Some(Self::binary(bytes)),
            MessageKind::Text => core::str::from_utf8(bytes).ok().map(Self::text),
        }
    }

    /// A binary message.
    pub const fn binary(bytes: &'a [u8]) -> Self {
        Self {
            kind: MessageKind::Binary,
            bytes,
        }
    }

    /// The text, or `None` if this is a binary message. Received text is valid; returning it as
    /// `&str` without `unsafe` costs one more pass over it.
    pub fn as_text(&self) -> Option<&'a str> {
        match self.kind {
            MessageKind::Text => core::str::from_utf8(self.bytes).ok(),
            MessageKind::Binary => None,
        }
    }
}

/// Assembles the messages of one connection.
///
/// ```text
///   parts: [ not ours | bytes that came ······ | room that spare() lends, read into directly ]
///              start ▲                     end ▲                              parts.len() ▲
/// ```
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    /// Initialised memory; what came of the message so far is `start..end`.
    parts: Vec<u8>,
    start: usize,
    end: usize,
}

/// How many times what has arrived [`Assembler::spare`] makes room for.
const AHEAD: usize = 4;

/// The least room that is worth a read.
const LEAST_READ: u64 = 4 * 1024;

/// Memory that [`Assembler::shrink`] keeps.
const LITTLE: usize = 64 * 1024;

impl Assembler {
    /// Nothing has arrived.
    pub const fn new() -> Self {
        Self::with_memory(Vec::new())
    }

    /// Reuses the memory of `parts`, whatever its content.
    pub const fn with_memory(parts: Vec<u8>) -> Self {
        Self {
            parts,
            start: 0,
            end: 0,
        }
    }

    /// Takes over the buffer that the first piece of a message lies in, instead of copying it.
    ///
    /// # Panics
    ///
    /// If `piece` does not lie in `parts`.
    pub fn adopt(parts: Vec<u8>, piece: Range<usize>) -> Self {
        assert!(
            piece.start <= piece.end && piece.end <= parts.len(),
            "no part of the buffer"
        );
        Self {
            parts,
            start: piece.start,
            end: piece.end,
        }
    }

    /// Nothing of the next message has arrived.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Takes the next piece. Returns the message if it is complete: either the piece itself, or all
    /// pieces together, which stay until [`Assembler::clear`].
    #[inline]
    pub fn push<'a>(&'a mut self, piece: Piece<'a>) -> Option<Message<'a>> {
        if piece.first && piece.last {
            return Some(Message {
                kind: piece.kind,
                bytes: piece.bytes,
            });
        }
        let inside = self.parts.len().min(self.end + piece.bytes.len()) - self.end;
        let (inside, beyond) = piece.bytes.split_at(inside);
        self.parts[self.end..self.end + inside.len()].copy_from_slice(inside);
        self.parts.extend_from_slice(beyond);
        self.end += piece.bytes.len();
        piece.last.then_some(Message {
            kind: piece.kind,
            bytes: &self.parts[self.start..self.end],
        })
    }

    /// Room after what has arrived, to read the next bytes of the payload into: at most `most`
    /// bytes. `left` bytes of the frame are still to come. Memory is allocated for at most four
    /// times what has arrived, so that it follows the bytes and not what a header announces, and
    /// for no more than the frame needs; while nothing has arrived, the room is empty.
    pub fn spare(&mut self, most: u64, left: u64) -> &mut [u8] {
        if self.growth(left) > 0 {
            let end = self.end + self.ahead(left);
            self.parts
                .reserve_exact(end.saturating_sub(self.parts.len()));
        }
        let free = self.parts.capacity() - self.end;
        let end = self.end + most.min(left).min(free as u64) as usize;
        if self.parts.len() < end {
            self.parts.resize(end, 0);
        }
        &mut self.parts[self.end..end]
    }

    /// Bytes of memory that [`Assembler::spare`] would allocate: 0 as long as what there is
    /// suffices for a read.
    pub fn growth(&self, left: u64) -> usize {
        let free = self.parts.capacity() - self.end;
        match free as u64 >= left.min(LEAST_READ) {
            true => 0,
            false => self.ahead(left).saturating_sub(free),
        }
    }

    /// How far memory may extend beyond what has arrived.
    fn ahead(&self, left: u64) -> usize {
        left.min((AHEAD * self.bytes().len()) as u64) as usize
    }

    /// Counts `bytes` that were read into [`Assembler::spare`] and received there.
    pub fn advance(&mut self, bytes: usize) {
        self.end = self.parts.len().min(self.end + bytes);
    }

    /// What has arrived so far.
    pub fn bytes(&self) -> &[u8] {
        &self.parts[self.start..self.end]
    }

    /// The message is no longer needed.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// The memory, for another assembler.
    pub fn into_memory(self) -> Vec<u8> {
        self.parts
    }

    /// Frees the memory, unless it is small or holds part of a message.
    pub fn shrink(&mut self) {
        if self.is_empty() && self.parts.capacity() > LITTLE {
            *self = Self::new();
        }
    }

    /// Bytes of memory held.
    pub fn capacity(&self) -> usize {
        self.parts.capacity()
    }
}
