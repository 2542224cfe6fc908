//! The connections of one loop and everything that leaves through them.
//!
//! Comes in: messages, frames, closes, deadlines. Goes out: as few writes as there can be.
//!
//! ```text
//!   send to the peer whose input is handled ──▶ cork ──one write at the end of the input──▶ socket
//!   send to any other peer ──▶ chain of this turn ──one write at the end of the turn──────▶ socket
//!                     what the socket refuses ──▶ queue ──when it is writable again───────▶ socket
//! ```
//!
//! Invariant: bytes leave in the order of the calls. A peer with a queue has an empty cork and
//! chain, and its input rests until the queue is empty; so what a peer makes us send is bounded
//! by what it sends in one read.

use crate::net::buffers::Buffers;
use crate::net::compression::{Compression, Shared};
use crate::net::context::{Counters, Sent};
use crate::net::cork::{Cork, LARGE};
use crate::net::dial::{Dials, Source};
use crate::net::frame::SharedFrame;
use crate::net::mailbox::Pressure;
use crate::net::memory::Memory;
use crate::net::options::Options;
use crate::net::peer::{Peer, Phase, Rare};
use crate::net::send_queue::Pushed;
use crate::net::slots::{PeerId, Slots};
use crate::net::taps::Taps;
use crate::net::timers::Wheel;
use crate::net::turn::Turn;
use crate::proto::{MAX_CONTROL_FRAME, Message, Millis, Outbox, Role, State};
use crate::wire::{CloseCode, cut_reason};

#[derive(Debug)]
pub(super) struct Core {
    pub(super) options: Options,
    pub(super) peers: Slots,
    pub(super) wheel: Wheel,
    pub(super) turn: Turn,
    /// Peers that have more to read than one read takes.
    pub(super) ready: Vec<u32>,
    /// Peers whose transport is to be closed as soon as nothing refers to it.
    pub(super) doomed: Vec<u32>,
    /// Peers whose queue has run empty, for the service.
    pub(super) drained: Vec<u32>,
    /// Peers that the loop has begun to close, for the service.
    pub(super) closing: Vec<u32>,
    pub(super) outbox: Outbox,
    pub(super) now: Millis,
    /// No new connections and no further requests.
    pub(super) stopping: bool,
    /// The connection whose request is being answered.
    pub(super) asking: Option<u32>,
    pub(super) counters: Counters,
    pub(super) cork: Cork,
    pub(super) compression: Compression,
    pub(super) dials: Dials,
    pub(super) taps: Taps,
    pub(super) buffers: Buffers,
    /// Some loop of the server has more mail than it should: nothing is read.
    pub(super) pressure: Pressure,
    /// What all loops of the server hold.
    pub(super) memory: Memory,
    /// What this loop holds for its peers.
    pub(super) held: usize,
    /// Making room has reached no less than this: try again when there is more.
    pub(super) unsheddable: usize,
    #[expect(clippy::vec_box, reason = "they move in and out of peers as boxes")]
    spares: Vec<Box<Rare>>,
}

/// Idle [`Rare`]s that are kept for reuse.
const MAX_SPARES: usize = 256;

impl Core {
    pub(super) fn new(
        mut options: Options,
        shared: Shared,
        memory: Memory,
        pressure: Pressure,
    ) -> Self {
        options.receive_buffer = options.receive_buffer.max(4096);
        Self {
            compression: Compression::new(&options, shared),
            dials: Dials::default(),
            taps: Taps::default(),
            buffers: Buffers::default(),
            options,
            peers: Slots::default(),
            wheel: Wheel::new(0),
            turn: Turn::default(),
            ready: Vec::new(),
            doomed: Vec::new(),
            drained: Vec::new(),
            closing: Vec::new(),
            outbox: Outbox::new(),
            now: 0,
            stopping: false,
            asking: None,
            counters: Counters::default(),
            cork: Cork::new(),
            pressure,
            memory,
            held: 0,
            unsheddable: 0,
            spares: Vec::new(),
        }
    }

    /// Everything sent to `index` from now on waits for [`Core::uncork`].
    pub(super) fn cork(&mut self, index: u32) {
        debug_assert!(self.cork.is_empty());
        let corkable = self
            .peers
            .at(index)
            .is_some_and(|peer| peer.chain.is_empty());
        self.cork.peer = corkable.then_some(index);
    }

    /// Writes what was corked, in one call.
    pub(super) fn uncork(&mut self, index: u32) {
        self.flush_cork(index, &[], &[]);
        self.cork.peer = None;
        self.after_write(index);
    }

    /// Sends a message: see [`Context::send`](crate::net::Context::send).
    #[inline]
    pub(super) fn send(&mut self, id: PeerId, message: Message<'_>) -> Sent {
        self.send_keyed(id, message, 0)
    }

    #[inline]
    pub(super) fn send_keyed(&mut self, id: PeerId, message: Message<'_>, key: u32) -> Sent {
        let agreed = self.peers.get(id).is_some_and(|peer| peer.link.is_some());
        if agreed && let Some(sent) = self.send_compressed(id, message, key) {
            return sent;
        }
        self.send_plain(id, message, key)
    }

    /// As it is: see [`Context::send_uncompressed`](crate::net::Context::send_uncompressed).
    #[inline]
    pub(super) fn send_plain(&mut self, id: PeerId, message: Message<'_>, key: u32) -> Sent {
        let Some(peer) = self.peers.get_mut(id) else {
            return Sent::Closed;
        };
        let Phase::Open(connection) = &mut peer.phase else {
            return Sent::Closed;
        };
        let len = message.bytes.len();
        let begun = connection.begin(message.kind, len as u64, true, &mut Source::default());
        let Ok((header, mask)) = begun else {
            return Sent::Closed;
        };
        if let Some(mask) = mask {
            return self.send_masked(id.index, &header, mask, message.bytes, key);
        }
        if !self.is_corked(id.index) {
            return self.dispatch(id.index, &SharedFrame::uncompressed(message), key);
        }
        if len >= LARGE {
            self.flush_cork(id.index, &header, message.bytes);
            return Sent::Taken;
        }
        if self.cork.push_frame(&header, message.bytes) {
            self.flush_cork(id.index, &[], &[]);
        }
        Sent::Taken
    }

    /// Sends an encoded frame: see [`Context::send_frame`](crate::net::Context::send_frame).
    #[inline]
    pub(super) fn send_frame(&mut self, id: PeerId, frame: &SharedFrame, key: u32) -> Sent {
        let Some(peer) = self.peers.get_mut(id) else {
            return Sent::Closed;
        };
        let role = match &peer.phase {
            Phase::Open(connection) if connection.state() == State::Open => connection.role(),
            _ => return Sent::Closed,
        };
        if role == Role::Client {
            return self.send_frame_masked(id, frame, key);
        }
        match peer.link {
            None => self.send_form(id.index, frame, key),
            Some(link) => {
                let form = self.form(id.index, link, frame);
                self.send_form(id.index, &form, key)
            }
        }
    }

    /// See [`Context::queued_bytes`](crate::net::Context::queued_bytes).
    pub(super) fn waiting(&self, id: PeerId) -> usize {
        let corked = match self.cork.peer == Some(id.index) {
            true => self.cork.bytes().len(),
            false => 0,
        };
        let waiting = self.peers.get(id).map(|peer| peer.waiting() + corked);
        waiting.unwrap_or_default()
    }

    /// Output for this peer goes into the cork.
    pub(super) fn is_corked(&mut self, index: u32) -> bool {
        self.cork.peer == Some(index) && self.peers.at(index).is_some_and(|peer| peer.queued() == 0)
    }

    fn send_form(&mut self, index: u32, frame: &SharedFrame, key: u32) -> Sent {
        if self.is_corked(index) {
            self.append(index, frame.as_bytes());
            return Sent::Taken;
        }
        self.dispatch(index, frame, key)
    }

    /// Into the cork; or, if they are many, out at once together with what was corked.
    pub(super) fn append(&mut self, index: u32, bytes: &[u8]) {
        if bytes.len() >= LARGE {
            return self.flush_cork(index, &[], bytes);
        }
        if self.cork.push(bytes) {
            self.flush_cork(index, &[], &[]);
        }
    }

    /// Bytes of a response or of control frames to a peer that is corked or not.
    pub(super) fn put(&mut self, index: u32, bytes: &[u8]) {
        if self.cork.peer == Some(index) {
            return self.append(index, bytes);
        }
        self.write_chain(index);
        self.write_now(index, &[bytes]);
    }

    /// To a peer whose input is not being handled.
    #[inline]
    pub(super) fn dispatch(&mut self, index: u32, frame: &SharedFrame, key: u32) -> Sent {
        let Some(peer) = self.peers.at(index) else {
            return Sent::Closed;
        };
        if peer.queued() > 0 {
            return self.enqueue(index, frame.clone(), key);
        }
        let chained = peer.chain.bytes();
        if chained > 0 && chained + frame.as_bytes().len() > self.options.limits.queued_bytes {
            return self.dispatch_after_chain(index, frame, key);
        }
        self.turn.link(&mut peer.chain, frame, key);
        self.touch(index);
        Sent::Taken
    }

    /// This turn has published to the peer as much as may wait for it: out with that first, so
    /// that the sender learns at once what becomes of more.
    #[cold]
    fn dispatch_after_chain(&mut self, index: u32, frame: &SharedFrame, key: u32) -> Sent {
        self.write_chain(index);
        let open = self.peers.at(index).is_some_and(|peer| {
            matches!(&peer.phase, Phase::Open(connection) if connection.state() == State::Open)
                && !peer.flags.doomed
        });
        match open {
            true => self.dispatch(index, frame, key),
            false => Sent::Closed,
        }
    }

    /// After what the socket has refused already, within the bound. After [`Sent::Closed`] nothing
    /// more may be queued: a Close waits, and it is the last.
    pub(super) fn enqueue(&mut self, index: u32, frame: SharedFrame, key: u32) -> Sent {
        let policy = (self.options.limits.queued_bytes, self.options.overflow);
        let memory = self.memory.clone();
        let Some(rare) = self.rare(index) else {
            return Sent::Closed;
        };
        let pushed = rare.queue.push_frame(frame, key, policy, &memory);
        self.charge(index);
        match pushed {
            Pushed::Queued { dropped: 0 } => Sent::Taken,
            Pushed::Queued { dropped } => {
                self.counters.dropped += dropped as u64;
                Sent::Overflow
            }
            Pushed::Overflow => {
                self.overflow(index);
                Sent::Closed
            }
        }
    }

    /// The peer is too slow: what has not begun to leave is dropped, and it is told why.
    fn overflow(&mut self, index: u32) {
        if let Some(rare) = self.rare(index) {
            rare.queue.drop_unsent();
        }
        let Some(id) = self.peers.id(index) else {
            return;
        };
        let open = self.peers.get(id).is_some_and(|peer| {
            matches!(&peer.phase, Phase::Open(connection) if connection.state() == State::Open)
        });
        if open {
            self.counters.overflowed += 1;
            log::info!("{} reads too slowly: closing with 1013", self.name(index));
            self.close(id, CloseCode::TRY_AGAIN_LATER, "reading too slowly");
            self.closing.push(index);
        }
    }

    /// A peer as logs name it.
    pub(super) fn name(&mut self, index: u32) -> String {
        let address = self
            .peers
            .at(index)
            .and_then(|peer| peer.transport.peer_addr());
        match address {
            Some(address) => format!("peer {index} ({address})"),
            None => format!("peer {index}"),
        }
    }

    /// Starts the closing handshake: see [`Context::close`](crate::net::Context::close).
    pub(super) fn close(&mut self, id: PeerId, code: CloseCode, reason: &str) {
        // What was sent before leaves before.
        self.write_chain(id.index);
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        if let Phase::Open(connection) = &mut peer.phase {
            let closed = connection.close(Some(code), cut_reason(reason), &mut self.outbox);
            debug_assert!(closed.is_ok());
            self.transmit(id.index);
            self.touch(id.index);
        }
    }

    /// Sends the control frames that `receive`, `close` or `tick` left in the outbox.
    // req: 6455-6.1-09
    pub(super) fn transmit(&mut self, index: u32) {
        while !self.outbox.is_empty() {
            let Some(Peer {
                phase: Phase::Open(connection),
                ..
            }) = self.peers.at(index)
            else {
                self.outbox = Outbox::new();
                return;
            };
            let mut out = [0; 3 * MAX_CONTROL_FRAME];
            let len = connection.transmit(&mut self.outbox, &mut out, &mut Source::default());
            self.put(index, &out[..len]);
        }
    }

    /// The end of the turn for one peer: its chain leaves, its timer is set.
    pub(super) fn settle(&mut self, index: u32) {
        if let Some(peer) = self.peers.at(index) {
            peer.flags.touched = false;
            self.write_chain(index);
            self.after_write(index);
            self.arm(index);
        }
    }

    /// Has [`Core::settle`] called at the end of the turn.
    #[inline]
    pub(super) fn touch(&mut self, index: u32) {
        if let Some(peer) = self.peers.at(index)
            && !peer.flags.touched
        {
            peer.flags.touched = true;
            self.turn.touched.push(index);
        }
    }

    pub(super) fn push_ready(&mut self, index: u32) {
        if let Some(peer) = self.peers.at(index)
            && !peer.flags.ready
        {
            peer.flags.ready = true;
            self.ready.push(index);
        }
    }

    /// The transport has failed or its time is up.
    pub(super) fn doom(&mut self, index: u32) {
        if let Some(peer) = self.peers.at(index)
            && !peer.flags.doomed
        {
            peer.flags.doomed = true;
            self.doomed.push(index);
        }
    }

    /// The side table of a peer, made if it has none.
    pub(super) fn rare(&mut self, index: u32) -> Option<&mut Rare> {
        let peer = self.peers.at(index)?;
        Some(
            peer.rare
                .get_or_insert_with(|| self.spares.pop().unwrap_or_default()),
        )
    }

    /// What a peer holds has changed.
    pub(super) fn charge(&mut self, index: u32) {
        if let Some(peer) = self.peers.at(index)
            && let Some(rare) = &mut peer.rare
        {
            let (before, after) = (rare.charged, rare.held());
            if before != after {
                rare.charged = after;
                self.held = self.held + after - before;
                self.memory.change(before, after);
            }
        }
    }

    /// Takes the side table back if nothing is in it; otherwise counts what it holds.
    #[inline]
    pub(super) fn release(&mut self, index: u32) {
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        match &mut peer.rare {
            None => {}
            Some(rare) if rare.is_idle() => {
                if let Some(rare) = peer.rare.take() {
                    self.take_back(rare);
                }
            }
            Some(rare) => {
                rare.shrink_tail();
                self.charge(index);
            }
        }
    }

    fn take_back(&mut self, mut rare: Box<Rare>) {
        self.uncharge(&mut rare);
        if self.spares.len() < MAX_SPARES {
            rare.recycle();
            self.spares.push(rare);
        }
    }

    fn uncharge(&mut self, rare: &mut Rare) {
        self.held -= rare.charged;
        self.memory.change(rare.charged, 0);
        rare.charged = 0;
    }

    /// The connection is over.
    pub(super) fn remove(&mut self, index: u32) -> Option<Peer> {
        let mut peer = self.peers.remove(index)?;
        if let Some(rare) = &mut peer.rare {
            self.uncharge(rare);
        }
        Some(peer)
    }

    /// The loop ends, and with it whatever it holds.
    pub(super) fn forget_all(&mut self) {
        for id in self.peers.ids() {
            drop(self.remove(id.index));
        }
    }
}
