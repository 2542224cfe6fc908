//! A record on its way to the subscribers of one or more workers.
//!
//! Input: a record and its audience. Output: its wire forms, each made when it is first needed and
//! then shared by all workers. Invariant: a form is encoded once, whatever the number of
//! subscribers. What the forms look like is left to the dialects.

use crate::net::{Overflow, SharedChunk, SharedFrame};
use crate::push::hub::{Applied, Audience};
use crate::push::position::Position;
use crate::push::record::Record;
use crate::push::tally::Tally;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// One record for all subscribers of a worker. Cloning it copies a pointer.
#[derive(Clone, Debug)]
pub struct Delivery {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    record: Arc<Record>,
    position: Option<Position>,
    applied: Applied,
    origin: Instant,
    tally: Option<Tally>,
    frames: [OnceLock<SharedFrame>; 3],
    chunks: [OnceLock<SharedChunk>; 3],
}

/// How a record can be written as a WebSocket message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameForm {
    /// Its payload, as it was published.
    Raw,
    /// A `message` of `wirebell.v1`.
    Envelope,
    /// A message of the gotify dialect.
    Gotify,
}

/// How a record can be written as a part of a streamed response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChunkForm {
    /// A server-sent event with its payload.
    EventRaw,
    /// A server-sent event with the envelope.
    EventEnvelope,
    /// A line of NDJSON with the envelope.
    Line,
}

impl Delivery {
    /// `origin` is when it was accepted from its publisher.
    pub(super) fn new(
        record: Arc<Record>,
        position: Option<Position>,
        applied: Applied,
        (tally, origin): (Option<Tally>, Instant),
    ) -> Self {
        let inner = Inner {
            record,
            position,
            applied,
            origin,
            tally,
            frames: [const { OnceLock::new() }; 3],
            chunks: [const { OnceLock::new() }; 3],
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What is delivered.
    pub fn record(&self) -> &Record {
        &self.inner.record
    }

    /// When it was accepted from its publisher, or came from another server.
    pub fn origin(&self) -> Instant {
        self.inner.origin
    }

    /// Of the record; `None` if its topic is ephemeral.
    pub fn position(&self) -> Option<Position> {
        self.inner.position
    }

    /// Whom it is for. A connection that subscribed is to get it if its
    /// [`Start::order`](crate::push::Start::order) is less than [`Delivery::order`].
    pub fn audience(&self) -> &Audience {
        &self.inner.applied.audience
    }

    /// Grows with every delivery.
    pub fn order(&self) -> u64 {
        self.inner.applied.order
    }

    /// Where its receipts are counted, if its publisher wants to know.
    pub(super) fn tally(&self) -> Option<&Tally> {
        self.inner.tally.as_ref()
    }

    /// What its topic does with slow subscribers.
    pub fn overflow(&self) -> Overflow {
        self.inner.applied.overflow
    }

    /// A wire form, made by `make` on the first call.
    pub fn frame(&self, form: FrameForm, make: impl FnOnce() -> SharedFrame) -> &SharedFrame {
        self.inner.frames[form as usize].get_or_init(make)
    }

    /// A wire form, made by `make` on the first call.
    pub fn chunk(&self, form: ChunkForm, make: impl FnOnce() -> SharedChunk) -> &SharedChunk {
        self.inner.chunks[form as usize].get_or_init(make)
    }

    /// Its payload as one frame.
    pub fn raw(&self) -> &SharedFrame {
        self.frame(FrameForm::Raw, || {
            SharedFrame::new(self.inner.record.payload.message())
        })
    }

    /// Bytes that wait with it.
    pub(super) fn size(&self) -> usize {
        size_of::<Inner>() + self.inner.record.size()
    }
}
