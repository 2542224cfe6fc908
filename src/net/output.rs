//! The writes: what leaves, what the socket refuses, and what follows when everything has left.
//!
//! Comes in: a chain, a cork, a queue. Goes out: one system call for each where that is possible.
//! Invariant: what the socket refuses is queued in the same order, and a queue is only added to
//! until the socket is writable again.

use crate::net::context::Sent;
use crate::net::core::Core;
use crate::net::frame::SharedFrame;
use crate::net::peer::{Peer, Phase};
use crate::net::turn::{Chain, Turn};
use crate::tap::Tapped;
use std::io::{self, IoSlice};

/// Slices of one vectored write at the end of a turn.
const MAX_SLICES: usize = 32;

impl Core {
    pub(super) fn write_chain(&mut self, index: u32) {
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        let chain = std::mem::take(&mut peer.chain);
        if chain.is_empty() {
            return;
        }
        let turn = std::mem::take(&mut self.turn);
        self.write_frames(index, &turn, chain);
        // Peers that were touched meanwhile stand in the list that took its place.
        let meanwhile = std::mem::replace(&mut self.turn, turn);
        self.turn.touched.extend(meanwhile.touched);
    }

    /// One vectored write for up to [`MAX_SLICES`] frames; what is refused is queued.
    fn write_frames(&mut self, index: u32, turn: &Turn, chain: Chain) {
        let mut frames = turn.frames(chain);
        loop {
            let mut batch = frames.clone().take(MAX_SLICES);
            let (Some((first, _)), Some(peer)) = (batch.next(), self.peers.at(index)) else {
                return;
            };
            if peer.queued() > 0 {
                return self.enqueue_all(index, frames);
            }
            let mut slices = [IoSlice::new(first.as_bytes()); MAX_SLICES];
            let (mut count, mut total) = (1, first.as_bytes().len());
            for (slice, (frame, _)) in slices[1..].iter_mut().zip(batch) {
                *slice = IoSlice::new(frame.as_bytes());
                count += 1;
                total += frame.as_bytes().len();
            }
            self.counters.writes += 1;
            let tap = self.taps.of(index);
            match written(peer.transport.write_vectored(&slices[..count], tap)) {
                Ok(n) if n == total => drop(frames.by_ref().take(count).count()),
                Ok(n) => return self.queue_rest(index, frames, n),
                Err(_) => return self.doom(index),
            }
        }
    }

    /// `sent` bytes of these frames have left: the rest waits.
    fn queue_rest<'t>(
        &mut self,
        index: u32,
        mut frames: impl Iterator<Item = (&'t SharedFrame, u32)>,
        mut sent: usize,
    ) {
        self.block(index);
        let memory = self.memory.clone();
        let rest = frames.find(|(frame, _)| {
            let len = frame.as_bytes().len();
            let left = sent < len;
            sent -= if left { 0 } else { len };
            left
        });
        if let (Some((frame, key)), Some(rare)) = (rest, self.rare(index)) {
            rare.queue.push_rest(frame.clone(), key, sent, &memory);
        }
        self.enqueue_all(index, frames);
    }

    /// Queues frames in their order, up to the one that ends the connection.
    fn enqueue_all<'t>(
        &mut self,
        index: u32,
        mut frames: impl Iterator<Item = (&'t SharedFrame, u32)>,
    ) {
        frames.all(|(frame, key)| self.enqueue(index, frame.clone(), key) != Sent::Closed);
    }

    /// Cork, header and payload in one write.
    pub(super) fn flush_cork(&mut self, index: u32, header: &[u8], payload: &[u8]) {
        if self.cork.is_empty() && header.is_empty() && payload.is_empty() {
            return;
        }
        let mut cork = self.cork.take();
        self.write_now(index, &[cork.bytes(), header, payload]);
        cork.clear();
        self.cork = cork;
    }

    /// Writes, and queues what the socket refuses; behind a queue, everything is queued.
    pub(super) fn write_now(&mut self, index: u32, parts: &[&[u8]]) {
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        let mut sent = 0;
        let waits = peer.queued() > 0;
        if !waits {
            self.counters.writes += 1;
            match write_parts(peer, parts, self.taps.of(index)) {
                Ok(n) => sent = n,
                Err(_) => return self.doom(index),
            }
        }
        let total: usize = parts.iter().map(|part| part.len()).sum();
        if sent == total {
            return;
        }
        let begun = sent > 0;
        if !waits {
            self.block(index);
        }
        let Some(rare) = self.rare(index) else {
            return;
        };
        for part in parts {
            let skip = sent.min(part.len());
            sent -= skip;
            rare.queue
                .push_own(&part[skip..], begun && rare.queue.is_empty());
        }
        self.charge(index);
    }

    /// The socket is writable: goes on with what it had refused.
    pub(super) fn flush(&mut self, index: u32) {
        let (now, bound) = (self.now, self.options.limits.queued_bytes);
        while let Some(peer) = self.peers.at(index) {
            let Some(rare) = peer.rare.as_mut().filter(|rare| !rare.queue.is_empty()) else {
                return;
            };
            self.counters.writes += 1;
            let before = rare.queue.bytes();
            let tap = self.taps.of(index);
            match rare.queue.write_to(&mut peer.transport, tap) {
                Ok(done) => {
                    rare.progress = now;
                    // Its input rests meanwhile: what is missing is not late.
                    rare.unfinished = rare.unfinished.and(Some(now));
                    let more = rare.queue.bytes() < before;
                    debug_assert!(done || more);
                    peer.wrote(now);
                    if done {
                        self.drained.push(index);
                        self.push_ready(index);
                        self.charge(index);
                        return self.after_write(index);
                    }
                    if !peer.is_clogged(bound) {
                        self.push_ready(index);
                    }
                }
                Err(error) if is_transient(&error) => return self.charge(index),
                Err(_) => return self.doom(index),
            }
        }
    }

    /// The socket has refused bytes: the stall deadline begins.
    fn block(&mut self, index: u32) {
        let now = self.now;
        if let Some(rare) = self.rare(index) {
            rare.progress = now;
        }
        self.touch(index);
    }

    /// Shuts our side down if the protocol is through and everything has left
    /// (RFC 6455 section 7.1.1).
    // req: 6455-5.5.1-10 6455-5.5.1-11 6455-7.1.7-03 6455-7.2.2-01
    pub(super) fn after_write(&mut self, index: u32) {
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        let through = match &peer.phase {
            Phase::Http { .. } | Phase::Dial(_) => false,
            Phase::Open(connection) => connection.wants_shutdown(),
            Phase::Over { .. } => true,
        };
        if through && !peer.flags.shut && peer.queued() == 0 {
            peer.flags.shut = true;
            peer.flags.discard = true;
            peer.transport.shutdown_write();
            self.touch(index);
        }
    }
}

fn write_parts(peer: &mut Peer, parts: &[&[u8]], tap: Option<&Tapped>) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); 3];
    let mut count = 0;
    for part in parts.iter().filter(|part| !part.is_empty()) {
        slices[count] = IoSlice::new(part);
        count += 1;
    }
    if count == 0 {
        return Ok(0);
    }
    written(peer.transport.write_vectored(&slices[..count], tap))
}

/// "Not now" is zero bytes and not an error.
fn written(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if is_transient(&error) => Ok(0),
        other => other,
    }
}

pub(super) fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
