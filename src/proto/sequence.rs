//! Which frame may follow which: RFC 6455 section 5.4, with the limits of 10.4 and UTF-8 over
//! fragments (sections 5.6 and 8.1).
//!
//! Input: the headers of data frames and their unmasked payload, in order. Output: nothing,
//! or the rule that they break. Invariant: `length` and `fragments` never pass their bounds, and
//! both are judged on the header, before any payload.
//!
//! ```text
//!            text or binary, FIN            continuation
//!             ┌──────────┐                 ┌──────────┐
//!             │          ▼   no FIN        │          ▼
//!             └──────  idle ───────────▶   └──────  open
//!                        ▲                            │
//!                        └────────────────────────────┘
//!                              continuation, FIN
//! ```

use crate::error::Violation;
use crate::limits::Limits;
use crate::wire::{FrameHeader, MessageKind, Opcode, Utf8Stream};

/// The fragmentation of the message that is arriving, with copies of the three limits that apply,
/// so that a connection needs no reference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    max_frame: u64,
    max_message: u64,
    /// Announced bytes of the frames so far.
    length: u64,
    max_fragments: u32,
    fragments: u32,
    utf8: Utf8Stream,
    kind: MessageKind,
    /// The message came with RSV1: text can be checked only after inflating.
    compressed: bool,
    open: bool,
}

impl Sequence {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            max_frame: limits.frame_bytes,
            max_message: limits.message_bytes,
            // A message has at least one frame.
            max_fragments: limits.fragments.max(1),
            length: 0,
            fragments: 0,
            utf8: Utf8Stream::new(),
            kind: MessageKind::Binary,
            compressed: false,
            open: false,
        }
    }

    /// Changes the limits for the following frames; see
    /// [`Connection::set_message_limit`](crate::Connection::set_message_limit).
    pub(super) fn set_message_limit(&mut self, bytes: u64) {
        self.max_frame = bytes;
        self.max_message = bytes;
    }

    pub(super) fn lift_message_limits(&mut self) {
        self.set_message_limit(u64::MAX);
        self.max_fragments = u32::MAX;
    }

    pub(super) fn message_limit(&self) -> u64 {
        self.max_message
    }

    /// The longest frame that is accepted.
    #[cfg(feature = "take-over")]
    pub(super) fn frame_limit(&self) -> u64 {
        self.max_frame
    }

    /// A message is open: its next fragment has not arrived.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// The longest message that may come in one frame.
    #[inline]
    pub(super) fn longest(&self) -> u64 {
        self.max_frame.min(self.max_message)
    }

    /// The kind of the message that the current frame belongs to.
    pub(super) fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The message that the current frame belongs to is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Judges the header of a data frame. `Ok(true)` if it is the first of its message.
    #[inline]
    pub(super) fn frame(&mut self, header: &FrameHeader) -> Result<bool, Violation> {
        // req: 6455-6.2-03 6455-5.4-07
        let kind = match header.opcode {
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
            _ => None,
        };
        match (kind, self.open) {
            // req: 6455-5.4-04
            (Some(_), true) => return Err(Violation::InterleavedMessage),
            // req: 6455-6.2-04 6455-5.4-12
            (None, false) => return Err(Violation::UnexpectedContinuation),
            (Some(kind), false) => {
                self.kind = kind;
                self.compressed = header.rsv1;
                self.length = 0;
                self.fragments = 0;
            }
            (None, true) => {}
        }
        self.admit(header.length)?;
        self.open = !header.fin;
        Ok(kind.is_some())
    }

    /// The limits, compared as `u64` before anything is narrowed or reserved.
    // req: 6455-10.4-01
    #[inline]
    fn admit(&mut self, length: u64) -> Result<(), Violation> {
        if length > self.max_frame {
            return Err(Violation::FrameTooBig);
        }
        if length > self.max_message.saturating_sub(self.length) {
            return Err(Violation::MessageTooBig);
        }
        if self.fragments >= self.max_fragments && self.max_fragments < u32::MAX {
            return Err(Violation::TooManyFragments);
        }
        self.length += length;
        self.fragments = self.fragments.saturating_add(1);
        Ok(())
    }

    /// Judges unmasked payload; `last` if the message ends after it.
    // req: 6455-5.6-01 6455-8.1-01
    #[inline]
    pub(super) fn payload(&mut self, bytes: &[u8], last: bool) -> Result<(), Violation> {
        if self.kind == MessageKind::Binary || self.compressed {
            return Ok(());
        }
        self.utf8.push(bytes).map_err(|_| Violation::InvalidUtf8)?;
        if last {
            self.utf8.end().map_err(|_| Violation::InvalidUtf8)?;
        }
        Ok(())
    }
}
