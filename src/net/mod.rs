//! The event loop: sockets, time and threads around the protocol core, for servers and clients.
//!
//! ```text
//!   driver: mio, clock, threads, listeners, sockets          testing: simulated ones
//!      │  ready sockets · mail · time                            │
//!      ▼                                                         ▼
//!   engine ──▶ input ──▶ Service ──▶ Context ──▶ output ──▶ Sockets (the driver again)
//!                    conn: what is known of each connection
//! ```
//!
//! Input: connections, accepted or dialled. Output: calls on a [`Service`]. One loop per worker
//! thread, each with its own listeners, connections and timers; handling a message shares nothing
//! between threads. The engine has no thread, clock or socket of its own, so a whole service can be
//! run in a test: see [`testing`].
//!
//! Invariant: every queue and every buffer here has a bound from [`Limits`](crate::Limits).
//!
//! Reading order: `words`, `limits`, `access`, `rate`, `options`, `service`, `context`,
//! `connections`, `frame`, `metrics`, `latency`, `peer_map`, `moving`, `fields`, `mailbox`,
//! `memory`, `wake`, `wheel`, `handle`, `orders`, `sockets`, `entropy`, `upgrade`; then the folders
//! `conn`, `output`, `input`, `engine`, `secure`, `driver`, `testing`.
//!
//! # A chat
//!
//! Each worker has the members that it accepted. A message of one member is encoded once and posted
//! to all workers; any other thread may post too.
//!
//! ```
//! use wirebell::Message;
//! use wirebell::net::{Context, End, Mailbox, Options, PeerId, Reply, Request};
//! use wirebell::net::{Server, Service, SharedFrame, Worker};
//!
//! struct Chat {
//!     members: Vec<PeerId>,
//!     rooms: Vec<Mailbox<SharedFrame>>,
//! }
//!
//! impl Chat {
//!     fn new(worker: &Worker<SharedFrame>) -> Self {
//!         Self { members: Vec::new(), rooms: worker.mailboxes.clone() }
//!     }
//! }
//!
//! impl Service for Chat {
//!     type Mail = SharedFrame;
//!
//!     fn request<'r>(
//!         &mut self,
//!         _: &mut Context<'_>,
//!         _: PeerId,
//!         request: &Request<'r>,
//!     ) -> Reply<'r> {
//!         request.upgrade().map(|opening| opening.accept(None)).into()
//!     }
//!
//!     fn opened(&mut self, _: &mut Context<'_>, peer: PeerId) {
//!         self.members.push(peer);
//!     }
//!
//!     fn message(&mut self, _: &mut Context<'_>, _: PeerId, message: Message<'_>) {
//!         let frame = SharedFrame::new(message);
//!         for room in &self.rooms {
//!             // A room that is full misses this one; loops stop reading before that happens.
//!             let _ = room.post(frame.clone(), frame.as_bytes().len());
//!         }
//!     }
//!
//!     fn mail(&mut self, context: &mut Context<'_>, frame: SharedFrame) {
//!         for member in &self.members {
//!             let _ = context.send_frame(*member, &frame, 0);
//!         }
//!     }
//!
//!     fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, _: End) {
//!         self.members.retain(|member| *member != peer);
//!     }
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let server = Server::bind("127.0.0.1:0", Options::default(), Chat::new)?;
//! let rooms = server.mailboxes().to_vec();
//! std::thread::spawn(move || {
//!     let news = SharedFrame::new(Message::text("hello from another thread"));
//!     for room in rooms {
//!         room.post(news.clone(), news.as_bytes().len()).expect("nothing else is posted");
//!     }
//! });
//! // Wait for a signal here; then say goodbye to all peers:
//! server.stop();
//! server.join();
//! # Ok(())
//! # }
//! ```
#![cfg_attr(feature = "client", doc = include_str!("clients.md"))]

mod access;
mod conn;
mod connections;
mod context;
mod driver;
mod engine;
mod entropy;
#[cfg(feature = "take-over")]
pub(crate) mod fields;
mod frame;
mod handle;
mod input;
mod latency;
mod limits;
mod mailbox;
mod memory;
mod metrics;
#[cfg(feature = "take-over")]
mod moving;
mod options;
#[cfg(feature = "take-over")]
mod orders;
mod output;
mod peer_map;
mod rate;
mod secure;
mod service;
mod sockets;
pub mod testing;
mod upgrade;
mod wake;
mod wheel;
mod words;

pub use crate::http::{Request, Response};
pub use access::{Access, AccessLog};
#[cfg(feature = "push")]
pub(crate) use conn::addresses::network;
#[cfg(feature = "client")]
pub use conn::dialing::Dial;
pub use context::Context;
pub use driver::{Builder, Clients, Listen, Server, WorkerError};
pub use frame::{SharedChunk, SharedFrame};
pub use handle::{Handle, Worker};
pub use latency::Latency;
pub use limits::Limits;
pub use mailbox::{Mailbox, PostError};
pub use metrics::Counters;
#[cfg(feature = "take-over")]
pub use moving::{Moved, MovedListener, Unsettled};
pub use options::Options;
pub use peer_map::PeerMap;
#[cfg(feature = "push")]
pub(crate) use rate::Throttle;
pub use rate::{BadRate, Rate};
#[cfg(feature = "take-over")]
pub use service::Export;
pub use service::{Reply, Service, Upgrade};
pub use sockets::{ListenerCounts, SocketCounts};
pub use words::{Cause, Chunk, Delivery, End, Overflow, PeerId, Sent};
