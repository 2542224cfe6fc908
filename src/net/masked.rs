//! Frames to servers: each is masked with a key of its own (RFC 6455 section 5.3).
//!
//! Comes in: a header with its key, or a frame that was encoded once for many. Goes out: bytes for
//! one receiver, into cork or chain as all others. Invariant: nothing that is masked is shared.

use crate::net::context::Sent;
use crate::net::core::Core;
use crate::net::cork::LARGE;
use crate::net::frame::SharedFrame;
use crate::net::slots::PeerId;
use crate::wire::Mask;

impl Core {
    /// One frame, masked while it is copied: a small one straight to where it leaves from.
    #[inline]
    pub(super) fn send_masked(
        &mut self,
        index: u32,
        header: &[u8],
        mut mask: Mask,
        payload: &[u8],
        key: u32,
    ) -> Sent {
        if payload.len() < LARGE && self.is_corked(index) {
            if self.cork.push_masked(header, &mut mask, payload) {
                self.flush_cork(index, &[], &[]);
            }
            return Sent::Taken;
        }
        let mut frame = self.buffers.take();
        let len = header.len() + payload.len();
        if frame.len() < len {
            frame.resize(len, 0);
        }
        frame[..header.len()].copy_from_slice(header);
        mask.copy(payload, &mut frame[header.len()..len]);
        let sent = match self.is_corked(index) {
            true => {
                self.append(index, &frame[..len]);
                Sent::Taken
            }
            false => self.dispatch(index, &SharedFrame::raw(&frame[..len]), key),
        };
        self.buffers.keep(frame);
        sent
    }

    /// A frame for many, to a server: it has to be masked for it alone.
    pub(super) fn send_frame_masked(&mut self, id: PeerId, frame: &SharedFrame, key: u32) -> Sent {
        let (message, compressible) = frame.message();
        match compressible {
            true => self.send_keyed(id, message, key),
            false => self.send_plain(id, message, key),
        }
    }
}
