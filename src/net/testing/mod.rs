//! A [`Service`](crate::net::Service) in a test: simulated sockets, a virtual clock, no threads.
//!
//! The same engine runs as in a server, so limits, deadlines, overflow and stopping are those of
//! the real one. Input: a service, what its peers send, time. Output: what the peers received.
//! Invariant: with the same calls and the same seed everything happens in the same order, except
//! for masking keys, and for random waits of [`Backoff`](crate::client::Backoff).
//!
//! ```
//! use wirebell::Message;
//! use wirebell::net::testing::{Network, Received};
//! use wirebell::net::{Context, Options, PeerId, Reply, Request, Service};
//!
//! struct Echo;
//!
//! impl Service for Echo {
//!     type Mail = ();
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
//!     fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
//!         let _ = context.send(peer, message);
//!     }
//! }
//!
//! let network = Network::new();
//! let mut server = network.serve(Options::default(), |_| Echo);
//! let mut peer = server.open("/");
//! peer.message(Message::text("hello"));
//! server.run();
//! assert_eq!(peer.received(), [Received::text("hello")]);
//!
//! // A minute in which the peer does not read: the server sends a Ping, and gives up.
//! server.advance(60_000);
//! assert_eq!(peer.received(), [Received::Ping(vec![]), Received::End]);
//! ```
//!
//! Reading order: `pipes`, `network`, `sockets`, `peer`, `test_loop`, `moving`.

#[cfg(feature = "take-over")]
mod moving;
mod network;
mod peer;
mod pipes;
mod sockets;
mod test_loop;

pub use network::Faults;
pub use peer::{Peer, Received};
pub use test_loop::{Network, TestLoop};
