//! Bytes of one peer → requests, frames and messages → the service.
//!
//! ```text
//!   small or first bytes:  socket ──▶ shared receive buffer ──▶ parsed and unmasked in place
//!   unfinished frame:      its head, under 131 bytes ──▶ tail, put in front of the next read
//!   large payload:         socket ──▶ straight behind what came of its message
//! ```
//!
//! Invariant: one read per call, so that a fast peer does not starve others; whatever a call
//! leaves unread or unhandled is remembered by the ready list or by a tail.

use crate::error::Violation;
use crate::net::compression::inflate;
use crate::net::context::Context;
use crate::net::core::Core;
use crate::net::output::is_transient;
use crate::net::peer::Phase;
use crate::net::service::{End, Service};
use crate::net::slots::PeerId;
use crate::proto::{Assembler, Ended, Event, Message, Piece};
use crate::wire::{CloseCode, Kind};
use std::ops::Range;

/// From here on, exchanging the receive buffer is cheaper than copying out of it, and the buffer
/// is at most four times what has come.
const ADOPT: usize = 64 * 1024;

/// Bytes of one direct read: they are unmasked while they are in the second-level cache.
const DIRECT_READ: u64 = 256 * 1024;

/// One peer's turn to be read.
pub(super) struct Reader<'l, S: Service> {
    pub(super) core: &'l mut Core,
    pub(super) service: &'l mut S,
    /// The shared receive buffer.
    pub(super) buffer: &'l mut Vec<u8>,
}

impl<S: Service> Reader<'_, S> {
    /// Reads once and handles what came.
    #[inline]
    pub(super) fn read(&mut self, index: u32) {
        let rests = self.core.should_deliver();
        let Some(peer) = self.core.peers.at(index) else {
            return;
        };
        if rests {
            return self.core.push_ready(index); // What was published goes first.
        }
        let bound = self.core.options.limits.queued_bytes;
        if peer.is_clogged(bound) || peer.flags.doomed {
            return; // Core::flush puts it on the ready list again.
        }
        if peer.flags.discard {
            return self.discard(index);
        }
        if let Phase::Open(connection) = &peer.phase
            && connection.payload_left() >= peer.direct_from()
        {
            return self.read_direct(index);
        }
        let mut start = 0;
        if let Some(rare) = &mut peer.rare
            && !rare.tail.is_empty()
        {
            start = rare.tail.len();
            self.buffer[..start].copy_from_slice(&rare.tail);
            rare.tail.clear();
        }
        let room = self.buffer.len() - start;
        if room == 0 {
            self.core.push_ready(index);
            return self.handle(index, start);
        }
        self.core.counters.reads += 1;
        let tap = self.core.taps.of(index);
        match peer.transport.read(&mut self.buffer[start..], tap) {
            Ok(0) if start == 0 => self.core.end_of_stream(index),
            // What waits in the tail comes first; the next read finds the end again.
            Ok(0) => {
                self.handle(index, start);
                self.core.end_after_tail(index, start);
            }
            Ok(n) => {
                if n == room || peer.flags.hung_up || self.core.options.strict_drain {
                    self.core.push_ready(index);
                }
                self.handle(index, start + n);
            }
            Err(error) if is_transient(&error) => {
                if start > 0 {
                    self.handle(index, start);
                }
            }
            Err(_) => self.core.doom(index),
        }
    }

    /// Handles the first `end` bytes of the buffer, then lets the replies go.
    #[inline]
    fn handle(&mut self, index: u32, end: usize) {
        let now = self.core.now;
        self.core.cork(index);
        self.core.compression.begin_turn();
        let messages = self.core.counters.messages;
        let mut at = 0;
        if let Some(peer) = self.core.peers.at(index) {
            match &mut peer.phase {
                Phase::Open(connection) => connection.heard(now),
                Phase::Dial(_) => at = self.answer(index, end),
                Phase::Http { .. } | Phase::Over { .. } => at = self.requests(index, end),
            }
        }
        at += self.frames(index, at, end);
        self.keep_tail(index, at, end);
        let is_whole = self.core.counters.messages != messages;
        self.core.note_unfinished(index, 0..at, at..end, is_whole);
        self.core.uncork(index);
        self.core.release(index);
    }

    /// Frames from `from` to `end` of the buffer; returns the bytes that are done with.
    fn frames(&mut self, index: u32, from: usize, end: usize) -> usize {
        let length = self.buffer.len();
        let bound = self.core.options.limits.queued_bytes;
        let mut at = from;
        while at < end {
            let rests = self.core.should_deliver();
            let Some(peer) = self.core.peers.at(index) else {
                break;
            };
            // What is left waits in the tail: until the socket takes more, or for the next turn.
            if rests {
                self.core.push_ready(index);
                break;
            }
            if peer.is_clogged(bound) || peer.flags.doomed {
                break;
            }
            let Phase::Open(connection) = &mut peer.phase else {
                break;
            };
            let received = connection.receive(&mut self.buffer[at..end], &mut self.core.outbox);
            at += received.consumed;
            let id = PeerId {
                index,
                generation: peer.generation,
            };
            match received.event {
                Some(Event::Piece(Piece {
                    kind,
                    bytes,
                    compressed: false,
                    first: true,
                    last: true,
                })) => {
                    whole(self.core, self.service, id, Message { kind, bytes });
                }
                Some(Event::Piece(piece)) if piece.compressed => {
                    inflate(self.core, self.service, id, piece);
                    if self.core.compression.is_exhausted() {
                        self.core.push_ready(index);
                        break;
                    }
                }
                Some(Event::Piece(piece)) => {
                    let (left, start) = (connection.payload_left(), at - piece.bytes.len());
                    match piece.first && adoptable(start..at, left, length) {
                        true => self.adopt(index, start..at),
                        false => assemble(self.core, self.service, id, piece),
                    }
                }
                Some(Event::Ping(_)) => self.core.transmit(index),
                Some(Event::Pong(_)) => {}
                Some(Event::Close(body)) => closed(self.core, self.service, id, body.code),
                Some(Event::Failed(violation)) => failed(self.core, self.service, id, violation),
                None => break,
            }
        }
        at - from
    }

    /// Reads payload of a large frame behind what came of its message.
    fn read_direct(&mut self, index: u32) {
        let mut assembler = self.core.take_assembler(index);
        let Some(peer) = self.core.peers.at(index) else {
            return;
        };
        let Phase::Open(connection) = &mut peer.phase else {
            return;
        };
        let spare = assembler.spare(connection.payload_left().min(DIRECT_READ));
        self.core.counters.reads += 1;
        match peer.transport.read(spare, self.core.taps.of(index)) {
            Ok(n @ 1..) => {
                let more = n == spare.len() || peer.flags.hung_up;
                connection.heard(self.core.now);
                let received = connection.receive(&mut spare[..n], &mut self.core.outbox);
                let outcome = match received.event {
                    Some(Event::Piece(Piece { kind, last, .. })) => Ok(last.then_some(kind)),
                    Some(Event::Failed(violation)) => Err(violation),
                    _ => Ok(None),
                };
                assembler.advance(n);
                if more || self.core.options.strict_drain {
                    self.core.push_ready(index);
                }
                self.direct(index, assembler, outcome);
            }
            Ok(_) => self.core.end_of_stream(index),
            Err(error) if is_transient(&error) => {
                self.core.put_assembler(index, assembler);
                self.core.release(index);
            }
            Err(_) => self.core.doom(index),
        }
    }

    /// The beginning of a message stays where it lies: the whole buffer becomes its memory, and
    /// the loop goes on with another one.
    fn adopt(&mut self, index: u32, piece: Range<usize>) {
        let fresh = self.core.buffers.take_filled(self.buffer.len());
        let buffer = std::mem::replace(self.buffer, fresh);
        self.core
            .put_assembler(index, Assembler::adopt(buffer, piece));
    }

    /// What a direct read came to: more to come, a whole message, or a violation.
    fn direct(
        &mut self,
        index: u32,
        assembler: Assembler,
        outcome: Result<Option<Kind>, Violation>,
    ) {
        let Some(id) = self.core.peers.id(index) else {
            return;
        };
        let is_whole = matches!(outcome, Ok(Some(_)));
        self.core.cork(index);
        match outcome {
            Ok(None) => self.core.put_assembler(index, assembler),
            Ok(Some(kind)) => {
                let bytes = assembler.bytes();
                whole(self.core, self.service, id, Message { kind, bytes });
                self.core.buffers.keep(assembler.into_memory());
            }
            Err(violation) => failed(self.core, self.service, id, violation),
        }
        self.core.note_unfinished(index, 0..0, 0..0, is_whole);
        self.core.uncork(index);
        self.core.release(index);
    }

    /// What could not be handled yet waits in the tail.
    fn keep_tail(&mut self, index: u32, at: usize, end: usize) {
        if at < end
            && let Some(rare) = self.core.rare(index)
        {
            rare.tail.extend_from_slice(&self.buffer[at..end]);
        }
    }

    /// The protocol is through: what still comes is only read so that TCP ends in peace.
    fn discard(&mut self, index: u32) {
        let Some(peer) = self.core.peers.at(index) else {
            return;
        };
        self.core.counters.reads += 1;
        match peer.transport.read(self.buffer, self.core.taps.of(index)) {
            Ok(0) => self.core.doom(index),
            Ok(_) => self.core.push_ready(index),
            Err(error) if is_transient(&error) => {}
            Err(_) => self.core.doom(index),
        }
    }
}

/// Whether a first piece is better taken over with its buffer than copied out of it: it is large,
/// and the rest of its frame fits behind it.
fn adoptable(piece: Range<usize>, left: u64, buffer: usize) -> bool {
    piece.len() >= ADOPT && left > 0 && left <= (buffer - piece.end) as u64
}

/// A message has arrived whole.
#[inline]
pub(super) fn whole<S: Service>(
    core: &mut Core,
    service: &mut S,
    id: PeerId,
    message: Message<'_>,
) {
    core.counters.messages += 1;
    service.message(&mut Context::new(core), id, message);
}

/// A part of a message that did not come in one piece.
fn assemble<S: Service>(core: &mut Core, service: &mut S, id: PeerId, piece: Piece<'_>) {
    let mut assembler = core.take_assembler(id.index);
    match assembler.push(piece) {
        None => core.put_assembler(id.index, assembler),
        Some(message) => {
            whole(core, service, id, message);
            core.buffers.keep(assembler.into_memory());
        }
    }
}

/// The peer has closed; the echo leaves with what was corked before it.
fn closed<S: Service>(core: &mut Core, service: &mut S, id: PeerId, code: Option<CloseCode>) {
    core.transmit(id.index);
    if let Some(peer) = core.peers.get_mut(id) {
        peer.close_code = code;
        peer.flags.clean = true;
    }
    announce(core, service, id.index);
}

/// The peer has broken a rule; the reason leaves behind the replies to what was good.
pub(super) fn failed<S: Service>(
    core: &mut Core,
    service: &mut S,
    id: PeerId,
    violation: Violation,
) {
    core.counters.violations += 1;
    log::debug!("{}: {violation}", core.name(id.index));
    core.transmit(id.index);
    announce(core, service, id.index);
}

/// Tells the service, once, that a connection is over.
pub(super) fn announce<S: Service>(core: &mut Core, service: &mut S, index: u32) {
    core.touch(index);
    let Some(peer) = core.peers.at(index).filter(|peer| peer.flags.open) else {
        return;
    };
    peer.flags.open = false;
    let end = End {
        clean: peer.flags.clean,
        code: peer.close_code,
    };
    let id = PeerId {
        index,
        generation: peer.generation,
    };
    service.closed(&mut Context::new(core), id, end);
}

impl Core {
    /// Enough has been published, here or to another loop: input rests until some has left.
    #[inline]
    pub(super) fn should_deliver(&self) -> bool {
        self.turn.is_full() || self.pressure.is_on()
    }

    /// Notes since when a message or frame has been arriving, if one is:
    /// [`Limits::message_ms`](crate::Limits::message_ms) counts from there. `is_whole` if a
    /// message was completed by the bytes that are done with; what is left may be part of a frame.
    #[inline]
    fn note_unfinished(
        &mut self,
        index: u32,
        done: Range<usize>,
        left: Range<usize>,
        is_whole: bool,
    ) {
        let now = self.now;
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        let Phase::Open(connection) = &peer.phase else {
            return;
        };
        let in_message = connection.in_message();
        let unfinished = in_message || !left.is_empty();
        let anew = is_whole || !in_message && !done.is_empty();
        match &mut peer.rare {
            None if !unfinished => {}
            Some(rare) if !unfinished => rare.unfinished = None,
            Some(rare) if rare.unfinished.is_some() && !anew => {}
            _ => {
                if let Some(rare) = self.rare(index) {
                    rare.unfinished = Some(now);
                }
                self.touch(index);
            }
        }
    }

    /// The peer sends no more, and `start` bytes of tail were handled: go on with them, or end.
    fn end_after_tail(&mut self, index: u32, start: usize) {
        let bound = self.options.limits.queued_bytes;
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        let left = peer.rare.as_ref().map_or(0, |rare| rare.tail.len());
        match left == start && !peer.is_clogged(bound) {
            true => self.end_of_stream(index),
            false => self.push_ready(index),
        }
    }

    /// The peer sends no more. What a client still has queued is lost.
    fn end_of_stream(&mut self, index: u32) {
        if let Some(peer) = self.peers.at(index) {
            match &mut peer.phase {
                Phase::Open(connection) => {
                    peer.flags.clean = connection.receive_eof() == Ended::Cleanly;
                }
                Phase::Dial(dialing) => dialing.receive_eof(),
                Phase::Http { .. } | Phase::Over { .. } => {}
            }
            self.doom(index);
        }
    }

    /// The parts of a message out of the side table, with reused memory if there are none.
    fn take_assembler(&mut self, index: u32) -> Assembler {
        let parts = self
            .rare(index)
            .map(|rare| std::mem::take(&mut rare.assembler));
        let parts = parts.unwrap_or_default();
        match parts.is_empty() {
            true => Assembler::with_memory(self.buffers.take()),
            false => parts,
        }
    }

    fn put_assembler(&mut self, index: u32, assembler: Assembler) {
        if let Some(rare) = self.rare(index) {
            rare.assembler = assembler;
        }
    }
}
