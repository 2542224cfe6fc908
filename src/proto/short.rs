//! The fast path for by far the most common message, in both directions: a short one in one frame.
//!
//! Input: the input between two messages, or a message to send. Output: the message or its header,
//! or nothing; then the general path is taken. Invariant: it gives what `FrameHeader::parse` and
//! `Sequence::frame`, or [`Connection::begin`], would give, in a third of the instructions; tests
//! compare the two.

use crate::error::Violation;
use crate::proto::Role;
#[cfg(feature = "net")]
use crate::proto::assembler::Message;
#[cfg(feature = "net")]
use crate::proto::closing::State;
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

    /// The header of a message that a server may send now, whole, in one frame; nothing if it is
    /// not short.
    #[cfg(feature = "net")]
    #[inline]
    pub(crate) fn short_header(&self, message: Message<'_>) -> Option<[u8; 2]> {
        let len = message.bytes.len();
        let may = self.role == Role::Server && self.state == State::Open && !self.is_sending();
        let first = match message.kind {
            MessageKind::Text => 0x81,
            MessageKind::Binary => 0x82,
        };
        (may && len < 126).then_some([first, len as u8])
    }
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::wire::NoEntropy;

    fn new(role: Role) -> Connection {
        Connection::new(role, &Limits::DEFAULT, 0)
    }

    /// The header of `message` by both paths: the short one has none, or the same.
    fn both(connection: &mut Connection, message: Message<'_>) -> (Option<[u8; 2]>, bool) {
        let short = connection.short_header(message);
        let len = message.bytes.len() as u64;
        let begun = connection.begin(message.kind, len, true, &mut NoEntropy);
        let same = begun.is_ok_and(|(header, _)| short.is_some_and(|it| header.as_bytes() == it));
        (short, same)
    }

    #[test]
    fn a_short_header_is_that_of_begin() {
        let bytes = [0; 200];
        for kind in [MessageKind::Text, MessageKind::Binary] {
            for len in 0..bytes.len() {
                let bytes = &bytes[..len];
                let server = &mut new(Role::Server);
                let (short, same) = both(server, Message { kind, bytes });
                assert_eq!(
                    (short.is_some(), same),
                    (len < 126, len < 126),
                    "{len} bytes"
                );
            }
        }
    }

    #[test]
    fn there_is_no_short_header_for_a_client_inside_a_message_or_after_close() {
        let message = Message {
            kind: MessageKind::Text,
            bytes: b"short",
        };
        let client = new(Role::Client);
        assert_eq!(client.short_header(message), None, "it masks");
        let mut server = new(Role::Server);
        let first = server.begin(MessageKind::Text, 5, false, &mut NoEntropy);
        assert!(first.is_ok());
        assert_eq!(server.short_header(message), None, "a message is not over");
        let mut server = new(Role::Server);
        let closed = server.close(None, "", &mut Outbox::default());
        assert!(closed.is_ok());
        assert_eq!(
            server.short_header(message),
            None,
            "nothing follows a Close"
        );
    }
}
