//! The event loop: sockets, time and threads around the protocol core.
//!
//! Comes in: connections. Goes out: calls on a [`Service`]. One loop per worker thread, each with
//! its own listener, its own connections and its own timers; nothing is shared on the way of a
//! message. The rules that make it quick stand in `event_loop`, `input` and `core`.
//!
//! Invariant: no queue and no buffer here is without a bound from [`Limits`](crate::Limits).
//!
//! Reading order: `service`, `peer`, `event_loop`, `input`, `core`; then the parts they use:
//! `send_queue`, `turn`, `timers`, `deadlines`, `accept`, `mailbox`, `http`, `server`.

mod accept;
mod context;
mod core;
mod deadlines;
mod event_loop;
mod frame;
pub mod http;
mod input;
mod mailbox;
mod options;
mod peer;
mod send_queue;
mod server;
mod service;
mod slots;
mod timers;
mod transport;
mod turn;

pub use context::{Context, Counters, Sent};
pub use frame::SharedFrame;
pub use http::{Request, Response};
pub use mailbox::Mailbox;
pub use options::Options;
pub use send_queue::Overflow;
pub use server::{Server, Worker};
pub use service::{End, Reply, Service};
pub use slots::PeerId;
