//! Bytes ⇄ values: what one WebSocket frame looks like on the wire (RFC 6455 section 5).
//!
//! Input: bytes. Output: [`FrameHeader`], unmasked payload, [`CloseBody`], or a
//! [`Violation`](crate::Violation). Plain functions and small values; no allocation, no `std`.
//!
//! Invariant: nothing here remembers a connection. What must be carried from one piece of input
//! to the next (the phase of a [`Mask`], an unfinished character in a [`Utf8Stream`]) is a small
//! value which the caller keeps. The order of frames is left to `proto`.
//!
//! Reading order: `close_code`, `opcode`, `header`, `mask`, `entropy`, `utf8`, `close`.

mod close;
mod close_code;
mod entropy;
mod header;
mod mask;
mod opcode;
mod utf8;

pub use close::{CloseBody, MAX_CLOSE_REASON, cut_reason};
pub use close_code::CloseCode;
pub use entropy::{Entropy, NoEntropy};
pub use header::{FrameHeader, HeaderBytes, MAX_CONTROL_PAYLOAD, MAX_HEADER};
pub use mask::Mask;
pub use opcode::{MessageKind, Opcode};
pub use utf8::{InvalidUtf8, Utf8Stream};
