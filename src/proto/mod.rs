//! Frames → messages → the state of a connection: RFC 6455 sections 5.4 to 7, without I/O.
//!
//! Input: the bytes that a peer sent after the handshake, the intents of the application, and the
//! time. Output: [`Event`]s that borrow the input, header bytes, and at most one Close, Pong and
//! Ping in an [`Outbox`]. Nothing here owns a buffer, reads a clock, draws a random number or
//! allocates (the [`Assembler`] alone does, behind the feature `alloc`).
//!
//! Invariant: the verdict on a stream of bytes never depends on how it was cut.
//!
//! # Your own I/O
//!
//! Messages as a `Stream` and a `Sink` on Tokio, which this crate does not depend on, and an echo
//! server built on them: the handshake, messages, control frames and closing. Deadlines
//! ([`Connection::deadline`], [`Connection::tick`]) are left out.
//!
//! ```
#![doc = include_str!("../../tests/tokio/echo.rs")]
//! ```
//!
//! Reading order: `role`, `sequence`, `closing`, `outbox`, `wait`, `connection`, `keepalive`,
//! `whole`, `intents`, `assembler`.

#[cfg(feature = "alloc")]
mod assembler;
mod closing;
mod connection;
mod event;
mod intents;
mod keepalive;
mod outbox;
mod role;
mod sequence;
mod wait;
mod whole;

#[cfg(feature = "alloc")]
pub use assembler::{Assembler, Message};
pub use closing::{Action, Eof, Input, State};
pub use connection::Connection;
pub use event::{Event, Piece, Received};
pub use outbox::{MAX_CONTROL_FRAME, Outbox};
pub use role::Role;
pub use wait::{Millis, Tick};
