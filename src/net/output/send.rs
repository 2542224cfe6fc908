//! Messages and frames to one peer: corked if its input is being handled, otherwise in its run of
//! frames for this turn.
//!
//! Invariant: nothing that is masked is shared (RFC 6455 section 5.3), and the return value of a
//! call concerns exactly that message.

use crate::net::conn::peer::{Peer, Phase};
use crate::net::conn::send_queue::Pushed;
use crate::net::entropy::Source;
use crate::net::frame::SharedFrame;
use crate::net::output::Output;
use crate::net::output::cork::LARGE;
use crate::net::words::{Cause, Sent};
use crate::proto::{Message, Role, State};
use crate::wire::{CloseCode, HeaderBytes, Mask};

impl Output {
    /// Sends a message: see [`Context::send`](crate::net::Context::send).
    #[inline]
    pub(crate) fn send(&mut self, peer: &mut Peer, message: Message<'_>, key: u32) -> Sent {
        if peer.terms.is_some()
            && !peer.is_busy()
            && let Some(sent) = self.send_compressed(peer, message, key)
        {
            return sent;
        }
        self.send_plain(peer, message, key)
    }

    /// Sends a message uncompressed: see
    /// [`Context::send_uncompressed`](crate::net::Context::send_uncompressed).
    #[inline]
    pub(crate) fn send_plain(&mut self, peer: &mut Peer, message: Message<'_>, key: u32) -> Sent {
        if let Phase::Open(connection) = &peer.phase
            && message.bytes.len() < LARGE
            && self.is_corked(peer)
            && let Some(header) = connection.whole_header(message)
        {
            let is_full = self.cork.push_frame(&header, message.bytes);
            return self.corked(peer, header.len() + message.bytes.len(), is_full);
        }
        self.send_any(peer, message, key)
    }

    /// Any message to any peer.
    fn send_any(&mut self, peer: &mut Peer, message: Message<'_>, key: u32) -> Sent {
        if peer.is_busy() {
            return Sent::Busy;
        }
        let Phase::Open(connection) = &mut peer.phase else {
            return Sent::Closed;
        };
        let len = message.bytes.len();
        let begun = connection.begin(message.kind, len as u64, true, &mut Source::default());
        let Ok((header, mask)) = begun else {
            return Sent::Closed;
        };
        if let Some(mask) = mask {
            return self.send_masked(peer, &header, mask, message.bytes, key);
        }
        if !self.is_corked(peer) {
            return self.dispatch(peer, &SharedFrame::uncompressed(message), key);
        }
        self.cork_frame(peer, &header, message.bytes)
    }

    /// A whole frame for the peer whose output is corked; a large one is written at once.
    #[inline]
    pub(super) fn cork_frame(
        &mut self,
        peer: &mut Peer,
        header: &HeaderBytes,
        payload: &[u8],
    ) -> Sent {
        let len = header.len() + payload.len();
        if payload.len() >= LARGE {
            self.cork.sent += len;
            self.flush_cork(peer, header, payload);
            return self.taken(peer);
        }
        let is_full = self.cork.push_frame(header, payload);
        self.corked(peer, len, is_full)
    }

    /// The cork, of a peer that has no queue, was given this many bytes of a message.
    #[inline]
    fn corked(&mut self, peer: &mut Peer, len: usize, is_full: bool) -> Sent {
        self.cork.sent += len;
        if is_full {
            self.flush_cork(peer, &[], &[]);
            return self.taken(peer);
        }
        Sent::Taken {
            waiting: self.cork.sent + self.batch.sent(peer.pending),
        }
    }

    /// Sends an encoded frame: see [`Context::send_frame`](crate::net::Context::send_frame).
    #[inline]
    pub(crate) fn send_frame(&mut self, peer: &mut Peer, frame: &SharedFrame, key: u32) -> Sent {
        let role = match &peer.phase {
            Phase::Open(connection) if connection.state() == State::Open => connection.role(),
            _ => return Sent::Closed,
        };
        if peer.is_busy() {
            return Sent::Busy;
        }
        if role == Role::Client {
            return self.send_frame_masked(peer, frame, key);
        }
        match peer.terms {
            None => self.send_bytes(peer, frame, key),
            Some(params) => {
                let form = self.form(peer, params, frame);
                self.send_bytes(peer, &form, key)
            }
        }
    }

    /// Sends messages that are never dropped: see
    /// [`Context::send_kept`](crate::net::Context::send_kept).
    pub(crate) fn send_kept(&mut self, peer: &mut Peer, messages: &[Message<'_>]) -> Sent {
        match &peer.phase {
            Phase::Open(it) if it.role() == Role::Client => {
                let sent = messages.iter().map(|message| self.send(peer, *message, 0));
                return sent.last().unwrap_or(Sent::Closed);
            }
            Phase::Open(_) if peer.can_take() => {}
            _ => return Sent::Closed,
        }
        if peer.is_busy() {
            return Sent::Busy;
        }
        let frames = messages.iter().map(|message| {
            let frame = SharedFrame::new(*message);
            match peer.terms {
                None => frame,
                Some(params) => self.form(peer, params, &frame),
            }
        });
        let frames: Vec<_> = frames.collect();
        let parts: Vec<_> = frames.iter().map(SharedFrame::as_bytes).collect();
        self.put_all(peer, &parts);
        self.taken_if_open(peer)
    }

    /// A frame or another unit that must not be split, in the form that this peer reads.
    #[inline]
    pub(super) fn send_bytes(&mut self, peer: &mut Peer, frame: &SharedFrame, key: u32) -> Sent {
        if self.is_corked(peer) {
            self.cork.sent += frame.as_bytes().len();
            self.append(peer, frame.as_bytes());
            return self.taken(peer);
        }
        self.dispatch(peer, frame, key)
    }

    /// One frame, masked while it is copied: a small one directly into the buffer it is written
    /// from.
    #[inline]
    pub(super) fn send_masked(
        &mut self,
        peer: &mut Peer,
        header: &[u8],
        mut mask: Mask,
        payload: &[u8],
        key: u32,
    ) -> Sent {
        let len = header.len() + payload.len();
        if payload.len() < LARGE && self.is_corked(peer) {
            let is_full = self.cork.push_masked(header, &mut mask, payload);
            return self.corked(peer, len, is_full);
        }
        let mut frame = self.buffers.take();
        if frame.len() < len {
            frame.resize(len, 0);
        }
        frame[..header.len()].copy_from_slice(header);
        mask.copy(payload, &mut frame[header.len()..len]);
        let sent = match self.is_corked(peer) {
            true => {
                self.cork.sent += len;
                self.append(peer, &frame[..len]);
                self.taken(peer)
            }
            false => self.dispatch(peer, &SharedFrame::raw(&frame[..len]), key),
        };
        self.buffers.keep(frame);
        sent
    }

    /// A shared frame to a server: it has to be masked separately.
    fn send_frame_masked(&mut self, peer: &mut Peer, frame: &SharedFrame, key: u32) -> Sent {
        let (message, compressible) = frame.message();
        match compressible {
            true => self.send(peer, message, key),
            false => self.send_plain(peer, message, key),
        }
    }

    /// To a peer whose input is not being handled.
    #[inline]
    pub(super) fn dispatch(&mut self, peer: &mut Peer, frame: &SharedFrame, key: u32) -> Sent {
        let len = frame.as_bytes().len();
        if peer.queued() > 0 {
            return self.enqueue(peer, frame.clone(), key);
        }
        let waiting = self.batch.bytes(peer.pending);
        if waiting > 0 && waiting + len > self.options.limits.queued_bytes {
            return self.dispatch_after_run(peer, frame, key);
        }
        self.batch.link(&mut peer.pending, frame, key);
        self.lists.touch(peer);
        self.taken(peer)
    }

    /// This turn has published to the peer as much as may wait for it: that is written first, so
    /// that the sender learns at once what happens to more.
    #[cold]
    fn dispatch_after_run(&mut self, peer: &mut Peer, frame: &SharedFrame, key: u32) -> Sent {
        self.write_run(peer);
        match peer.can_take() {
            true => self.dispatch(peer, frame, key),
            false => Sent::Closed,
        }
    }

    /// After what the socket has refused, within the bound. After [`Sent::Closed`] nothing more may
    /// be queued: a Close waits, and it is the last.
    pub(super) fn enqueue(&mut self, peer: &mut Peer, frame: SharedFrame, key: u32) -> Sent {
        let policy = (self.options.limits.queued_bytes, peer.overflow);
        let memory = self.cold.memory.clone();
        let pushed = self
            .cold
            .of(peer)
            .queue
            .push_frame(frame, key, policy, &memory);
        self.cold.charge(peer);
        match pushed {
            Pushed::Queued { dropped: 0 } => self.taken(peer),
            Pushed::Queued { dropped } => {
                self.metrics.dropped.add(dropped as u64);
                Sent::Overflow
            }
            Pushed::Overflow => {
                self.overflow(peer);
                Sent::Closed
            }
        }
    }

    /// The peer is too slow: what has not begun to leave is dropped, and its Close says why.
    pub(super) fn overflow(&mut self, peer: &mut Peer) {
        self.cold.of(peer).queue.drop_unsent();
        if !peer.can_take() {
            return;
        }
        self.metrics.overflowed.add(1);
        peer.end_for(Cause::Overflow);
        log::info!("{} reads too slowly: ending it", self.name(peer));
        match &peer.phase {
            Phase::Open(_) => {
                let text = "reading too slowly";
                self.close(peer, CloseCode::TRY_AGAIN_LATER, text, Cause::Overflow);
                self.lists.closing.push(peer.index);
            }
            // A body that ends without its last chunk is recognisably truncated (RFC 9112 section
            // 8).
            _ => self.lists.remove_soon(peer),
        }
    }

    #[inline]
    pub(crate) fn taken(&self, peer: &Peer) -> Sent {
        let corked = match self.cork.peer == Some(peer.index) {
            true => self.cork.sent,
            false => 0,
        };
        let sent = corked + self.batch.sent(peer.pending);
        Sent::Taken {
            waiting: peer.queued().max(sent),
        }
    }

    /// The same, unless what was sent before has overflowed meanwhile.
    pub(crate) fn taken_if_open(&self, peer: &Peer) -> Sent {
        match peer.is_open() {
            true => self.taken(peer),
            false => Sent::Closed,
        }
    }

    /// See [`Context::queued_bytes`](crate::net::Context::queued_bytes).
    pub(crate) fn waiting(&self, peer: &Peer) -> usize {
        let corked = match self.cork.peer == Some(peer.index) {
            true => self.cork.bytes().len(),
            false => 0,
        };
        peer.queued() + self.batch.bytes(peer.pending) + corked
    }

    /// A peer as logs name it.
    pub(crate) fn name(&self, peer: &Peer) -> String {
        match self.address(peer.index) {
            Some(address) => format!("peer {} ({address})", peer.index),
            None => format!("peer {}", peer.index),
        }
    }
}
