//! One compressed message → its bytes: RFC 7692 section 7.2.2, with the limits of section 8.
//!
//! Input: the payload of a message, piece by piece, and the window before it. Output: [`Inflated`]
//! bytes, or the rule that the message breaks. Invariant: a verdict depends only on the bytes of
//! the message. Limits on the work are therefore checked only at places that do not depend on how
//! it was cut: at every [`STRIDE`] of the payload, and at the end of final blocks.
//!
//! ```text
//!   payload   [ ··· 4 KiB ··· | ··· 4 KiB ··· | ·· ] 00 00 ff ff
//!                             ▲               ▲    ▲           ▲
//!                          work so far?    again  again     at the end of a block, nothing left?
//! ```

use crate::deflate::window::Window;
use crate::error::Violation;
use crate::limits::Limits;
use crate::wire::{MessageKind, Utf8Stream};
use alloc::vec::Vec;
use zlib_rs::{Inflate, InflateFlush, Status};

/// What a sender has removed, followed by a byte that no block can begin with: an inflater that has
/// reached the end of a block leaves that byte unread (section 7.2.2).
const TAIL: [u8; 5] = [0x00, 0x00, 0xFF, 0xFF, 0x07];

/// Payload between two checks of the work done.
const STRIDE: u64 = 4 * 1024;

/// Work that is free: small messages may have any ratio.
const FREE_WORK: u64 = 64 * 1024;

/// Copying a window is at least this many times cheaper than inflating as many bytes.
const COPY_DISCOUNT: u64 = 8;

/// How far back DEFLATE can refer.
const MAX_DISTANCE: usize = 32 * 1024;

/// The least room that is allocated for output.
const LEAST_ROOM: usize = 1024;

/// The bytes of a compressed message, so far or in total.
#[derive(Debug, Default)]
pub struct Inflated {
    /// Initialised memory; the message is the first `len` bytes.
    memory: Vec<u8>,
    len: usize,
}

impl Inflated {
    pub(super) fn into_memory(self) -> Vec<u8> {
        self.memory
    }

    /// The bytes. Text has been checked, as far as it has arrived.
    pub fn bytes(&self) -> &[u8] {
        &self.memory[..self.len]
    }

    /// Room for more: what is left, or as much again as has arrived if `may_hold` allows that many
    /// bytes in total; but never beyond `most`.
    fn room(
        &mut self,
        most: usize,
        input: usize,
        may_hold: &mut impl FnMut(usize) -> bool,
    ) -> Option<&mut [u8]> {
        if self.len == self.memory.len() {
            let more = self.len.max(4 * input).max(LEAST_ROOM);
            let end = self.len.saturating_add(more).min(most);
            if !may_hold(end) {
                return None;
            }
            self.memory.reserve_exact(end.saturating_sub(self.len));
            self.memory.resize(end.max(self.len), 0);
        }
        let end = self.memory.len().min(most).max(self.len);
        Some(&mut self.memory[self.len..end])
    }
}

/// A part of a message: see [`Pool::inflate_part`](crate::deflate::Pool::inflate_part).
#[derive(Debug)]
pub struct InflatedPart {
    /// The part, after the bytes that it may refer to.
    pub(super) plain: Inflated,
    from: usize,
    follows: Follows,
}

/// What follows a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// Another part of the same piece.
    Part,
    /// Another piece of the message.
    Piece,
    /// Nothing: the message is whole.
    Nothing,
}

impl InflatedPart {
    pub(super) fn new(plain: Inflated, from: usize, follows: Follows) -> Self {
        Self {
            plain,
            from,
            follows,
        }
    }

    /// The bytes; there may be none. Text has been checked, but a character may be cut at the end.
    pub fn bytes(&self) -> &[u8] {
        &self.plain.bytes()[self.from..]
    }

    /// The message is whole.
    pub fn is_last(&self) -> bool {
        self.follows == Follows::Nothing
    }

    /// The rest of the piece is still to be inflated.
    pub fn has_more(&self) -> bool {
        self.follows == Follows::Part
    }
}

/// A message that is being inflated.
pub(super) struct Inflation {
    zlib: Inflate,
    plain: Inflated,
    text: Option<Utf8Stream>,
    /// Bytes of the message that have been handed on and discarded.
    gone: u64,
    /// Bytes of `plain` that have been handed on.
    handed: usize,
    /// Payload that has gone in.
    wire: u64,
    /// There was no room for all of its output.
    pending: bool,
    /// Bytes of windows that were given to the inflater for final blocks.
    reloaded: u64,
}

impl Inflation {
    /// Begins a message with an inflater whose window is already `loaded`, or with any other.
    pub(super) fn new(mut zlib: Inflate, loaded: bool, window: &Window, kind: MessageKind) -> Self {
        if !loaded {
            zlib.reset(false);
            load(&mut zlib, window);
        }
        Self {
            zlib,
            plain: Inflated::default(),
            text: (kind == MessageKind::Text).then(Utf8Stream::new),
            gone: 0,
            handed: 0,
            wire: 0,
            pending: false,
            reloaded: 0,
        }
    }

    /// Reuses the memory of an earlier message, before the first piece. Only for whole messages:
    /// one that waits for more must not hold more than has arrived.
    pub(super) fn use_memory(&mut self, memory: Vec<u8>) {
        debug_assert_eq!(self.wire, 0);
        self.plain = Inflated { memory, len: 0 };
    }

    /// Inflates the next piece of the payload, as far as `may_hold` allows the memory that the
    /// message needs; returns how many bytes were consumed. The rest must be offered again before
    /// anything else.
    pub(super) fn push(
        &mut self,
        mut input: &[u8],
        window: &Window,
        limits: &Limits,
        mut may_hold: impl FnMut(usize) -> bool,
    ) -> Result<usize, Violation> {
        let offered = input.len();
        while self.pending || !input.is_empty() {
            let begun = self.wire % STRIDE;
            let stride = match self.pending && begun == 0 {
                true => 0,
                false => (STRIDE - begun) as usize,
            };
            let stride = &input[..stride.min(input.len())];
            let taken = self.run(stride, window, limits, &mut may_hold)?;
            input = &input[taken..];
            if self.pending {
                break;
            }
            if self.wire.is_multiple_of(STRIDE) {
                self.check_work(self.wire, limits)?;
            }
        }
        Ok(offered - input.len())
    }

    /// There was no room for all output of the payload so far.
    pub(super) fn is_pending(&self) -> bool {
        self.pending
    }

    /// Where the bytes begin that have not been handed on.
    pub(super) fn handed(&self) -> usize {
        self.handed
    }

    /// The output so far, until it comes back with [`Inflation::hand_on`].
    pub(super) fn lend(&mut self) -> Inflated {
        core::mem::take(&mut self.plain)
    }

    /// The lent bytes have been used. Those further back than DEFLATE can refer to are discarded,
    /// once that is worth a copy.
    pub(super) fn hand_on(&mut self, plain: Inflated) {
        self.plain = plain;
        if self.plain.len > 2 * MAX_DISTANCE {
            let old = self.plain.len - MAX_DISTANCE;
            self.plain.memory.copy_within(old..self.plain.len, 0);
            self.plain.len = MAX_DISTANCE;
            self.gone += old as u64;
        }
        self.handed = self.plain.len;
    }

    /// The payload is whole. Returns the inflater; its window has moved on.
    // req: 7692-7.2.2-i01 7692-6.2-01
    pub(super) fn finish(mut self, limits: &Limits) -> Result<(Inflate, Inflated), Violation> {
        self.check_work(self.wire, limits)?;
        let (before_in, before_out) = (self.zlib.total_in(), self.zlib.total_out());
        // Unused room of a whole message.
        let mut nothing = [0; 1];
        let status = self
            .zlib
            .decompress(&TAIL, &mut nothing, InflateFlush::Block);
        let taken = self.zlib.total_in() - before_in;
        let made = self.zlib.total_out() - before_out;
        match status {
            Err(_) => return Err(Violation::CorruptDeflate),
            Ok(Status::Ok) if taken == 4 && made == 0 => {}
            Ok(_) => return Err(Violation::TruncatedDeflate),
        }
        if let Some(text) = &mut self.text {
            text.end().map_err(|_| Violation::InvalidUtf8)?;
        }
        Ok((self.zlib, self.plain))
    }

    /// Inflates `input`, which is within one stride, as far as there is room.
    fn run(
        &mut self,
        input: &[u8],
        window: &Window,
        limits: &Limits,
        may_hold: &mut impl FnMut(usize) -> bool,
    ) -> Result<usize, Violation> {
        let limit = usize::try_from(limits.message_bytes).unwrap_or(usize::MAX - 1);
        let mut at = 0;
        loop {
            // One byte more than allowed: it shows that the message is too long.
            let most = limit.saturating_add(1).saturating_sub(self.gone as usize);
            let Some(room) = self.plain.room(most, input.len(), may_hold) else {
                self.pending = true;
                break;
            };
            let (before_in, before_out) = (self.zlib.total_in(), self.zlib.total_out());
            let flush = InflateFlush::SyncFlush;
            let status = self.zlib.decompress(&input[at..], room, flush);
            let made = (self.zlib.total_out() - before_out) as usize;
            let full = made == room.len();
            at += (self.zlib.total_in() - before_in) as usize;
            self.accept(made, limit)?;
            let ended = matches!(status, Ok(Status::StreamEnd));
            match status {
                // req: 7692-7.2.2-i02
                Err(_) => return Err(Violation::CorruptDeflate),
                Ok(_) if ended => self.reload(self.wire + at as u64, window, limits)?,
                Ok(_) if full || at == input.len() => {}
                // No progress in spite of input and room: this library should not do that, but it
                // must never spin.
                Ok(_) => return Err(Violation::CorruptDeflate),
            }
            if at == input.len() && (ended || !full) {
                self.pending = false;
                break;
            }
        }
        self.wire += at as u64;
        Ok(at)
    }

    /// Checks new output, in the order of its bytes.
    // req: 7692-6.1-i02 7692-6-i02
    fn accept(&mut self, made: usize, limit: usize) -> Result<(), Violation> {
        let start = self.plain.len;
        self.plain.len += made;
        let limit = limit.saturating_sub(self.gone as usize);
        let end = self.plain.len.min(limit);
        if let Some(text) = &mut self.text {
            let pushed = text.push(&self.plain.memory[start..end]);
            pushed.map_err(|_| Violation::InvalidUtf8)?;
        }
        match self.plain.len > limit {
            true => Err(Violation::MessageTooBig),
            false => Ok(()),
        }
    }

    /// A final block has ended: the inflater starts again after it, with the same window (section
    /// 7.2.3.4). The copy counts as work, or two bytes could cause 32 KiB of it.
    // req: 7692-7.2.1-03
    fn reload(&mut self, wire: u64, window: &Window, limits: &Limits) -> Result<(), Violation> {
        self.zlib.reset(false);
        let plain = self.plain.bytes();
        let recent = &plain[plain.len().saturating_sub(MAX_DISTANCE)..];
        self.reloaded += recent.len() as u64;
        if recent.len() < MAX_DISTANCE {
            self.reloaded += load(&mut self.zlib, window);
        }
        let _ = self.zlib.set_dictionary(recent);
        self.check_work(wire, limits)
    }

    /// Compares the work with the payload that caused it.
    fn check_work(&self, wire: u64, limits: &Limits) -> Result<(), Violation> {
        let work = self.gone + self.plain.len as u64 + self.reloaded / COPY_DISCOUNT;
        let bound = wire.saturating_mul(u64::from(limits.inflate_ratio));
        match work > bound.max(FREE_WORK) {
            true => Err(Violation::InflateRatio),
            false => Ok(()),
        }
    }
}

/// Whether the finished message ended with a final block, which may be empty. Then the inflater
/// must start again; one that can continue is left unchanged.
pub(super) fn has_ended(zlib: &mut Inflate) -> bool {
    let status = zlib.decompress(&[], &mut [0; 1], InflateFlush::NoFlush);
    matches!(status, Ok(Status::StreamEnd))
}

/// Loads a window into an inflater that has just been reset; returns the bytes copied. A raw stream
/// accepts any dictionary at that point, so this cannot fail.
fn load(zlib: &mut Inflate, window: &Window) -> u64 {
    let (older, newer) = window.slices();
    for part in [older, newer] {
        if !part.is_empty() {
            let _ = zlib.set_dictionary(part);
        }
    }
    (older.len() + newer.len()) as u64
}
