//! permessage-deflate in the loop: who has agreed to it, and where messages pass through the pool.
//!
//! Comes in: the policy of the server, compressed pieces, messages and frames to be sent. Goes
//! out: whole messages to the service, compressed frames into cork and chain. Invariant: a frame
//! that a policy may drop refers to nothing, because the peer's window would miss it. What is
//! compressed once for many is left to `frame`; the extension itself to `deflate`.
//!
//! Without the feature `deflate`, `no_compression` stands in this place.

use crate::deflate::{Budget, Compressed, Compressor, Inflated, Link, Pool, Session};
use crate::handshake::{Accepted, DeflatePolicy};
use crate::limits::Limits;
use crate::net::context::Sent;
use crate::net::core::Core;
use crate::net::cork::LARGE;
use crate::net::dial::Source;
use crate::net::frame::SharedFrame;
use crate::net::input::{failed, whole};
use crate::net::options::Options;
use crate::net::peer::Phase;
use crate::net::send_queue::Overflow;
use crate::net::service::Service;
use crate::net::slots::PeerId;
use crate::proto::{Message, Millis, Piece, State};
use crate::wire::Kind;
#[cfg(feature = "client")]
use crate::{client, handshake::DeflateTerms};
use std::collections::VecDeque;
use std::mem;

/// What a peer has agreed to.
pub(super) type Terms = Option<Link>;

/// What is shared by all loops of a server.
pub(super) type Shared = Option<Budget>;

pub(super) fn shared(options: &Options) -> Shared {
    options.deflate.map(|settings| Budget::new(settings.budget))
}

/// Inflated bytes after which a peer waits for its next turn, so that one which sends little that
/// becomes much does not hold the others up.
const WORK_PER_TURN: usize = 1024 * 1024;

/// The compression of one loop.
#[derive(Debug, Default)]
pub(super) struct Compression {
    pool: Option<Pool>,
    /// Compressed payload on its way into a frame.
    scratch: Vec<u8>,
    /// Peers with a compressor of their own, and when to look whether it is in use.
    held: VecDeque<(Millis, PeerId)>,
    /// Bytes inflated since the current peer's turn began.
    work: usize,
}

/// The compression of one peer, in its side table.
#[derive(Debug, Default)]
pub(super) struct Kept {
    session: Session,
    /// When its compressor was last used.
    used: Millis,
}

impl Kept {
    pub(super) fn is_empty(&self) -> bool {
        self.session.is_empty()
    }
}

impl Compression {
    pub(super) fn new(options: &Options, shared: Shared) -> Self {
        let pool = options.deflate.zip(shared);
        Self {
            pool: pool.map(|(settings, budget)| Pool::new(settings, budget)),
            ..Self::default()
        }
    }

    pub(super) fn begin_turn(&mut self) {
        self.work = 0;
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.work >= WORK_PER_TURN
    }

    /// When to call [`Core::drop_idle_compressors`].
    pub(super) fn deadline(&self) -> Option<Millis> {
        self.held.front().map(|(at, _)| *at)
    }
}

impl Core {
    /// Answers the client's offers of extensions; takes what memory the answer needs.
    pub(super) fn negotiate<'h>(
        &mut self,
        index: u32,
        accepted: Accepted<'h>,
    ) -> (Accepted<'h>, Terms) {
        let Some(pool) = &self.compression.pool else {
            return (accepted.without_extensions(), None);
        };
        let (policy, budget) = (pool.settings().policy, pool.budget().clone());
        let mut answer = accepted.negotiate(&policy);
        if let Some(terms) = answer.deflate()
            && !self.has_memory(index, &Link::server(&terms), &budget)
        {
            answer = accepted.negotiate(&DeflatePolicy {
                server_takeover: false,
                client_takeover: false,
                ..policy
            });
        }
        let link = answer.deflate().map(|terms| Link::server(&terms));
        (answer, link)
    }

    /// What a server that we have dialled has agreed to.
    #[cfg(feature = "client")]
    pub(super) fn agree(
        &mut self,
        index: u32,
        options: &client::Options,
        agreed: Option<DeflateTerms>,
    ) -> Result<Terms, client::Error> {
        let (Some(terms), Some(settings)) = (agreed, options.deflate) else {
            return Ok(None);
        };
        let new = || Pool::new(settings, Budget::new(settings.budget));
        let budget = self
            .compression
            .pool
            .get_or_insert_with(new)
            .budget()
            .clone();
        let link = Link::client(&terms);
        match self.has_memory(index, &link, &budget) {
            true => Ok(Some(link)),
            false => Err(client::Error::Budget),
        }
    }

    /// Reserves a window if there has to be one; a compressor of its own, which can be done
    /// without, must be within reach.
    fn has_memory(&mut self, index: u32, link: &Link, budget: &Budget) -> bool {
        let receive = link.receive;
        let mut session = Session::default();
        let window = !receive.takeover || session.reserve(budget, receive.window_bits);
        let compressor = Compressor::cost(link.send.window_bits);
        let all = window && (!link.send.takeover || budget.left() >= compressor);
        if all && receive.takeover {
            self.put_session(index, session);
        }
        all
    }

    fn inflate(&mut self, index: u32, piece: Piece<'_>) -> Inflation {
        let Some(peer) = self.peers.at(index) else {
            return Ok(None);
        };
        let (Some(link), Phase::Open(connection)) = (peer.link, &peer.phase) else {
            return Ok(None);
        };
        let limits = Limits {
            message_bytes: connection.message_limit(),
            ..self.options.limits.clone()
        };
        let piece = Compressed {
            kind: piece.kind,
            bytes: piece.bytes,
            first: piece.first,
            last: piece.last,
        };
        let lasts = link.receive.takeover || !(piece.first && piece.last);
        let mut session = match lasts {
            true => self.take_session(index),
            false => Session::default(),
        };
        let Some(pool) = &mut self.compression.pool else {
            return Ok(None);
        };
        let inflated = pool.inflate(&mut session, &link, piece, &limits);
        if lasts && inflated.is_ok() {
            self.put_session(index, session);
        }
        if let Ok(Some(message)) = &inflated {
            self.compression.work += message.bytes().len();
        }
        inflated
    }

    /// Sends a message compressed; `None` if it is to be sent as it is.
    pub(super) fn send_compressed(
        &mut self,
        id: PeerId,
        message: Message<'_>,
        key: u32,
    ) -> Option<Sent> {
        let link = self.peers.get(id)?.link?;
        let mut scratch = mem::take(&mut self.compression.scratch);
        let len = self.compress(id, link, message.bytes, &mut scratch);
        let sent = len.map(|len| self.send_payload(id, message.kind, &scratch[..len], key));
        self.compression.scratch = scratch;
        sent
    }

    fn compress(
        &mut self,
        id: PeerId,
        link: Link,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let settings = *self.compression.pool.as_ref()?.settings();
        if message.len() < settings.min_bytes {
            return None;
        }
        if !link.send.takeover {
            let pool = self.compression.pool.as_mut()?;
            return pool.compress_alone(link.send.window_bits, message, out);
        }
        if !self.is_corked(id.index) && self.options.overflow != Overflow::Disconnect {
            self.bypass(id.index);
            let pool = self.compression.pool.as_mut()?;
            return pool.compress_alone(link.send.window_bits, message, out);
        }
        let mut session = self.take_session(id.index);
        let held = session.holds_compressor();
        let pool = self.compression.pool.as_mut()?;
        let len = pool.compress(&mut session, &link, message, out);
        if !held && session.holds_compressor() {
            let at = self.now + Millis::from(settings.idle_ms);
            self.compression.held.push_back((at, id));
        }
        self.put_session(id.index, session);
        len
    }

    fn send_payload(&mut self, id: PeerId, kind: Kind, payload: &[u8], key: u32) -> Sent {
        let corked = self.is_corked(id.index);
        let Some(peer) = self.peers.get_mut(id) else {
            return Sent::Closed;
        };
        let Phase::Open(connection) = &mut peer.phase else {
            return Sent::Closed;
        };
        let len = payload.len() as u64;
        let begun = connection.begin_compressed(kind, len, true, &mut Source::default());
        let Ok((header, mask)) = begun else {
            return Sent::Closed;
        };
        if let Some(mask) = mask {
            return self.send_masked(id.index, &header, mask, payload, key);
        }
        if !corked {
            let frame = SharedFrame::encoded(&header, payload);
            return self.dispatch(id.index, &frame, key);
        }
        if payload.len() >= LARGE {
            self.flush_cork(id.index, &header, payload);
        } else if self.cork.push_frame(&header, payload) {
            self.flush_cork(id.index, &[], &[]);
        }
        Sent::Taken
    }

    /// The form of a shared frame that this peer can read, compressed if that pays: made at most
    /// once for each window, whoever asks first.
    pub(super) fn form(&mut self, index: u32, link: Link, frame: &SharedFrame) -> SharedFrame {
        let Some(pool) = &mut self.compression.pool else {
            return frame.clone();
        };
        let bits = link.send.window_bits;
        let scratch = &mut self.compression.scratch;
        let form = frame.form(bits, |payload| {
            let len = pool.compress_alone(bits, payload, scratch)?;
            Some(&scratch[..len])
        });
        let form = form.clone();
        if link.send.takeover && !form.is(frame) {
            self.bypass(index);
        }
        form
    }

    /// A compressed message reaches the peer that its own compressor does not know of.
    fn bypass(&mut self, index: u32) {
        if let Some(rare) = self.peers.at(index).and_then(|peer| peer.rare.as_mut()) {
            rare.kept.session.bypassed();
        }
    }

    /// Gives compressors back that nobody has used for a while.
    pub(super) fn drop_idle_compressors(&mut self) {
        let Some(pool) = &self.compression.pool else {
            return;
        };
        let idle = Millis::from(pool.settings().idle_ms);
        while let Some((at, id)) = self.compression.held.front().copied() {
            if at > self.now {
                return;
            }
            self.compression.held.pop_front();
            let Some(rare) = self.peers.get_mut(id).and_then(|peer| peer.rare.as_mut()) else {
                continue;
            };
            let again = rare.kept.used + idle;
            if again > self.now {
                self.compression.held.push_back((again, id));
            } else {
                rare.kept.session.drop_compressor();
                self.release(id.index);
            }
        }
    }

    fn take_session(&mut self, index: u32) -> Session {
        let now = self.now;
        let kept = self.rare(index).map(|rare| {
            rare.kept.used = now;
            mem::take(&mut rare.kept.session)
        });
        kept.unwrap_or_default()
    }

    fn put_session(&mut self, index: u32, session: Session) {
        if let Some(rare) = self.rare(index) {
            rare.kept.session = session;
        }
    }
}

type Inflation = Result<Option<Inflated>, crate::Violation>;

/// A piece of a compressed message.
pub(super) fn inflate<S: Service>(core: &mut Core, service: &mut S, id: PeerId, piece: Piece<'_>) {
    let kind = piece.kind;
    match core.inflate(id.index, piece) {
        Ok(None) => {}
        Ok(Some(inflated)) => {
            let bytes = inflated.bytes();
            whole(core, service, id, Message { kind, bytes });
            if let Some(pool) = &mut core.compression.pool {
                pool.recycle(inflated);
            }
        }
        Err(violation) => {
            if let Some(peer) = core.peers.at(id.index)
                && let Phase::Open(connection) = &mut peer.phase
                && connection.state() <= State::Closing
            {
                connection.fail(violation, &mut core.outbox);
                failed(core, service, id, violation);
            }
        }
    }
}
