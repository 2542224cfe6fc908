//! Everything that the loop knows of one connection, and how little that is while it is idle.
//!
//! ```text
//!   Peer, one record in the slab                     Rare, only while something is unfinished
//!   ┌───────────────────────────────────────────┐    ┌──────────────────────────────────────┐
//!   │ socket · generation · tag · flags · timer │───▶│ tail of a frame · message in parts · │
//!   │ Phase: Http, Dial, Open(Connection), Over │    │ HTTP request · bytes not yet sent    │
//!   └───────────────────────────────────────────┘    └──────────────────────────────────────┘
//! ```
//!
//! Invariant: a peer that waits for nothing has no [`Rare`], so an idle connection owns no buffer.

use crate::http::HttpReader;
use crate::net::compression::{Kept, Terms};
use crate::net::dial::Dialing;
use crate::net::send_queue::SendQueue;
use crate::net::timers::SlotNumber;
use crate::net::transport::Transport;
use crate::net::turn::Chain;
use crate::proto::{Assembler, Connection, Millis, Role};
use crate::wire::CloseCode;

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) transport: Transport,
    /// Tells this peer from an earlier one of the same index.
    pub(super) generation: u32,
    /// The number that the service gave it when it opened.
    pub(super) tag: u32,
    /// The slot of the wheel that counts; 0 if none does.
    pub(super) armed: SlotNumber,
    pub(super) flags: Flags,
    /// The code of the peer's Close, if it came with one.
    pub(super) close_code: Option<CloseCode>,
    /// What it agreed to of permessage-deflate.
    pub(super) link: Terms,
    /// Frames published to it in this turn of the loop.
    pub(super) chain: Chain,
    pub(super) phase: Phase,
    pub(super) rare: Option<Box<Rare>>,
}

/// What the connection is doing. Within `Open`, [`Connection`] knows the rest.
#[derive(Debug)]
pub(super) enum Phase {
    /// HTTP, before or without an upgrade; `since` the current wait began.
    Http { since: Millis, waits: HttpWait },
    /// A connection that we open, and that is not open yet.
    #[cfg_attr(not(feature = "client"), expect(dead_code))]
    Dial(Box<Dialing>),
    /// WebSocket.
    Open(Connection),
    /// HTTP has ended: flush, shut down, read and discard, close.
    Over { since: Millis },
}

/// What an HTTP connection waits for; each has its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpWait {
    /// The first request, or the rest of one that has begun.
    Head,
    /// Another request.
    Next,
    Body,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    /// On the ready list: it has more to read.
    pub(super) ready: bool,
    /// On the list of peers to settle at the end of the turn.
    pub(super) touched: bool,
    /// The peer's end of stream, or an error, was announced: read until it comes.
    pub(super) hung_up: bool,
    /// Our sending side is shut down.
    pub(super) shut: bool,
    /// Read and discard: nothing that comes can change anything.
    pub(super) discard: bool,
    /// Both Close frames were seen.
    pub(super) clean: bool,
    /// About to be removed.
    pub(super) doomed: bool,
    /// The service has been told that this connection is open.
    pub(super) open: bool,
}

/// What only some connections have, and those only for a while.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// The beginning of a frame that has not arrived whole, or bytes that wait until the socket
    /// takes what is queued.
    pub(super) tail: Vec<u8>,
    pub(super) assembler: Assembler,
    pub(super) http: HttpReader,
    pub(super) queue: SendQueue,
    /// Windows and compressors.
    pub(super) kept: Kept,
    /// When a byte last left, while something is queued.
    pub(super) progress: Millis,
    /// Since when a message has been arriving that is not whole yet.
    pub(super) unfinished: Option<Millis>,
    /// What the account of the server says that this table holds.
    pub(super) charged: usize,
}

impl Rare {
    pub(super) fn is_idle(&self) -> bool {
        self.tail.is_empty()
            && self.assembler.is_empty()
            && self.http.is_idle()
            && self.queue.is_empty()
            && self.kept.is_empty()
            && self.unfinished.is_none()
    }

    /// Bytes of memory held, but for compression, which has a budget of its own, and for frames
    /// that others hold too.
    pub(super) fn held(&self) -> usize {
        self.tail.capacity()
            + self.assembler.capacity()
            + self.http.held()
            + self.queue.own_memory()
    }

    /// Forgets what came and was not handled, and its memory.
    pub(super) fn drop_input(&mut self) {
        self.tail = Vec::new();
        self.assembler = Assembler::new();
        self.http.reset();
        self.http.shrink_to(0);
        self.unfinished = None;
    }

    /// Gives large memory back, so that a pool of these stays small.
    pub(super) fn recycle(&mut self) {
        self.queue.clear();
        self.assembler.shrink();
        self.shrink_tail();
        self.http.reset();
        self.http.shrink_to(KEEP);
    }

    /// Gives the memory of input that rested back.
    pub(super) fn shrink_tail(&mut self) {
        if self.tail.is_empty() {
            self.tail.shrink_to(KEEP);
        }
    }
}

/// Memory of a side table that is not worth to be given back.
const KEEP: usize = 1024;

impl Peer {
    pub(super) fn new(transport: Transport, now: Millis) -> Self {
        Self {
            transport,
            generation: 0,
            tag: 0,
            armed: 0,
            flags: Flags::default(),
            close_code: None,
            link: None,
            chain: Chain::default(),
            phase: Phase::Http {
                since: now,
                waits: HttpWait::Head,
            },
            rare: None,
        }
    }

    /// With this much of a frame missing, its payload is read straight behind what came of its
    /// message. With less, what follows the frame is better read in the same call; and while
    /// little has come, room for more would be memory on the word of a header.
    #[inline]
    pub(super) fn direct_from(&self) -> u64 {
        match &self.rare {
            Some(rare) if rare.assembler.bytes().len() >= 16 * 1024 => 4 * 1024,
            _ => u64::MAX,
        }
    }

    /// So much waits that nothing more is read, for what is read is answered.
    ///
    /// A server reads nothing while anything waits. If a client did the same, two loops that have
    /// filled the sockets between them would wait for each other: it goes on reading up to half of
    /// `bound`, the limit of its queue.
    #[inline]
    pub(super) fn is_clogged(&self, bound: usize) -> bool {
        let queued = self.queued();
        queued > 0
            && match &self.phase {
                Phase::Open(connection) if connection.role() == Role::Client => queued > bound / 2,
                _ => true,
            }
    }

    /// Bytes have left that were queued: the peer is there, and what it owes us is not late while
    /// we did not listen.
    pub(super) fn wrote(&mut self, now: Millis) {
        match &mut self.phase {
            Phase::Open(connection) => connection.heard(now),
            Phase::Http { since, .. } => *since = now,
            Phase::Dial(_) | Phase::Over { .. } => {}
        }
    }

    /// Bytes of WebSocket frames and responses that have not left.
    pub(super) fn waiting(&self) -> usize {
        self.queued() + self.chain.bytes()
    }

    /// Bytes that the socket has refused.
    #[inline]
    pub(super) fn queued(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.queue.bytes())
    }
}
