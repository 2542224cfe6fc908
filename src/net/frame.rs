//! A message encoded once, for any number of receivers.
//!
//! Input: a message. Output: header and payload in one shared block, which queues hold by
//! reference. Servers do not mask (RFC 6455 section 5.1), so the bytes are the same for all.
//! Receivers with permessage-deflate get another block, one per window size in use, made when first
//! needed. It refers to nothing before it, so it suits receivers whose windows differ (RFC 7692
//! section 7.2.1: a sender may refer to earlier messages, but need not).

use crate::handshake::{MAX_WINDOW_BITS, MIN_WINDOW_BITS};
use crate::net::memory::Memory;
use crate::proto::Message;
use crate::wire::{FrameHeader, HeaderBytes, MessageKind, Opcode};
use std::sync::{Arc, OnceLock};

/// A whole unmasked frame, header included. Cloning it copies a pointer.
#[derive(Clone, Debug)]
pub struct SharedFrame {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    bytes: Box<[u8]>,
    /// Where the payload begins.
    payload: u8,
    /// The account that it is charged to, once a queue holds it.
    charged: OnceLock<Memory>,
    /// Compressed forms; `None` if it must not be compressed.
    forms: Option<OnceLock<Box<Forms>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(memory) = self.charged.get() {
            memory.sub(self.bytes.len() + BLOCK);
        }
    }
}

/// What a shared block costs besides its bytes: counters, lengths, and what the allocator adds.
const BLOCK: usize = size_of::<Inner>() + 4 * size_of::<usize>();

/// By window bits: not requested yet, not worth it, or made.
type Forms = [OnceLock<Option<SharedFrame>>; (MAX_WINDOW_BITS - MIN_WINDOW_BITS + 1) as usize];

impl SharedFrame {
    /// Encodes a message as one frame: one copy of the payload, whatever the number of receivers.
    /// Receivers with permessage-deflate get it compressed; it is compressed only once.
    pub fn new(message: Message<'_>) -> Self {
        let header = FrameHeader::data(Some(message.kind), message.bytes.len() as u64, true).emit();
        Self::assemble(&header, message.bytes, true)
    }

    /// Encodes a message that is never compressed: for messages that mix secrets with data that
    /// others can choose (RFC 7692 section 8).
    pub fn uncompressed(message: Message<'_>) -> Self {
        let header = FrameHeader::data(Some(message.kind), message.bytes.len() as u64, true).emit();
        Self::assemble(&header, message.bytes, false)
    }

    /// A frame that is never compressed.
    pub(crate) fn encoded(header: &HeaderBytes, payload: &[u8]) -> Self {
        Self::assemble(header, payload, false)
    }

    /// Bytes that already are a frame, for one receiver.
    pub(crate) fn raw(bytes: &[u8]) -> Self {
        Self::assemble(&[], bytes, false)
    }

    fn assemble(header: &[u8], payload: &[u8], compressible: bool) -> Self {
        Self {
            inner: Arc::new(Inner {
                bytes: [header, payload].concat().into(),
                payload: header.len() as u8,
                charged: OnceLock::new(),
                forms: compressible.then(OnceLock::new),
            }),
        }
    }

    /// The frame as it goes on the wire to receivers without extensions.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// The encoded message, and whether it may be compressed.
    pub(crate) fn message(&self) -> (Message<'_>, bool) {
        let (header, bytes) = self.as_bytes().split_at(usize::from(self.inner.payload));
        let kind = kind_of(header);
        (Message { kind, bytes }, self.inner.forms.is_some())
    }

    /// The form for a window of `bits`, which `compress` makes from the payload on the first
    /// request; the frame itself if compression does not pay.
    pub(crate) fn form<'s>(
        &self,
        bits: u8,
        compress: impl FnOnce(&[u8]) -> Option<&'s [u8]>,
    ) -> &Self {
        let Some(forms) = &self.inner.forms else {
            return self;
        };
        let forms = forms.get_or_init(Box::default);
        let form = forms[usize::from(bits - MIN_WINDOW_BITS)].get_or_init(|| {
            let (header, payload) = self.as_bytes().split_at(usize::from(self.inner.payload));
            let compressed = compress(payload)?;
            let mut header =
                FrameHeader::data(Some(kind_of(header)), compressed.len() as u64, true);
            header.rsv1 = true;
            Some(Self::encoded(&header.emit(), compressed))
        });
        form.as_ref().unwrap_or(self)
    }

    /// A queue holds it: from now until the last owner drops it, it counts once.
    pub(crate) fn charge(&self, memory: &Memory) {
        self.inner.charged.get_or_init(|| {
            memory.add(self.inner.bytes.len() + BLOCK);
            memory.clone()
        });
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

fn kind_of(header: &[u8]) -> MessageKind {
    match header.first().copied().and_then(Opcode::from_bits) {
        Some(Opcode::Text) => MessageKind::Text,
        _ => MessageKind::Binary,
    }
}

/// A part of a streamed body, encoded once for any number of receivers (RFC 9112 section 7.1).
/// Cloning it copies a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedChunk {
    frame: SharedFrame,
    len: usize,
}

impl SharedChunk {
    /// Encodes `bytes` as one chunk; without bytes it is empty, as an empty chunk would end the
    /// body.
    pub fn new(bytes: &[u8]) -> Self {
        let encoded = match bytes {
            [] => Vec::new(),
            _ => [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat(),
        };
        Self {
            frame: SharedFrame::raw(&encoded),
            len: bytes.len(),
        }
    }

    /// The bytes for receivers that know chunks.
    pub(crate) fn frame(&self) -> &SharedFrame {
        &self.frame
    }

    /// The bytes for HTTP/1.0, which has no chunks.
    pub(crate) fn plain(&self) -> SharedFrame {
        let encoded = self.frame.as_bytes();
        let end = encoded.len().saturating_sub(2);
        SharedFrame::raw(&encoded[end.saturating_sub(self.len)..end])
    }
}

impl PartialEq for SharedFrame {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for SharedFrame {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn each_form_is_made_once_even_if_it_does_not_pay() {
        let frame = SharedFrame::new(Message::text("hello"));
        let made = Cell::new(0);
        let shorter = |_: &[u8]| {
            made.set(made.get() + 1);
            Some(&b"hi"[..])
        };
        let first = frame.form(15, shorter).clone();
        let second = frame.clone().form(15, shorter).clone();
        assert!(first.is(&second) && first.as_bytes() == b"\xC1\x02hi");
        assert!(!frame.form(9, shorter).is(&first));
        assert_eq!(made.get(), 2);
        let not_worth_it = |_: &[u8]| {
            made.set(made.get() + 1);
            None
        };
        assert!(frame.form(12, not_worth_it).is(&frame));
        assert!(frame.form(12, shorter).is(&frame));
        assert_eq!(made.get(), 3);
    }

    #[test]
    fn a_frame_that_is_not_to_be_compressed_has_one_form() {
        let frame = SharedFrame::uncompressed(Message::binary(b"secret"));
        assert!(frame.form(15, |_| Some(b"s")).is(&frame));
    }
}
