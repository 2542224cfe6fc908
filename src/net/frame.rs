//! A message encoded once, for any number of receivers.
//!
//! Comes in: a message. Goes out: header and payload in one shared block, which queues hold by
//! reference. Servers do not mask (RFC 6455 section 5.1), so the bytes are the same for all.

use crate::proto::Message;
use crate::wire::FrameHeader;
use std::sync::Arc;

/// A whole unmasked frame, header included. Cloning it copies a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFrame {
    bytes: Arc<[u8]>,
}

impl SharedFrame {
    /// Encodes a message as one frame: two copies of the payload, whatever the number of receivers.
    pub fn new(message: Message<'_>) -> Self {
        let header = FrameHeader::data(Some(message.kind), message.bytes.len() as u64, true).emit();
        Self {
            bytes: [header.as_bytes(), message.bytes].concat().into(),
        }
    }

    /// The frame as it goes on the wire.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes)
    }
}
