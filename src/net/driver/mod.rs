//! The system around the engines: event queues, clock, threads, listeners and sockets.
//!
//! Only this folder uses mio, [`std::time::Instant`] and threads. It decides nothing about
//! connections. Invariant: a connection never changes its thread; the kernel spreads new ones over
//! the listeners.
//!
//! Reading order: `listeners`, `secure`, `sessions`, `no_sessions`, `sockets`, `moving`, `taps`,
//! `alarm`, `event_loop`, `server`.

mod alarm;
mod event_loop;
mod listeners;
#[cfg(feature = "take-over")]
mod moving;
#[cfg(not(feature = "tls"))]
mod no_sessions;
#[cfg(feature = "tls")]
mod secure;
mod server;
#[cfg(feature = "tls")]
mod sessions;
mod sockets;
mod taps;

pub use listeners::Listen;
pub use server::{Builder, Clients, Server, WorkerError};
