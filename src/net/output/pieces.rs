//! A message that is sent in pieces, one frame each (RFC 6455 section 5.4).
//!
//! Control frames may go between the pieces, other messages may not. Invariant: no policy drops a
//! piece, because that would change the message; so a peer for which too much waits is
//! disconnected.

use crate::net::conn::peer::{Peer, Phase};
use crate::net::entropy::Source;
use crate::net::output::Output;
use crate::net::words::Sent;
use crate::wire::MessageKind;

impl Output {
    /// See [`Context::send_piece`](crate::net::Context::send_piece).
    pub(crate) fn send_piece(
        &mut self,
        peer: &mut Peer,
        kind: MessageKind,
        bytes: &[u8],
        last: bool,
    ) -> Sent {
        let Phase::Open(connection) = &mut peer.phase else {
            return Sent::Closed;
        };
        let len = bytes.len() as u64;
        let (header, mask) = match connection.begin(kind, len, last, &mut Source::default()) {
            Ok(begun) => begun,
            Err(crate::error::Misuse::MessageOpen) => return Sent::Busy,
            Err(_) => return Sent::Closed,
        };
        peer.flags.wants_writable = true;
        self.write_run(peer);
        if !peer.is_open() {
            return Sent::Closed; // What was sent before has overflowed.
        }
        if !peer.has_room_for(bytes.len(), self.options.limits.queued_bytes) {
            self.overflow(peer);
            return Sent::Closed;
        }
        self.lists.touch(peer);
        if mask.is_none() && self.is_corked(peer) {
            return self.cork_frame(peer, &header, bytes);
        }
        self.batch
            .note_sent(&mut peer.pending, header.len() + bytes.len());
        match mask {
            None => self.write_now(peer, &[&header, bytes]),
            Some(mut mask) => {
                let mut frame = self.buffers.take();
                frame.clear();
                frame.extend_from_slice(&header);
                frame.resize(header.len() + bytes.len(), 0);
                mask.copy(bytes, &mut frame[header.len()..]);
                self.put(peer, &frame);
                self.buffers.keep(frame);
            }
        }
        self.taken(peer)
    }
}
