//! One read of one peer, and what handles the bytes.
//!
//! Input: a peer that can be read. Output: its bytes, for `requests`, `frames` or `answers`;
//! replies, in one write. Invariant: bytes that cannot be handled yet wait in the tail of the peer,
//! which comes before the next read.

use crate::net::conn::peer::{Closing, Peer, Phase};
use crate::net::connections::Connections;
use crate::net::input::events::{NO_CLOSE, announce};
use crate::net::input::inflate::inflate_waiting;
use crate::net::input::{Reader, should_deliver};
use crate::net::output::Output;
use crate::net::service::Service;
use crate::net::sockets::{Received, is_transient};
use crate::net::words::Cause;
use crate::proto::Eof;
use std::io;
use std::ops::Range;

impl<S: Service> Reader<'_, S> {
    /// Reads once and handles the bytes.
    #[inline]
    pub(crate) fn read(&mut self, index: u32) {
        let rests = should_deliver(&self.connections.out, self.pressure);
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        if rests {
            return out.lists.push_ready(peer); // What was published is sent first.
        }
        if peer.rests(out.options.limits.queued_bytes) || peer.flags.dying {
            return; // When the pause ends, it is put on the ready list again.
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
        if let Some(cold) = &mut peer.cold
            && !cold.tail.is_empty()
        {
            start = cold.tail.len();
            self.buffer[..start].copy_from_slice(&cold.tail);
            cold.tail.clear();
        }
        if start == self.buffer.len() || peer.is_inflating() {
            out.lists.push_ready(peer);
            return self.handle(index, start);
        }
        out.metrics.reads.add(1);
        match out.sockets.read(index, &mut self.buffer[start..]) {
            Ok(Received::End) if start == 0 => self.end_of_stream(index),
            // What waits in the tail is handled first; the next read finds the end again.
            Ok(Received::End) => {
                self.handle(index, start);
                self.end_after_tail(index, start);
            }
            Ok(Received::Bytes { len, more }) => {
                out.metrics.bytes_in.add(len as u64);
                if more || peer.flags.hung_up {
                    out.lists.push_ready(peer);
                }
                self.handle(index, start + len);
            }
            #[cfg(feature = "tls")]
            Ok(Received::Progress { more }) => {
                progress(out, peer, more);
                self.handle_tail(index, start);
            }
            Err(error) if is_transient(&error) => self.handle_tail(index, start),
            Err(error) => self.lost(index, error),
        }
    }

    /// Handles what waited, if anything, although nothing has come.
    fn handle_tail(&mut self, index: u32, end: usize) {
        if end > 0 {
            self.handle(index, end);
        }
    }

    /// Handles the first `end` bytes of the buffer, then sends the replies.
    #[inline]
    fn handle(&mut self, index: u32, end: usize) {
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        out.cork(peer);
        out.compression.work = 0;
        let messages = out.metrics.messages.get();
        let inflating = peer.is_inflating();
        let mut at = match &mut peer.phase {
            Phase::Open(connection) => {
                connection.heard(out.now);
                0
            }
            #[cfg(feature = "client")]
            Phase::Dial(_) => self.answer(index, end),
            #[cfg(not(feature = "client"))]
            Phase::Dial(dialing) => match **dialing {},
            Phase::Http { .. } | Phase::Lingering { .. } => self.requests(index, end),
        };
        if inflating {
            inflate_waiting(self.connections, self.service, index);
        }
        at += self.frames(index, at, end);
        self.end_input(index, at, end, messages);
    }

    /// What could not be handled yet waits in the tail; the replies are sent.
    #[inline]
    pub(super) fn end_input(&mut self, index: u32, at: usize, end: usize, messages: u64) {
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        if at < end {
            let tail = &mut out.cold.of(peer).tail;
            tail.extend_from_slice(&self.buffer[at..end]);
        }
        let is_whole = out.metrics.messages.get() != messages;
        note_unfinished(out, peer, 0..at, at..end, is_whole);
        out.uncork(peer);
        out.cold.release(peer);
    }

    /// The peer sends no more, and `start` bytes of tail were handled: continue with the rest, or
    /// end.
    fn end_after_tail(&mut self, index: u32, start: usize) {
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        let left = peer.cold.as_ref().map_or(0, |cold| cold.tail.len());
        match left == start && !peer.rests(out.options.limits.queued_bytes) {
            true => self.end_of_stream(index),
            false => out.lists.push_ready(peer),
        }
    }

    /// The peer sends no more. What a client still has queued is lost.
    pub(super) fn end_of_stream(&mut self, index: u32) {
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        match &mut peer.phase {
            Phase::Open(connection) => {
                let clean = connection.receive_eof() == Eof::Clean;
                if clean {
                    peer.flags.closing = Closing::Clean;
                }
                peer.end_for(if clean { Cause::Closed } else { Cause::Lost });
            }
            Phase::Dial(dialing) => dialing.receive_eof(),
            Phase::Http { .. } | Phase::Lingering { .. } => {}
        }
        out.lists.remove_soon(peer);
    }

    /// The connection cannot be read any more.
    // req: 6455-4.1-15
    #[cold]
    pub(super) fn lost(&mut self, index: u32, error: io::Error) {
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        peer.end_for(Cause::Lost);
        if error.kind() != io::ErrorKind::InvalidData {
            return out.lists.remove_soon(peer);
        }
        log::debug!("{}: {error}", out.name(peer));
        out.metrics.tls_failed.add(1);
        if let Phase::Dial(dialing) = &mut peer.phase {
            dialing.insecure(error);
            return out.lists.remove_soon(peer);
        }
        // The alert that says why must not be overtaken by a reset.
        announce(self.connections, self.service, index, &NO_CLOSE);
        let Connections { peers, out, .. } = &mut *self.connections;
        if let Some(peer) = peers.at(index) {
            out.abandon(peer);
        }
    }

    /// Lingering close: reads and discards, so that a reset cannot overtake the last bytes sent.
    fn discard(&mut self, index: u32) {
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        out.metrics.reads.add(1);
        match out.sockets.read(index, self.buffer) {
            Ok(Received::End) => out.lists.remove_soon(peer),
            Ok(_) => out.lists.push_ready(peer),
            Err(error) if is_transient(&error) => {}
            Err(_) => out.lists.remove_soon(peer),
        }
    }
}

/// The layer below (TLS) has read something that gave no plaintext yet.
#[cfg(feature = "tls")]
pub(super) fn progress(out: &mut Output, peer: &mut Peer, more: bool) {
    if let Phase::Open(connection) = &mut peer.phase {
        connection.heard(out.now);
    }
    if more || peer.flags.hung_up {
        out.lists.push_ready(peer);
    }
    out.flush(peer); // What has waited for the handshake.
}

/// Notes since when a message or frame has been arriving, if one is:
/// [`Limits::message_ms`](crate::net::Limits::message_ms) counts from there. `is_whole` if the
/// consumed bytes completed a message; what is left may be part of a frame.
#[inline]
pub(super) fn note_unfinished(
    out: &mut Output,
    peer: &mut Peer,
    done: Range<usize>,
    left: Range<usize>,
    is_whole: bool,
) {
    let Phase::Open(connection) = &peer.phase else {
        return;
    };
    let in_message = connection.in_message() && !peer.has_chunks();
    let unfinished = in_message || !left.is_empty();
    let restarts = is_whole || !in_message && !done.is_empty();
    match &mut peer.cold {
        None if !unfinished => {}
        Some(cold) if !unfinished => cold.unfinished = None,
        Some(cold) if cold.unfinished.is_some() && !restarts => {}
        _ => {
            out.cold.of(peer).unfinished = Some(out.now);
            out.lists.touch(peer);
        }
    }
}
