//! Everything that the loop knows about one connection, which is little while it is idle.
//!
//! ```text
//!   Peer, one record in the slab                     Cold, only while something is unfinished
//!   ┌───────────────────────────────────────────┐    ┌──────────────────────────────────────┐
//!   │ generation · tag · flags · timers         │───▶│ tail of a frame · message in parts · │
//!   │ Phase: Http, Dial, Open, Lingering        │    │ HTTP request · bytes not yet sent    │
//!   └───────────────────────────────────────────┘    └──────────────────────────────────────┘
//! ```
//!
//! Sockets are stored elsewhere, under the same numbers. Invariant: a peer that waits for nothing
//! has no [`Cold`], so an idle connection owns no buffer.

use crate::http::HttpReader;
use crate::net::conn::batch::PendingIndex;
use crate::net::conn::deflate::{DeflateState, Terms};
use crate::net::conn::dialing::Dialing;
use crate::net::conn::send_queue::SendQueue;
use crate::net::wheel::SlotNumber;
use crate::net::words::{Cause, Delivery, Overflow, PeerId};
use crate::proto::{Assembler, Connection, Millis, Piece, Role, State};

#[derive(Debug)]
pub(crate) struct Peer {
    /// Its place in the table, and the number of its socket.
    pub(crate) index: u32,
    /// Distinguishes this peer from an earlier one with the same index.
    pub(crate) generation: u32,
    /// The number that the service gave it.
    pub(crate) tag: u32,
    /// The slot of the wheel that counts; 0 if none does.
    pub(crate) armed: SlotNumber,
    /// What is published to it in this turn of the loop.
    pub(crate) pending: PendingIndex,
    pub(crate) flags: Flags,
    pub(crate) overflow: Overflow,
    pub(crate) delivery: Delivery,
    /// The cause of its end, if that has begun.
    pub(crate) cause: Option<Cause>,
    /// The negotiated parameters of permessage-deflate.
    pub(crate) terms: Terms,
    pub(crate) phase: Phase,
    pub(crate) cold: Option<Box<Cold>>,
}

/// What the connection is doing. Within `Open`, [`Connection`] knows the rest.
#[derive(Debug)]
pub(crate) enum Phase {
    /// HTTP, before or without an upgrade; `since` when the current wait began.
    Http { since: Millis, waits: HttpWait },
    /// A connection that we open, and that is not open yet.
    #[cfg_attr(not(feature = "client"), expect(dead_code))]
    Dial(Box<Dialing>),
    /// WebSocket.
    Open(Connection),
    /// HTTP has ended: flush, shut down, read and discard, close.
    Lingering { since: Millis },
}

/// What an HTTP connection waits for; each wait has its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpWait {
    /// The first request, or the rest of one that has begun.
    Head,
    /// Another request.
    Next,
    Body,
    /// The service, which answers later.
    Answer(Answer),
    /// The service, which sends a body in parts.
    Stream {
        chunked: bool,
        close: bool,
    },
}

/// How the pending request has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) head_only: bool,
    pub(crate) close: bool,
    /// HTTP/1.1, which has chunks.
    pub(crate) chunks: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    /// On the ready list: it has more to read.
    pub(crate) ready: bool,
    /// On the list of peers to settle at the end of the turn.
    pub(crate) dirty: bool,
    /// The peer's end of stream, or an error, was announced: read until it comes.
    pub(crate) hung_up: bool,
    /// Our sending side is shut down.
    pub(crate) shut: bool,
    /// Read and discard: input no longer matters.
    pub(crate) discard: bool,
    pub(crate) closing: Closing,
    /// About to be removed.
    pub(crate) dying: bool,
    /// The service must be called when this connection ends.
    pub(crate) announced: bool,
    /// The service has paused its input.
    pub(crate) paused: bool,
    /// The message that is arriving is delivered in chunks, as it is long.
    pub(crate) long: bool,
    /// The response that opens the WebSocket is about to be sent.
    pub(crate) switching: bool,
    /// The service has set a timer.
    pub(crate) timer: bool,
    /// The service waits for the call that says that what was sent in this turn has left.
    pub(crate) wants_writable: bool,
}

/// How the connection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Closing {
    /// With a Close of ours, unless the peer sends one first.
    #[default]
    Usual,
    /// Without a Close of ours, unless the peer sends one.
    WithoutClose,
    /// Both Close frames were seen.
    Clean,
}

/// What only some connections have, and only for a while.
#[derive(Debug, Default)]
pub(crate) struct Cold {
    /// The beginning of a frame that has not arrived whole, or bytes that wait until the socket
    /// accepts what is queued.
    pub(crate) tail: Vec<u8>,
    pub(crate) assembler: Assembler,
    pub(crate) http: HttpReader,
    pub(crate) queue: SendQueue,
    /// Windows and compressors.
    pub(crate) deflate: DeflateState,
    /// When a byte last left, while something is queued.
    pub(crate) progress: Millis,
    /// Since when a message has been arriving that is not whole yet.
    pub(crate) unfinished: Option<Millis>,
    /// What the server's account counts for this table.
    pub(crate) charged: usize,
}

impl Cold {
    pub(crate) fn is_idle(&self) -> bool {
        self.tail.is_empty()
            && self.assembler.is_empty()
            && self.http.is_idle()
            && self.queue.is_empty()
            && self.deflate.is_empty()
            && self.unfinished.is_none()
    }

    /// Bytes of memory held, except for compression, which has its own budget, and for frames that
    /// others hold too.
    pub(crate) fn held(&self) -> usize {
        self.tail.capacity()
            + self.assembler.capacity()
            + self.http.held()
            + self.queue.own_memory()
            + self.deflate.waiting_bytes()
    }

    /// Drops what arrived and was not handled, and its memory.
    pub(crate) fn drop_input(&mut self) {
        self.tail = Vec::new();
        self.assembler = Assembler::new();
        self.http.reset();
        self.http.shrink_to(0);
        self.deflate.waiting = None;
        self.unfinished = None;
    }

    /// Frees large memory, so that a pool of these stays small.
    pub(crate) fn recycle(&mut self) {
        self.queue.clear();
        self.assembler.shrink();
        self.shrink_tail();
        self.http.reset();
        self.http.shrink_to(KEEP);
    }

    /// Frees the memory of paused input.
    pub(crate) fn shrink_tail(&mut self) {
        if self.tail.is_empty() {
            self.tail.shrink_to(KEEP);
        }
    }
}

/// Memory of a side table that is not worth freeing.
const KEEP: usize = 1024;

impl Peer {
    pub(crate) fn new(phase: Phase, overflow: Overflow) -> Self {
        Self {
            index: 0,
            generation: 0,
            tag: 0,
            armed: 0,
            pending: PendingIndex::NONE,
            flags: Flags::default(),
            overflow,
            delivery: Delivery::Messages,
            cause: None,
            terms: None,
            phase,
            cold: None,
        }
    }

    /// Its name.
    #[inline]
    pub(crate) fn id(&self, worker: u16) -> PeerId {
        PeerId {
            worker,
            index: self.index,
            generation: self.generation,
        }
    }

    /// Its messages are delivered as they arrive.
    #[inline]
    pub(crate) fn has_chunks(&self) -> bool {
        self.delivery == Delivery::Chunks
    }

    /// Payload of its current frame that has not arrived.
    #[inline]
    pub(crate) fn payload_left(&self) -> u64 {
        match &self.phase {
            Phase::Open(connection) => connection.payload_left(),
            _ => 0,
        }
    }

    /// The message of this piece is delivered in chunks because it does not fit into `buffer`
    /// bytes.
    pub(crate) fn is_long(&self, piece: &Piece<'_>, buffer: usize) -> bool {
        let cold = self.cold.as_ref();
        let before = cold.map_or(0, |cold| cold.assembler.bytes().len());
        let known = (before + piece.bytes.len()) as u64 + self.payload_left();
        self.delivery == Delivery::LongInChunks && (self.flags.long || known > buffer as u64)
    }

    /// A WebSocket to which messages may be sent.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        matches!(&self.phase, Phase::Open(connection) if connection.state() == State::Open)
            && !self.flags.dying
    }

    /// Its message in pieces must end before another one may begin.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        matches!(&self.phase, Phase::Open(connection) if connection.is_sending()) && self.is_open()
    }

    /// An answer to a request that is sent in parts.
    #[inline]
    pub(crate) fn is_stream(&self) -> bool {
        let waits = match &self.phase {
            Phase::Http { waits, .. } => *waits,
            _ => return false,
        };
        matches!(waits, HttpWait::Stream { .. })
    }

    /// More frames, or parts of an answer, may be sent to it.
    pub(crate) fn can_take(&self) -> bool {
        self.is_open() || self.is_stream() && !self.flags.dying
    }

    /// With at least this much of a frame missing, its payload is read directly after what has
    /// arrived of its message. With less, what follows the frame is better read in the same call;
    /// and while little has arrived, room for more would mean trusting the length in a header.
    #[inline]
    pub(crate) fn direct_from(&self) -> u64 {
        match &self.cold {
            Some(cold) if cold.assembler.bytes().len() >= 16 * 1024 => 4 * 1024,
            _ => u64::MAX,
        }
    }

    /// Its input is paused: by the service, because a request is being answered, or because so much
    /// output waits that reading more would only add to it.
    ///
    /// A server reads nothing while anything waits. If a client did the same, two loops that have
    /// filled the sockets between them would wait for each other: it keeps reading until half of
    /// `bound`, the limit of its queue, is in use. The rest of a long message is read while no more
    /// waits than the longest message allowed: a peer that reads only once it has sent everything
    /// gets its answer, as it would if the message were assembled first.
    #[inline]
    pub(crate) fn rests(&self, bound: usize) -> bool {
        self.flags.paused || self.is_answering() || self.is_backlogged(bound)
    }

    /// A piece of a compressed message has been read that is not fully inflated.
    #[inline]
    pub(crate) fn is_inflating(&self) -> bool {
        let cold = self.cold.as_ref();
        cold.is_some_and(|cold| cold.deflate.waiting.is_some())
    }

    #[inline]
    pub(crate) fn is_backlogged(&self, bound: usize) -> bool {
        let queued = self.queued();
        queued > 0
            && match &self.phase {
                Phase::Open(connection) if self.flags.long => {
                    queued as u64 > connection.message_limit()
                }
                Phase::Open(connection) if connection.role() == Role::Client => queued > bound / 2,
                Phase::Dial(_) => false, // The request waits until TLS is set up.
                _ => true,
            }
    }

    /// The service has a request and has not finished its answer.
    #[inline]
    pub(crate) fn is_answering(&self) -> bool {
        matches!(
            self.phase,
            Phase::Http {
                waits: HttpWait::Answer(_) | HttpWait::Stream { .. },
                ..
            }
        )
    }

    /// A request has begun to arrive, or is being answered.
    pub(crate) fn has_asked(&self) -> bool {
        let cold = self.cold.as_ref();
        let arrives = cold.is_some_and(|cold| !cold.http.is_idle() || !cold.tail.is_empty());
        arrives || self.is_answering()
    }

    /// The first reason to end counts.
    pub(crate) fn end_for(&mut self, cause: Cause) {
        self.cause.get_or_insert(cause);
    }

    /// Queued bytes have left: the peer is alive, and what it owes us is not late while we did not
    /// read.
    pub(crate) fn wrote(&mut self, now: Millis) {
        match &mut self.phase {
            Phase::Open(connection) => connection.heard(now),
            Phase::Http {
                waits: HttpWait::Answer(_),
                ..
            } => {}
            Phase::Http { since, .. } => *since = now,
            Phase::Dial(_) | Phase::Lingering { .. } => {}
        }
    }

    /// A piece of a message of this length may be sent; `bound` is the limit of the queue. The
    /// answer to a long message may wait as long as that message is being read.
    pub(crate) fn has_room_for(&self, piece: usize, bound: usize) -> bool {
        match &self.phase {
            _ if self.queued() == 0 => true,
            Phase::Open(_) if self.flags.long => !self.is_backlogged(bound),
            _ => self.queued() + piece <= bound,
        }
    }

    /// Bytes that the socket has refused.
    #[inline]
    pub(crate) fn queued(&self) -> usize {
        self.cold.as_ref().map_or(0, |cold| cold.queue.bytes())
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// Idle connections are counted in tens of thousands.
    #[test]
    fn the_record_of_a_connection_is_small() {
        assert_eq!(size_of::<Connection>(), 72);
        assert_eq!(size_of::<Option<Peer>>(), 120);
    }
}
