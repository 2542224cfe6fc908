//! A message → its compressed payload: RFC 7692 section 7.2.1.
//!
//! Input: a message, whole or in fragments. Output: DEFLATE data that ends at a byte boundary,
//! without the four bytes that the receiver puts back; or nothing if it would not be shorter.
//! Invariant: no match reaches further back than the agreed window, nor before the last
//! [`Compressor::restart`].

use crate::handshake::{MAX_WINDOW_BITS, MIN_WINDOW_BITS};
use alloc::vec::Vec;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Method, Status, Strategy};

/// What a flush ends with, which is cut off the payload (section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Room beyond the message: with less than seven bytes a flush might have to be called again and
/// would then write a second marker.
const SLACK: usize = 16;

/// Blocks of up to 4,096 symbols. More would cost memory in every connection with takeover and gain
/// nothing below 64 KiB.
const MEM_LEVEL: i32 = 6;

/// Compresses the messages of one direction.
pub struct Compressor {
    zlib: Deflate,
    bits: u8,
    level: u8,
    /// The window must be discarded before the next message.
    stale: bool,
    /// A message was begun and not ended. zlib-rs 0.6 cannot be reset then: it keeps the open block
    /// and the position in its buffer, so that the next message would be corrupt, or panic.
    unfinished: bool,
}

impl Compressor {
    /// For a window of `bits` (8 to 15) and a level from 0 to 9; other values count as the nearest.
    // req: 7692-7.2.1-06 7692-7.2.1-12 7692-7.2.1-14 7692-7.2.2-10 7692-5-i02
    pub fn new(bits: u8, level: u8) -> Self {
        let bits = bits.clamp(MIN_WINDOW_BITS, MAX_WINDOW_BITS);
        let level = level.min(9);
        Self {
            zlib: make(bits, level),
            bits,
            level,
            stale: false,
            unfinished: false,
        }
    }

    /// The bytes of memory that a compressor with a window of `bits` takes.
    pub const fn cost(bits: u8) -> usize {
        let window = if bits < 9 { 512 } else { 1 << bits };
        // The window twice, its hash chains, and a constant part.
        4 * window + 162_944
    }

    /// The next message begins with an empty window.
    // req: 7692-7.2.1-07 7692-7.2.1-10
    pub fn restart(&mut self) {
        self.stale = true;
    }

    /// Compresses a whole message into the front of `out`, and returns the length; `None` if the
    /// uncompressed message would not be longer. `out` grows to a little over nine eighths of the
    /// message, the worst case of DEFLATE.
    // req: 7692-6.1-01 7692-7.2.1-i01 7692-7.2.1-i03
    pub fn message(&mut self, message: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        self.begin();
        let room = message.len() + message.len() / 8 + SLACK;
        if out.len() < room {
            out.resize(room, 0);
        }
        let before = (self.zlib.total_in(), self.zlib.total_out());
        let flush = DeflateFlush::SyncFlush;
        let status = self.zlib.compress(message, &mut out[..room], flush);
        let taken = (self.zlib.total_in() - before.0) as usize;
        let made = (self.zlib.total_out() - before.1) as usize;
        let len = made.saturating_sub(TAIL.len());
        let whole = matches!(status, Ok(Status::Ok)) && taken == message.len() && made < room;
        self.unfinished = !whole;
        if !whole || len >= message.len() {
            // The receiver will not see what the window now holds.
            self.stale = true;
            return None;
        }
        debug_assert_eq!(out[len..made], TAIL);
        Some(len)
    }

    /// Compresses a fragment of a message and appends it to `out`. The last one ends the message. A
    /// fragment may produce no bytes, as its data may leave with the next one.
    // req: 7692-7.2.1-05 7692-7.2.1-i02
    pub fn fragment(&mut self, fragment: &[u8], first: bool, last: bool, out: &mut Vec<u8>) {
        if first {
            self.begin();
        }
        self.unfinished = !last;
        let flush = match last {
            true => DeflateFlush::SyncFlush,
            false => DeflateFlush::NoFlush,
        };
        let start = out.len();
        let (mut at, mut end) = (0, start);
        loop {
            out.resize(end + SLACK + (fragment.len() - at) / 2, 0);
            let before = (self.zlib.total_in(), self.zlib.total_out());
            let status = self.zlib.compress(&fragment[at..], &mut out[end..], flush);
            debug_assert!(status.is_ok());
            at += (self.zlib.total_in() - before.0) as usize;
            end += (self.zlib.total_out() - before.1) as usize;
            if end < out.len() {
                break;
            }
        }
        out.truncate(end);
        if !last {
            return;
        }
        if out[start..].ends_with(&TAIL) {
            out.truncate(end - TAIL.len());
        } else {
            // Nothing was added since the last flush: an empty block, of which one byte remains.
            out.push(0);
        }
    }

    fn begin(&mut self) {
        let stale = core::mem::take(&mut self.stale);
        if core::mem::take(&mut self.unfinished) {
            self.zlib = make(self.bits, self.level);
        } else if stale {
            self.zlib.reset();
        }
    }
}

fn make(bits: u8, level: u8) -> Deflate {
    // zlib has no raw stream with 8 bits. Runs have distance one, which is within any window.
    let strategy = match bits {
        MIN_WINDOW_BITS => Strategy::Rle,
        _ => Strategy::Default,
    };
    Deflate::new_with_config(DeflateConfig {
        level: i32::from(level),
        method: Method::Deflated,
        window_bits: -i32::from(bits.max(9)),
        mem_level: MEM_LEVEL,
        strategy,
    })
}

impl core::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Compressor")
            .field("stale", &self.stale)
            .finish_non_exhaustive()
    }
}
