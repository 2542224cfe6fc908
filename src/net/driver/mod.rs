//! The system around the engines: event queues, clock, threads, listeners and sockets.
//!
//! In `net`, only this folder uses mio and starts threads, and only its clock decides what is due.
//! It decides nothing about connections. Invariant: a connection never changes its thread; the
//! kernel spreads new ones over the listeners.
//!
//! Reading order: `listeners`, `sockets`, `moving`, `taps`, `alarm`, `event_loop`, `server`.

mod alarm;
mod event_loop;
mod listeners;
#[cfg(feature = "take-over")]
mod moving;
mod server;
mod sockets;
mod taps;

pub use listeners::Listen;
pub use server::{Builder, Clients, Server, WorkerError};
