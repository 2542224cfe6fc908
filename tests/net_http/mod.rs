//! The HTTP that a server speaks, over real and simulated sockets: RFC 9110, RFC 9112, and the
//! opening handshake of RFC 6455 section 4.2 as a client sees it.

mod bodies;
mod handshakes;
mod heads;
mod origins;
mod requests;
