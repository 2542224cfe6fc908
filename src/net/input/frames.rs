//! Frames of an open WebSocket → events → calls of the service.
//!
//! Invariant: the service is called between two events, never inside one; after each call the peer
//! is looked up again, as the service may have ended it.

use crate::net::conn::peer::{Peer, Phase};
use crate::net::connections::Connections;
use crate::net::input::direct::take_assembler;
use crate::net::input::events::{chunk, closed, failed, pong, whole};
use crate::net::input::inflate::inflate;
use crate::net::input::{Reader, should_deliver};
use crate::net::mailbox::Pressure;
use crate::net::output::Output;
use crate::net::service::Service;
use crate::net::words::PeerId;
use crate::proto::{Assembler, Event, Message, Piece};
use std::ops::Range;

/// From this size on, swapping the receive buffer is cheaper than copying out of it, and the buffer
/// is at most four times what has arrived.
const ADOPT: usize = 64 * 1024;

impl<S: Service> Reader<'_, S> {
    /// Frames from `from` to `end` of the buffer; returns how many bytes were consumed. The rest
    /// waits in the tail.
    pub(super) fn frames(&mut self, index: u32, from: usize, end: usize) -> usize {
        let mut at = from;
        loop {
            at = self.whole_messages(index, at, end);
            match self.event(index, at, end) {
                0 => return at - from,
                consumed => at += consumed,
            }
        }
    }

    /// Messages that are whole, from `at` to `end` of the buffer; returns where they end. Never
    /// inlined, so that what the loop needs stays in registers.
    #[inline(never)]
    fn whole_messages(&mut self, index: u32, mut at: usize, end: usize) -> usize {
        while at < end
            && let Some((peer, out)) = proceed(self.connections, self.pressure, index)
            && let Phase::Open(connection) = &peer.phase
            && !peer.has_chunks()
            && let input = &mut self.buffer[at..end]
            && let Some((kind, payload)) = connection.whole_message(input)
        {
            at += payload.end;
            let (id, bytes) = (peer.id(out.worker), &input[payload]);
            whole(self.connections, self.service, id, Message { kind, bytes });
        }
        at
    }

    /// One event of any kind at `at`; returns how many bytes were consumed, 0 if the rest has to
    /// wait.
    fn event(&mut self, index: u32, at: usize, end: usize) -> usize {
        let length = self.buffer.len();
        if at == end {
            return 0;
        }
        let Some((peer, out)) = proceed(self.connections, self.pressure, index) else {
            return 0;
        };
        let (id, in_chunks) = (peer.id(out.worker), peer.has_chunks());
        let Phase::Open(connection) = &mut peer.phase else {
            return 0;
        };
        let received = connection.receive(&mut self.buffer[at..end], &mut out.outbox);
        let consumed = received.consumed;
        match received.event {
            Some(Event::Piece(piece)) if piece.compressed => {
                inflate(self.connections, self.service, id, piece);
            }
            Some(Event::Piece(piece)) if in_chunks => {
                let left = peer.payload_left();
                chunk(self.connections, self.service, id, piece, Some(left));
            }
            Some(Event::Piece(piece)) if peer.is_long(&piece, length) => {
                long(self.connections, self.service, id, piece);
            }
            Some(Event::Piece(piece)) => {
                let (left, end) = (peer.payload_left(), at + consumed);
                let place = end - piece.bytes.len()..end;
                match piece.first && adoptable(place.clone(), left, length) {
                    true => self.adopt(index, place),
                    false => assemble(self.connections, self.service, id, piece),
                }
            }
            Some(Event::Ping(_)) => out.transmit(peer),
            Some(Event::Pong(bytes)) => pong(self.connections, self.service, id, bytes),
            Some(Event::Close(body)) => closed(self.connections, self.service, index, &body),
            Some(Event::Failed(fault)) => failed(self.connections, self.service, index, fault),
            None => {}
        }
        consumed
    }

    /// The beginning of a message stays where it is: the whole buffer becomes its memory, and the
    /// loop continues with another one.
    fn adopt(&mut self, index: u32, piece: Range<usize>) {
        let Connections { peers, out, .. } = &mut *self.connections;
        let fresh = out.buffers.take_filled(self.buffer.len());
        let buffer = std::mem::replace(self.buffer, fresh);
        if let Some(peer) = peers.at(index) {
            out.cold.of(peer).assembler = Assembler::adopt(buffer, piece);
        }
    }
}

/// The peer, if more of what it has sent may be handled now. Always inlined: it is most of what the
/// loop over whole messages does.
#[inline(always)]
fn proceed<'c>(
    connections: &'c mut Connections,
    pressure: &Pressure,
    index: u32,
) -> Option<(&'c mut Peer, &'c mut Output)> {
    let Connections { peers, out, .. } = connections;
    let peer = peers.at(index)?;
    if should_deliver(out, pressure) || out.compression.is_exhausted() {
        out.lists.push_ready(peer); // The others go first.
        return None;
    }
    let rests = peer.rests(out.options.limits.queued_bytes) || peer.is_inflating();
    (!rests && !peer.flags.dying).then_some((peer, out))
}

/// Whether a first piece is better taken over with its buffer than copied out of it: it is large,
/// and the rest of its frame fits after it.
fn adoptable(piece: Range<usize>, left: u64, buffer: usize) -> bool {
    piece.len() >= ADOPT && left > 0 && left <= (buffer - piece.end) as u64
}

/// A part of a message that did not arrive in one piece.
fn assemble<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    piece: Piece<'_>,
) {
    let Connections { peers, out, .. } = &mut *connections;
    let Some(peer) = peers.at(id.index) else {
        return;
    };
    let mut assembler = take_assembler(out, peer);
    match assembler.push(piece) {
        None => out.cold.of(peer).assembler = assembler,
        Some(message) => {
            whole(connections, service, id, message);
            connections.out.buffers.keep(assembler.into_memory());
        }
    }
}

/// A part of a long message, for a service that wants those in parts. What was assembled before it
/// was known to be long is delivered first.
fn long<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    mut piece: Piece<'_>,
) {
    let Connections { peers, out, .. } = &mut *connections;
    let Some(peer) = peers.at(id.index) else {
        return;
    };
    let left = peer.payload_left();
    peer.flags.long = true;
    if let Some(cold) = &mut peer.cold {
        cold.progress = out.now; // It may read only once it has sent everything.
    }
    let begun = peer
        .cold
        .as_mut()
        .map(|cold| std::mem::take(&mut cold.assembler));
    if let Some(begun) = begun.filter(|begun| !begun.is_empty()) {
        out.cold.charge(peer);
        let before = Piece {
            bytes: begun.bytes(),
            first: true,
            last: false,
            ..piece
        };
        chunk(connections, service, id, before, None);
        piece.first = false;
        connections.out.buffers.keep(begun.into_memory());
    }
    chunk(connections, service, id, piece, Some(left));
    if piece.last
        && let Some(peer) = connections.peers.get_mut(id)
    {
        peer.flags.long = false;
    }
}
