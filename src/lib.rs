//! Wirebell: RFC 6455 WebSockets from scratch.
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod error;
pub mod handshake;
mod limits;
#[cfg(feature = "net")]
pub mod net;
pub mod proto;
#[cfg(feature = "push")]
pub mod push;
pub mod wire;

pub use error::{Misuse, Refusal, Violation};
pub use limits::Limits;
#[cfg(feature = "alloc")]
pub use proto::{Assembler, Message};
pub use proto::{Connection, Ended, Event, Outbox, Piece, Received, Role, State};
pub use wire::{CloseBody, CloseCode, Kind, Mask, Opcode};
