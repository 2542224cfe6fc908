//! The fast path for by far the most common message, in both directions: whole, in one frame.
//!
//! Input: the input between two messages, or a message to send. Output: the message or its header,
//! or nothing; then the general path is taken. Invariant: it gives what
//! [`Connection::receive_any`] or [`Connection::begin`] would give, in a third of the instructions;
//! tests compare the two.

use crate::proto::Role;
#[cfg(feature = "net")]
use crate::proto::assembler::Message;
#[cfg(feature = "net")]
use crate::proto::closing::State;
use crate::proto::connection::Connection;
#[cfg(feature = "net")]
use crate::wire::{FrameHeader, HeaderBytes};
use crate::wire::{Mask, MessageKind, Utf8Stream};
use core::ops::Range;

impl Connection {
    /// The kind of the message at the front of the input, and where its payload is, unmasked and
    /// checked; the message ends where that does. `None` if it is not whole and valid, in one frame
    /// of less than 64 KiB: then the input is as it was. Always inlined: the result would otherwise
    /// go through memory, which costs as much as the rest.
    #[inline(always)]
    pub(crate) fn whole_message(&self, input: &mut [u8]) -> Option<(MessageKind, Range<usize>)> {
        let &mut [first, second, ref rest @ ..] = input else {
            return None;
        };
        let kind = match first {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        let (bit, masking) = match self.role {
            Role::Server => (0x80, 4),
            Role::Client => (0, 0),
        };
        let (length, head) = match second ^ bit {
            length @ 0..126 => (u16::from(length), 2 + masking),
            126 => match u16::from_be_bytes(*rest.first_chunk()?) {
                0..126 => return None,
                length => (length, 4 + masking),
            },
            _ => return None, // Or what is left of a wrong mask bit.
        };
        let between = self.left == 0 && !self.sequence.is_open() && self.state.reads();
        if !between || u64::from(length) > self.sequence.longest() {
            return None;
        }
        let end = head + usize::from(length);
        let (head, payload) = input.get_mut(..end)?.split_at_mut(head);
        let key = match self.role {
            Role::Server => *head.last_chunk()?,
            Role::Client => [0; 4],
        };
        Mask::apply_whole(key, payload);
        if kind == MessageKind::Text && Utf8Stream::check(payload).is_err() {
            mask_again(key, payload);
            return None;
        }
        Some((kind, head.len()..end))
    }

    /// The header of a message that a server may send now, whole, in one frame.
    #[cfg(feature = "net")]
    #[inline]
    pub(crate) fn whole_header(&self, message: Message<'_>) -> Option<HeaderBytes> {
        let may = self.role == Role::Server && self.state == State::Open && !self.is_sending();
        let length = message.bytes.len() as u64;
        may.then(|| FrameHeader::data(Some(message.kind), length, true).emit())
    }
}

/// The payload as it was before it was unmasked.
#[cold]
fn mask_again(key: [u8; 4], payload: &mut [u8]) {
    Mask::apply_whole(key, payload);
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::proto::outbox::Outbox;
    use crate::wire::NoEntropy;

    fn new(role: Role) -> Connection {
        Connection::new(role, &Limits::DEFAULT, 0)
    }

    /// Both paths give the same header, or none.
    fn agree(connection: &mut Connection, message: Message<'_>) -> bool {
        let quick = connection.whole_header(message);
        let len = message.bytes.len() as u64;
        let begun = connection.begin(message.kind, len, true, &mut NoEntropy);
        match (quick, begun) {
            (Some(quick), Ok((header, None))) => quick.as_bytes() == header.as_bytes(),
            (None, Err(_)) => true,
            _ => false,
        }
    }

    #[test]
    fn the_header_of_a_whole_message_is_that_of_begin() {
        let bytes = [0; 70_000];
        for kind in [MessageKind::Text, MessageKind::Binary] {
            for len in (0..200).chain(65_500..65_600) {
                let bytes = &bytes[..len];
                let server = &mut new(Role::Server);
                assert!(server.whole_header(Message { kind, bytes }).is_some());
                assert!(agree(server, Message { kind, bytes }), "{len} bytes");
            }
        }
    }

    #[test]
    fn there_is_no_such_header_for_a_client_inside_a_message_or_after_close() {
        let message = Message {
            kind: MessageKind::Text,
            bytes: b"short",
        };
        let client = new(Role::Client);
        assert!(client.whole_header(message).is_none(), "it masks");
        let mut server = new(Role::Server);
        let first = server.begin(MessageKind::Text, 5, false, &mut NoEntropy);
        assert!(first.is_ok());
        assert!(
            server.whole_header(message).is_none(),
            "a message is not over"
        );
        let mut server = new(Role::Server);
        let closed = server.close(None, "", &mut Outbox::default());
        assert!(closed.is_ok());
        assert!(
            server.whole_header(message).is_none(),
            "nothing follows a Close"
        );
        assert!(agree(&mut server, message));
    }
}
