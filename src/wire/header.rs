//! The header of a frame: RFC 6455 section 5.2, and with it all rules that one header can break.
//!
//! Input: the first bytes of a frame, as many as have arrived. Output: a [`FrameHeader`] and its
//! length in bytes, or the first rule that is broken, in the order of the bytes; or, when writing,
//! a header as [`HeaderBytes`].
//!
//! ```text
//!  byte 0            byte 1            0, 2 or 8 bytes     0 or 4 bytes
//! ┌─┬─┬─┬─┬───────┐ ┌─┬─────────────┐ ┌─────────────────┐ ┌─────────────┐
//! │F│R│R│R│opcode │ │M│ length 0–125│ │ length, if 126  │ │ masking key │
//! │I│S│S│S│       │ │A│ 126: 16 bit │ │ or 127, high    │ │ if M is set │
//! │N│1│2│3│       │ │S│ 127: 64 bit │ │ byte first      │ │             │
//! └─┴─┴─┴─┴───────┘ └─┴─────────────┘ └─────────────────┘ └─────────────┘
//! ```
//!
//! Invariant: a rule is judged as soon as its byte is there, and a longer prefix of the same frame
//! never gets a different verdict. Which frame may follow which is left to `proto::sequence`.

use crate::error::Violation;
use crate::wire::{MessageKind, Opcode};

/// The longest header: 2 bytes, 8 of length, 4 of masking key.
pub const MAX_HEADER: usize = 14;

/// The longest payload of a control frame (RFC 6455 section 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_RSV3: u8 = 0x30;
const MASKED: u8 = 0x80;

/// Everything that one header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// This is the last frame of its message.
    pub fin: bool,
    /// The bit that an extension may use (RFC 7692: the message is compressed).
    pub rsv1: bool,
    /// What the frame is for.
    pub opcode: Opcode,
    /// The masking key, if the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload, at most 2^63 - 1. Stays `u64` until it has been compared with a limit.
    pub length: u64,
}

impl FrameHeader {
    /// The header of a data frame: `kind` starts a message, `None` continues one.
    pub const fn data(kind: Option<MessageKind>, length: u64, fin: bool) -> Self {
        let opcode = match kind {
            Some(kind) => kind.opcode(),
            None => Opcode::Continuation,
        };
        Self {
            fin,
            rsv1: false,
            opcode,
            mask: None,
            length,
        }
    }

    /// The header of a control frame, which is never fragmented and never long.
    pub const fn control(opcode: Opcode, length: u8) -> Self {
        debug_assert!(opcode.is_control() && length as usize <= MAX_CONTROL_PAYLOAD);
        // req: 6455-5.5-01 6455-5.5-02 6455-5.4-02
        Self {
            fin: true,
            rsv1: false,
            opcode,
            mask: None,
            length: length as u64,
        }
    }

    /// Reads a header from the front of `input`.
    ///
    /// `masked` says what the peer must do: clients mask, servers do not (RFC 6455 section 5.1).
    /// `Ok(None)` means that more bytes are needed; otherwise the header and how many bytes it
    /// took. Looks at no more than [`MAX_HEADER`] bytes.
    #[inline]
    pub fn parse(input: &[u8], masked: bool) -> Result<Option<(Self, usize)>, Violation> {
        let Some(&first) = input.first() else {
            return Ok(None);
        };
        let opcode = check_first(first)?;
        let Some(&second) = input.get(1) else {
            return Ok(None);
        };
        check_second(second, opcode, masked)?;
        let Some((length, at)) = read_length(second & !MASKED, &input[2..])? else {
            return Ok(None);
        };
        let at = 2 + at;
        let (mask, end) = match masked {
            false => (None, at),
            true => match input[at..].first_chunk::<4>() {
                Some(key) => (Some(*key), at + 4),
                None => return Ok(None),
            },
        };
        let header = Self {
            fin: first & FIN != 0,
            rsv1: first & RSV1 != 0,
            opcode,
            mask,
            length,
        };
        Ok(Some((header, end)))
    }

    /// Writes the header in its shortest form.
    // req: 6455-5.2-02 6455-5.2-06 6455-5.3-01 6455-6.1-04 6455-6.1-07
    #[inline]
    pub fn emit(&self) -> HeaderBytes {
        let mut bytes = [0; MAX_HEADER];
        bytes[0] = self.opcode.bits() | bit(self.fin, FIN) | bit(self.rsv1, RSV1);
        let (short, mut end) = match self.length {
            length @ 0..126 => (length as u8, 2),
            length @ 126..=0xFFFF => {
                bytes[2..4].copy_from_slice(&(length as u16).to_be_bytes());
                (126, 4)
            }
            length => {
                debug_assert!(length >> 63 == 0);
                bytes[2..10].copy_from_slice(&length.to_be_bytes());
                (127, 10)
            }
        };
        bytes[1] = short | bit(self.mask.is_some(), MASKED);
        if let Some(key) = self.mask {
            bytes[end..end + 4].copy_from_slice(&key);
            end += 4;
        }
        HeaderBytes {
            bytes,
            len: end as u8,
        }
    }
}

const fn bit(set: bool, mask: u8) -> u8 {
    if set { mask } else { 0 }
}

/// Rules of the first byte: reserved bits, reserved opcodes, no fragmented control frames.
///
/// RSV1 on the first frame of a message is left to `proto`, which knows whether a negotiated
/// extension gives it a meaning.
#[inline]
fn check_first(first: u8) -> Result<Opcode, Violation> {
    let Some(opcode) = Opcode::from_bits(first) else {
        // req: 6455-5.2-04
        return Err(Violation::ReservedOpcode);
    };
    let first_of_message = matches!(opcode, Opcode::Text | Opcode::Binary);
    if first & RSV2_RSV3 != 0 || (first & RSV1 != 0 && !first_of_message) {
        // req: 6455-5.2-03 6455-5.2-09 6455-5.2-10 6455-5.2-11 7692-6.1-04
        return Err(Violation::ReservedBit);
    }
    if opcode.is_control() && first & FIN == 0 {
        // req: 6455-5.4-02 6455-5.5-02 6455-5.4-12
        return Err(Violation::FragmentedControl);
    }
    Ok(opcode)
}

/// Rules of the second byte: the direction of masking, and the size of control frames.
#[inline]
fn check_second(second: u8, opcode: Opcode, masked: bool) -> Result<(), Violation> {
    if (second & MASKED != 0) != masked {
        // req: 6455-5.1-02 6455-5.1-05
        return Err(if masked {
            Violation::UnmaskedFrame
        } else {
            Violation::MaskedFrame
        });
    }
    if opcode.is_control() && (second & !MASKED) as usize > MAX_CONTROL_PAYLOAD {
        // req: 6455-5.5-01
        return Err(Violation::OversizedControl);
    }
    Ok(())
}

/// The length, and how many bytes it took after the second one.
#[inline]
fn read_length(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    match short {
        126 => match rest.first_chunk::<2>() {
            None => Ok(None),
            Some(bytes) => match u16::from_be_bytes(*bytes) as u64 {
                // req: 6455-5.2-06
                0..126 => Err(Violation::NonMinimalLength),
                length => Ok(Some((length, 2))),
            },
        },
        127 => read_long_length(rest),
        length => Ok(Some((length as u64, 0))),
    }
}

/// Eight bytes of length. The top bit is judged on the first byte alone; an encoding that is too
/// long shows only once all eight are there.
fn read_long_length(rest: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    if rest.first().is_some_and(|byte| byte & 0x80 != 0) {
        // req: 6455-5.2-05
        return Err(Violation::LengthTopBit);
    }
    let Some(bytes) = rest.first_chunk::<8>() else {
        return Ok(None);
    };
    match u64::from_be_bytes(*bytes) {
        // req: 6455-5.2-06
        0..=0xFFFF => Err(Violation::NonMinimalLength),
        length => Ok(Some((length, 8))),
    }
}

/// A header ready to be written: up to [`MAX_HEADER`] bytes without an allocation.
#[derive(Clone, Copy, Debug)]
pub struct HeaderBytes {
    bytes: [u8; MAX_HEADER],
    len: u8,
}

impl HeaderBytes {
    /// The bytes to write.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }

    /// Copies the header to the front of `out` and returns its length. All of the memory is copied:
    /// a copy of fixed length is two instructions, one of a length of two or four is a call.
    ///
    /// # Panics
    ///
    /// If `out` is shorter than [`MAX_HEADER`].
    #[inline]
    pub fn copy_to(&self, out: &mut [u8]) -> usize {
        out[..MAX_HEADER].copy_from_slice(&self.bytes);
        self.len as usize
    }
}

impl core::ops::Deref for HeaderBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}
