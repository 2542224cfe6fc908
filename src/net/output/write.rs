//! The writes: what is sent, what the socket refuses, and what follows when everything has left.
//!
//! Input: a run of frames, a cork, a queue. Output: one system call for each where possible.
//! Invariant: what the socket refuses is queued in the same order, and a queue is only added to
//! until the socket is writable again.

use crate::net::conn::batch::PendingIndex;
use crate::net::conn::peer::{Peer, Phase};
use crate::net::frame::SharedFrame;
use crate::net::metrics::Metrics;
use crate::net::output::Output;
use crate::net::output::cork::LARGE;
use crate::net::sockets::{Sockets, is_transient};
use crate::net::words::Sent;
use std::io::{self, IoSlice};
use std::mem;

/// Slices of one vectored write at the end of a turn.
const MAX_SLICES: usize = 32;

/// Slices of one write of anything else.
const MAX_PARTS: usize = 3;

impl Output {
    /// Everything sent to `peer` from now on waits for [`Output::uncork`].
    pub(crate) fn cork(&mut self, peer: &mut Peer) {
        debug_assert!(self.cork.is_empty());
        self.cork.peer = (self.batch.bytes(peer.pending) == 0).then_some(peer.index);
        self.cork.sent = 0;
    }

    /// Writes what was corked, in one call.
    pub(crate) fn uncork(&mut self, peer: &mut Peer) {
        self.flush_cork(peer, &[], &[]);
        self.cork.peer = None;
        self.after_write(peer);
    }

    /// The step of this peer may have been interrupted: what it had produced is sent, whole frames
    /// only.
    pub(crate) fn uncork_after_panic(&mut self, peer: &mut Peer) {
        if self.cork.peer == Some(peer.index) {
            self.uncork(peer);
        }
    }

    /// Output for this peer goes into the cork.
    #[inline]
    pub(super) fn is_corked(&self, peer: &Peer) -> bool {
        self.cork.peer == Some(peer.index) && peer.queued() == 0
    }

    /// Into the cork; or, if there are many bytes, written at once together with what was corked.
    pub(super) fn append(&mut self, peer: &mut Peer, bytes: &[u8]) {
        if bytes.len() >= LARGE {
            return self.flush_cork(peer, &[], bytes);
        }
        if self.cork.push(bytes) {
            self.flush_cork(peer, &[], &[]);
        }
    }

    /// Bytes of a response or of control frames to a peer that is corked or not.
    pub(crate) fn put(&mut self, peer: &mut Peer, bytes: &[u8]) {
        self.put_all(peer, &[bytes]);
    }

    /// Several of them, in one write if they are few; none if what was sent before has overflowed,
    /// as a Close is the last.
    pub(crate) fn put_all(&mut self, peer: &mut Peer, parts: &[&[u8]]) {
        if self.cork.peer == Some(peer.index) {
            return parts.iter().for_each(|part| self.append(peer, part));
        }
        let could_take = peer.can_take();
        self.write_run(peer);
        if could_take && !peer.can_take() {
            return;
        }
        for parts in parts.chunks(MAX_PARTS) {
            self.write_now(peer, parts);
        }
    }

    /// Cork, header and payload in one write.
    pub(super) fn flush_cork(&mut self, peer: &mut Peer, header: &[u8], payload: &[u8]) {
        let rest = header.len() + payload.len();
        if self.cork.is_empty() && rest == 0 {
            return;
        }
        let (sockets, metrics) = (&mut *self.sockets, &*self.metrics);
        let written = match rest {
            0 => write_one(sockets, metrics, peer, self.cork.bytes()),
            _ => {
                let parts = &[self.cork.bytes(), header, payload];
                write_parts(sockets, metrics, peer, parts)
            }
        };
        match written {
            // Nearly always: the cork has left, and stays where it is.
            Ok(sent) if sent == self.cork.bytes().len() + rest => peer.flags.switching = false,
            Ok(sent) => {
                let cork = self.cork.take();
                self.queue_unsent(peer, &[cork.bytes(), header, payload], sent);
                self.cork = cork;
            }
            Err(_) => self.lists.remove_soon(peer),
        }
        self.cork.clear();
    }

    /// Writes, and queues what the socket refuses; after a queue, everything is queued.
    pub(super) fn write_now(&mut self, peer: &mut Peer, parts: &[&[u8]]) {
        match write_parts(&mut *self.sockets, &self.metrics, peer, parts) {
            Ok(sent) => self.queue_unsent(peer, parts, sent),
            Err(_) => self.lists.remove_soon(peer),
        }
    }

    /// Queues what follows the first `sent` bytes.
    fn queue_unsent(&mut self, peer: &mut Peer, parts: &[&[u8]], mut sent: usize) {
        let switching = mem::take(&mut peer.flags.switching);
        let total: usize = parts.iter().map(|part| part.len()).sum();
        if sent == total {
            return;
        }
        let begun = sent > 0;
        if peer.queued() == 0 {
            self.block(peer);
        }
        let queue = &mut self.cold.of(peer).queue;
        for part in parts {
            let skip = sent.min(part.len());
            sent -= skip;
            queue.push_own(&part[skip..], begun && queue.is_empty());
        }
        if switching {
            queue.keep();
        }
        self.cold.charge(peer);
    }

    /// The frames of this turn leave.
    pub(crate) fn write_run(&mut self, peer: &mut Peer) {
        let run = self.batch.take_run(peer.pending);
        if run.is_empty() {
            return;
        }
        let mut sent = None;
        if let Some(bytes) = self.batch.block(run).filter(|_| peer.queued() == 0) {
            match write_one(&mut *self.sockets, &self.metrics, peer, bytes) {
                Ok(n) if n == bytes.len() => return,
                Ok(n) => sent = Some(n),
                Err(_) => return self.lists.remove_soon(peer),
            }
        }
        let mut batch = mem::take(&mut self.batch);
        match sent {
            Some(sent) => self.queue_rest(peer, batch.frames(run), sent),
            None => self.write_frames(peer, batch.frames(run)),
        }
        self.batch = batch;
    }

    /// One vectored write for up to [`MAX_SLICES`] frames; what is refused is queued.
    fn write_frames<'t>(
        &mut self,
        peer: &mut Peer,
        mut frames: impl Iterator<Item = (&'t SharedFrame, u32)> + Clone,
    ) {
        loop {
            let mut some = frames.clone().take(MAX_SLICES);
            let Some((first, _)) = some.next() else {
                return;
            };
            if peer.queued() > 0 {
                return self.enqueue_all(peer, frames);
            }
            let mut slices = [IoSlice::new(first.as_bytes()); MAX_SLICES];
            let (mut count, mut total) = (1, first.as_bytes().len());
            for (slice, (frame, _)) in slices[1..].iter_mut().zip(some) {
                *slice = IoSlice::new(frame.as_bytes());
                count += 1;
                total += frame.as_bytes().len();
            }
            let slices = &slices[..count];
            match write_slices(&mut *self.sockets, &self.metrics, peer.index, slices) {
                Ok(n) if n < total => return self.queue_rest(peer, frames, n),
                Ok(_) => {}
                Err(_) => return self.lists.remove_soon(peer),
            }
            let _ = frames.by_ref().take(count).count();
        }
    }

    /// `sent` bytes of these frames have left: the rest waits.
    fn queue_rest<'t>(
        &mut self,
        peer: &mut Peer,
        mut frames: impl Iterator<Item = (&'t SharedFrame, u32)>,
        mut sent: usize,
    ) {
        self.block(peer);
        let rest = frames.find(|(frame, _)| {
            let len = frame.as_bytes().len();
            let left = sent < len;
            sent -= if left { 0 } else { len };
            left
        });
        if let Some((frame, key)) = rest {
            let memory = self.cold.memory.clone();
            let queue = &mut self.cold.of(peer).queue;
            queue.push_rest(frame.clone(), key, sent, &memory);
        }
        self.enqueue_all(peer, frames);
    }

    /// Queues frames in order, up to the one that ends the connection.
    fn enqueue_all<'t>(
        &mut self,
        peer: &mut Peer,
        mut frames: impl Iterator<Item = (&'t SharedFrame, u32)>,
    ) {
        frames.all(|(frame, key)| self.enqueue(peer, frame.clone(), key) != Sent::Closed);
    }

    /// The socket is writable: continues with what it had refused.
    pub(crate) fn flush(&mut self, peer: &mut Peer) {
        let (now, bound) = (self.now, self.options.limits.queued_bytes);
        loop {
            let Some(cold) = peer.cold.as_mut().filter(|cold| !cold.queue.is_empty()) else {
                return;
            };
            self.metrics.writes.add(1);
            let before = cold.queue.bytes();
            let sockets = &mut self.sockets;
            let index = peer.index;
            let metrics = &self.metrics;
            let write = |parts: &[IoSlice<'_>]| {
                let n = sockets.write(index, parts)?;
                metrics.bytes_out.add(n as u64);
                Ok(n)
            };
            match cold.queue.write_with(write) {
                Ok(done) if done || cold.queue.bytes() < before => {
                    cold.progress = now;
                    // Its input is paused meanwhile: what is missing is not late.
                    cold.unfinished = cold.unfinished.and(Some(now));
                    peer.wrote(now);
                    if done {
                        self.lists.writable.push(index);
                        self.lists.push_ready(peer);
                        self.lists.touch(peer); // Its side table is given back.
                        self.cold.charge(peer);
                        return self.after_write(peer);
                    }
                    if !peer.is_backlogged(bound) {
                        self.lists.push_ready(peer);
                    }
                }
                Ok(_) => return self.cold.charge(peer),
                Err(error) if is_transient(&error) => return self.cold.charge(peer),
                Err(_) => return self.lists.remove_soon(peer),
            }
        }
    }

    /// The socket has refused bytes: the stall deadline begins.
    fn block(&mut self, peer: &mut Peer) {
        self.cold.of(peer).progress = self.now;
        self.lists.touch(peer);
    }

    /// The end of the turn for one peer: its run of frames leaves.
    pub(crate) fn settle(&mut self, peer: &mut Peer) {
        peer.flags.dirty = false;
        self.write_run(peer);
        peer.pending = PendingIndex::NONE;
        let wanted = std::mem::take(&mut peer.flags.wants_writable);
        if wanted && peer.queued() == 0 && peer.can_take() {
            self.lists.left.push(peer.index);
        }
        self.after_write(peer);
    }

    /// Shuts down our side if the protocol has finished and everything has left (RFC 6455 section
    /// 7.1.1).
    // req: 6455-5.5.1-10 6455-5.5.1-11 6455-7.1.7-03 6455-7.2.2-01
    #[inline]
    pub(crate) fn after_write(&mut self, peer: &mut Peer) {
        let through = match &peer.phase {
            Phase::Http { .. } | Phase::Dial(_) => false,
            Phase::Open(connection) => connection.wants_shutdown(),
            Phase::Lingering { .. } => true,
        };
        if through && !peer.flags.shut && peer.queued() == 0 {
            peer.flags.shut = true;
            peer.flags.discard = true;
            self.sockets.shutdown_write(peer.index);
            self.lists.touch(peer);
        }
    }
}

/// One write, if nothing waits. Returns how many bytes have left.
#[inline]
fn write_one(
    sockets: &mut dyn Sockets,
    metrics: &Metrics,
    peer: &Peer,
    bytes: &[u8],
) -> io::Result<usize> {
    match peer.queued() {
        0 => write_slices(sockets, metrics, peer.index, &[IoSlice::new(bytes)]),
        _ => Ok(0),
    }
}

/// The same for those parts that are not empty.
fn write_parts(
    sockets: &mut dyn Sockets,
    metrics: &Metrics,
    peer: &Peer,
    parts: &[&[u8]],
) -> io::Result<usize> {
    if peer.queued() > 0 {
        return Ok(0);
    }
    let mut slices = [IoSlice::new(&[]); MAX_PARTS];
    let mut count = 0;
    for part in parts.iter().filter(|part| !part.is_empty()) {
        slices[count] = IoSlice::new(part);
        count += 1;
    }
    write_slices(sockets, metrics, peer.index, &slices[..count])
}

/// One counted write. "Not now" is zero bytes and not an error.
#[inline]
fn write_slices(
    sockets: &mut dyn Sockets,
    metrics: &Metrics,
    index: u32,
    slices: &[IoSlice<'_>],
) -> io::Result<usize> {
    metrics.writes.add(1);
    if slices.is_empty() {
        return Ok(0);
    }
    match sockets.write(index, slices) {
        Ok(sent) => {
            metrics.bytes_out.add(sent as u64);
            Ok(sent)
        }
        Err(error) if is_transient(&error) => Ok(0),
        Err(error) => Err(error),
    }
}
