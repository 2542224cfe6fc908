//! The fast path for by far the most common input: a whole short message in one frame.
//!
//! Input: the input between two messages. Output: the message, or nothing; then the general path is
//! taken. Invariant: it finds what `FrameHeader::parse` and `Sequence::frame` would find, in a
//! third of the instructions; a test compares the two.

use crate::error::Violation;
use crate::proto::Role;
use crate::proto::connection::Connection;
use crate::proto::event::{Event, Piece, Received};
use crate::proto::outbox::Outbox;
use crate::wire::{Mask, MessageKind, Utf8Stream};
use core::ops::Range;

impl Connection {
    /// The kind of a short message, where its payload begins and where it ends.
    #[inline]
    pub(super) fn short_message(&self, input: &[u8]) -> Option<(MessageKind, usize, usize)> {
        let &[first, second, ..] = input else {
            return None;
        };
        let kind = match first {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        // What is left of a wrong mask bit makes the length too long.
        let (bit, head) = match self.role {
            Role::Server => (0x80, 6),
            Role::Client => (0, 2),
        };
        let length = second ^ bit;
        let end = head + length as usize;
        let between = self.left == 0 && !self.sequence.is_open();
        let short = between && length <= self.sequence.short() && end <= input.len();
        short.then_some((kind, head, end))
    }

    /// Lends the short message that [`Self::short_message`] found.
    #[inline]
    pub(super) fn whole<'b>(
        &mut self,
        kind: MessageKind,
        input: &'b mut [u8],
        payload: Range<usize>,
        outbox: &mut Outbox,
    ) -> Received<'b> {
        let Range { start, end } = payload;
        let (head, payload) = input[..end].split_at_mut(start);
        if let [_, _, key @ ..] = head
            && let Ok(key) = <[u8; 4]>::try_from(&*key)
        {
            Mask::apply_whole(key, payload);
        }
        if kind == MessageKind::Text && Utf8Stream::check(payload).is_err() {
            return self.failed(Violation::InvalidUtf8, input.len(), outbox);
        }
        let piece = Piece {
            kind,
            bytes: &input[start..end],
            compressed: false,
            first: true,
            last: true,
        };
        Received {
            consumed: end,
            event: Some(Event::Piece(piece)),
        }
    }
}
