//! The inflaters and compressors of one thread, lent to whichever connection has a message.
//!
//! Input: a [`Session`], its [`Params`], and a piece or a message. Output: an inflated message, or
//! a compressed one. Invariant: which inflater or compressor is lent makes no visible difference.
//!
//! ```text
//!   idle inflaters: [ window of 7 ][ window of 3 ][ — ]     a message of session 3 takes the
//!                                       ▲                   second and saves the loading
//!   compressors:    9 bits · 12 bits · 15 bits              each begins with an empty window
//! ```

use crate::deflate::Settings;
use crate::deflate::budget::Budget;
use crate::deflate::compressor::Compressor;
use crate::deflate::inflater::{Follows, Inflated, InflatedPart, Inflation, has_ended};
use crate::deflate::session::{Params, Partial, Session};
use crate::error::Violation;
use crate::handshake::{MAX_WINDOW_BITS, MIN_WINDOW_BITS};
use crate::limits::Limits;
use crate::wire::MessageKind;
use alloc::boxed::Box;
use alloc::vec::Vec;
use zlib_rs::Inflate;

/// Inflaters that wait for use. With one for each of a few busy connections, their windows need
/// not be loaded again.
const MAX_IDLE: usize = 8;

/// The memory of an inflater, for the budget.
const INFLATER_COST: usize = 48 * 1024;

/// Bytes of a message in parts that are held at a time, including those to which the next may
/// refer.
const PART: usize = 128 * 1024;

/// Payload that is inflated at a time: four times as much fits into half of [`PART`].
const PART_INPUT: usize = 16 * 1024;

/// Memory for inflated messages that is kept for the next one.
const MAX_MEMORY: usize = 1024 * 1024;

const WINDOWS: usize = (MAX_WINDOW_BITS - MIN_WINDOW_BITS + 1) as usize;

/// A piece of a compressed message, with the fields of a [`Piece`](crate::Piece).
#[derive(Clone, Copy, Debug)]
pub struct Compressed<'b> {
    /// The kind of the message.
    pub kind: MessageKind,
    /// Payload.
    pub bytes: &'b [u8],
    /// No earlier piece belongs to the same message.
    pub first: bool,
    /// The payload is whole.
    pub last: bool,
}

/// Serves the connections of one thread. Makes each part when it is first needed.
///
/// A server that received a compressed "Hello" (RFC 7692 section 7.2.3.1) and answers with it:
///
/// ```
/// use wirebell::deflate::{Budget, Compressed, Params, Pool, Session, Settings};
/// use wirebell::handshake::DeflateTerms;
/// use wirebell::{Connection, Event, MessageKind, Limits, Outbox, Role};
/// use wirebell::wire::NoEntropy;
///
/// let (limits, settings) = (Limits::default(), Settings::default());
/// let mut pool = Pool::new(settings, Budget::new(settings.budget));
/// let terms = DeflateTerms::default(); // from Accepted::deflate
/// let (params, mut session) = (Params::server(&terms), Session::default());
/// let mut connection = Connection::new(Role::Server, &limits, 0);
/// connection = connection.with_deflate();
///
/// let mut outbox = Outbox::new();
/// let mut input = *b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
/// let Some(Event::Piece(piece)) = connection.receive(&mut input, &mut outbox).event else {
///     panic!("no piece");
/// };
/// let piece = Compressed { kind: piece.kind, bytes: piece.bytes, first: true, last: true };
/// match pool.inflate(&mut session, &params, piece, &limits) {
///     Ok(None) => {} // more pieces are to come
///     Ok(Some(message)) => {
///         assert_eq!(message.bytes(), b"Hello");
///         let mut out = Vec::new();
///         let len = message.bytes().len() as u64;
///         let (kind, none) = (piece.kind, &mut NoEntropy);
///         let header = match pool.compress(&mut session, &params, message.bytes(), &mut out) {
///             Some(len) => connection.begin_compressed(kind, len as u64, true, none),
///             None => connection.begin(kind, len, true, none), // too short to gain
///         };
///         assert!(header.is_ok());
///         pool.recycle(message);
///     }
///     Err(violation) => connection.fail(violation, &mut outbox), // its Close is in the outbox
/// }
/// ```
pub struct Pool {
    settings: Settings,
    budget: Budget,
    idle: Vec<Idle>,
    compressors: [Option<Box<Compressor>>; WINDOWS],
    memory: Vec<u8>,
    /// How many windows have been named.
    named: u64,
}

/// An inflater, and the session whose window is in it.
struct Idle {
    zlib: Inflate,
    name: u64,
}

impl Pool {
    /// An empty pool whose connections share `budget`.
    pub fn new(settings: Settings, budget: Budget) -> Self {
        Self {
            settings,
            budget,
            idle: Vec::new(),
            compressors: [const { None }; WINDOWS],
            memory: Vec::new(),
            named: 0,
        }
    }

    /// How it compresses.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The memory that its connections may keep.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Takes the next piece of a message. Returns the message once it is whole; give it back with
    /// [`Pool::recycle`]. A message in parts is inflated as it arrives, while the budget has memory
    /// for the output; otherwise its rest waits compressed, and violations show later.
    ///
    /// # Errors
    ///
    /// The rule that the message breaks, as soon as it shows. Fail the connection with it
    /// ([`Connection::fail`](crate::Connection::fail)) and drop the session.
    // req: 7692-6.2-01 7692-7.2.2-02 7692-7.2.2-04 7692-7.2.2-05 7692-7.2.2-07 7692-7.2.2-09
    pub fn inflate(
        &mut self,
        session: &mut Session,
        params: &Params,
        piece: Compressed<'_>,
        limits: &Limits,
    ) -> Result<Option<Inflated>, Violation> {
        let Compressed {
            kind,
            bytes,
            first,
            last,
        } = piece;
        debug_assert_eq!(first, session.partial.is_none());
        let partial = session.partial.take().map(|partial| *partial);
        if !last {
            let partial = self.keep(session, params, partial, piece, limits)?;
            session.partial = Some(Box::new(partial));
            return Ok(None);
        }
        let Partial { inflating, waiting } = partial.unwrap_or_default();
        let mut inflation = match inflating {
            Some((inflation, _)) => inflation,
            None => self.begin(session, params, kind),
        };
        if first {
            inflation.use_memory(core::mem::take(&mut self.memory));
        }
        // The message is about to be handed over: it no longer has to fit the budget.
        let all = |_| true;
        inflation.push(&waiting, &session.window, limits, all)?;
        inflation.push(bytes, &session.window, limits, all)?;
        self.end(session, params, inflation, limits).map(Some)
    }

    /// Like [`Pool::inflate`], for messages of any length: inflates the front of the piece, which
    /// is removed from it, into a part of at most 128 KiB. Use it, give it back with
    /// [`Pool::hand_on`], and call this again as long as [`InflatedPart::has_more`] is true; the
    /// rest of the piece may wait meanwhile. `None` if the budget has no memory for a message that
    /// is longer than one part; then the session must be dropped, as after an error.
    ///
    /// # Errors
    ///
    /// Those of [`Pool::inflate`]; what preceded the fault has been handed on.
    pub fn inflate_part(
        &mut self,
        session: &mut Session,
        params: &Params,
        piece: &mut Compressed<'_>,
        limits: &Limits,
    ) -> Result<Option<InflatedPart>, Violation> {
        let inflating = session.partial.take().and_then(|partial| partial.inflating);
        let (mut inflation, mut reserved) = match inflating {
            Some((inflation, reserved)) => (inflation, Some(reserved)),
            None => (self.begin(session, params, piece.kind), None),
        };
        if reserved.is_none() && piece.last && self.memory.len() <= PART {
            inflation.use_memory(core::mem::take(&mut self.memory));
        }
        while inflation.is_pending() || !piece.bytes.is_empty() {
            let input = &piece.bytes[..piece.bytes.len().min(PART_INPUT)];
            let may_hold = |bytes| bytes <= PART;
            let taken = inflation.push(input, &session.window, limits, may_hold)?;
            piece.bytes = &piece.bytes[taken..];
            if inflation.is_pending() {
                break;
            }
        }
        let (from, more) = (inflation.handed(), inflation.is_pending());
        if piece.last && !more {
            let message = self.end(session, params, inflation, limits)?;
            return Ok(Some(InflatedPart::new(message, from, Follows::Nothing)));
        }
        reserved = reserved.or_else(|| self.budget.reserve(INFLATER_COST + PART));
        let Some(reserved) = reserved else {
            return Ok(None);
        };
        let plain = inflation.lend();
        session.partial = Some(Box::new(Partial {
            inflating: Some((inflation, reserved)),
            waiting: Vec::new(),
        }));
        let follows = match more {
            true => Follows::Part,
            false => Follows::Piece,
        };
        Ok(Some(InflatedPart::new(plain, from, follows)))
    }

    /// Takes back a part of [`Pool::inflate_part`]: the next one may refer to it.
    pub fn hand_on(&mut self, session: &mut Session, part: InflatedPart) {
        let partial = session.partial.as_mut();
        match partial.and_then(|partial| partial.inflating.as_mut()) {
            Some((inflation, _)) if !part.is_last() => inflation.hand_on(part.plain),
            _ => self.recycle(part.plain),
        }
    }

    /// Takes a piece that is not the last.
    fn keep(
        &mut self,
        session: &Session,
        params: &Params,
        partial: Option<Partial>,
        piece: Compressed<'_>,
        limits: &Limits,
    ) -> Result<Partial, Violation> {
        let mut partial = partial.unwrap_or_else(|| {
            let reserved = self.budget.reserve(INFLATER_COST);
            let inflating = reserved.map(|reserved| {
                let inflation = self.begin(session, params, piece.kind);
                (inflation, reserved)
            });
            Partial {
                inflating,
                ..Partial::default()
            }
        });
        let mut rest = piece.bytes;
        if partial.waiting.is_empty()
            && let Some((inflation, reserved)) = &mut partial.inflating
        {
            let may_hold = |bytes| reserved.grow(INFLATER_COST + bytes);
            let taken = inflation.push(rest, &session.window, limits, may_hold)?;
            rest = &rest[taken..];
        }
        partial.waiting.extend_from_slice(rest);
        Ok(partial)
    }

    /// Compresses a whole message into the front of `out` and returns the length; `None` if it
    /// should be sent uncompressed. The session's own compressor is used if the terms allow
    /// takeover and the budget has memory for it; otherwise the message begins with an empty
    /// window.
    pub fn compress(
        &mut self,
        session: &mut Session,
        params: &Params,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        if message.len() < self.settings.min_bytes.max(1) {
            return None;
        }
        if params.send.takeover
            && let Some(own) = session.compressor(&self.budget, params.send, self.settings.level)
        {
            return own.message(message, out);
        }
        self.compress_alone(params.send.window_bits, message, out)
    }

    /// Like [`Pool::compress`], with an empty window: for messages to many receivers. A session
    /// with its own compressor must be notified ([`Session::bypassed`]).
    pub fn compress_alone(
        &mut self,
        window_bits: u8,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        if message.len() < self.settings.min_bytes.max(1) {
            return None;
        }
        let bits = window_bits.clamp(MIN_WINDOW_BITS, MAX_WINDOW_BITS);
        let level = self.settings.level;
        let slot = &mut self.compressors[usize::from(bits - MIN_WINDOW_BITS)];
        let compressor = slot.get_or_insert_with(|| Box::new(Compressor::new(bits, level)));
        let len = compressor.message(message, out);
        compressor.restart();
        len
    }

    /// Keeps the memory of a message for the next one.
    pub fn recycle(&mut self, message: Inflated) {
        let memory = message.into_memory();
        if memory.len() > self.memory.len() && memory.len() <= MAX_MEMORY {
            self.memory = memory;
        }
    }

    /// Lends an inflater, if possible one that has the window of the session.
    fn begin(&mut self, session: &Session, params: &Params, kind: MessageKind) -> Inflation {
        let has_window = |idle: &Idle| session.name != 0 && idle.name == session.name;
        if let Some(at) = self.idle.iter().rposition(has_window) {
            let idle = self.idle.remove(at);
            return Inflation::new(idle.zlib, true, &session.window, kind);
        }
        let any = self.idle.iter().position(|idle| idle.name == 0);
        let any = any.or((self.idle.len() >= MAX_IDLE || !params.receive.takeover).then_some(0));
        let zlib = match any.filter(|at| *at < self.idle.len()) {
            Some(at) => self.idle.remove(at).zlib,
            None => Inflate::new(false, MAX_WINDOW_BITS),
        };
        Inflation::new(zlib, false, &session.window, kind)
    }

    fn end(
        &mut self,
        session: &mut Session,
        params: &Params,
        inflation: Inflation,
        limits: &Limits,
    ) -> Result<Inflated, Violation> {
        let (mut zlib, message) = inflation.finish(limits)?;
        let mut name = 0;
        if params.receive.takeover {
            session
                .window
                .push(message.bytes(), params.receive.window_bits);
            // Only a full window is the same in both: an inflater remembers 32 KiB, and a verdict
            // must not depend on whether it was lent to another session in between.
            if params.receive.window_bits == MAX_WINDOW_BITS && !has_ended(&mut zlib) {
                self.named += 1;
                name = self.named;
            }
        }
        session.name = name;
        if self.idle.len() == MAX_IDLE {
            self.idle.remove(0);
        }
        self.idle.push(Idle { zlib, name });
        Ok(message)
    }
}

impl core::fmt::Debug for Pool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pool")
            .field("settings", &self.settings)
            .field("idle", &self.idle.len())
            .finish_non_exhaustive()
    }
}
