//! Bytes of one peer → requests, frames and messages → the service.
//!
//! ```text
//!   small or first bytes:  socket ──▶ shared receive buffer ──▶ parsed and unmasked in place
//!   unfinished frame:      its head, under 131 bytes ──▶ tail, put in front of the next read
//!   large payload:         socket ──▶ directly after what has arrived of its message
//! ```
//!
//! Invariant: one read per call, so that a fast peer does not starve others; whatever a call
//! leaves unread or unhandled is remembered by the ready list or by a tail.
//!
//! Reading order: `read`, `requests`, `frames`, `events`,
//! `inflate`, `direct`, `answers`.

#[cfg(feature = "client")]
mod answers;
mod direct;
pub(crate) mod events;
mod frames;
mod inflate;
mod read;
mod requests;

use crate::net::connections::Connections;
use crate::net::mailbox::Pressure;
use crate::net::output::Output;
use crate::net::service::Service;

/// One peer's turn to be read.
pub(crate) struct Reader<'l, S: Service> {
    pub(crate) connections: &'l mut Connections,
    pub(crate) service: &'l mut S,
    /// The shared receive buffer.
    pub(crate) buffer: &'l mut Vec<u8>,
    /// Some loop has more mail than it should.
    pub(crate) pressure: &'l Pressure,
}

/// Enough has been published, here or to another loop: input is paused until some has left.
#[inline]
fn should_deliver(out: &Output, pressure: &Pressure) -> bool {
    out.is_full() || pressure.is_on()
}
