//! Wirebell: RFC 6455 WebSockets, written from scratch in safe Rust.
//!
//! | you want | use | features |
//! |---|---|---|
//! | a server | [`net::Server`] with your own [`net::Service`] | `net` |
//! | a client | [`client::Client`]; `Client::over` for your own stream | `client`; for TLS `ring` |
//! | many clients on one thread | [`net::Clients`] | `client`, `net` |
//! | compression | [`deflate`], and the `Options` of servers and clients | `deflate` |
//! | a push server in a program | [`push::PushServer`] | `push` |
//! | tests of a service, without sockets, on a simulated clock | [`net::testing`] | `net` |
//! | your own I/O, or none | [`Connection`]; on Tokio, a stream and a sink: [`proto`] | none |
//! | a device without `std` and allocator | the core over two fixed buffers: [`embedded`] | none |
//! | hyper or another HTTP server | [`handshake`] in types of the crate `http` | `http-types` |
//! | learning the protocol | [`tour`]: seven recorded exchanges, explained byte by byte | |
#![cfg_attr(all(feature = "client", feature = "net"), doc = include_str!("examples.md"))]
//!
//! # Features
//!
//! | feature | brings | depends on |
//! |---|---|---|
//! | none | [`wire`], [`handshake`], [`proto`]: `no_std`, no allocator | httparse, sha1, base64 |
//! | `alloc` | [`Assembler`] | |
//! | `deflate` | permessage-deflate, RFC 7692: [`deflate`]; `no_std` too | zlib-rs |
//! | `http-types` | handshakes in types of the crate `http`, for hyper and others | http |
//! | `client` | [`client`]; with `net`, clients in the event loop | rand |
//! | `net` | the event loop, HTTP | mio, socket2, slab, simdutf8, httpdate, log |
//! | `push` | the push server: [`push`] | serde, serde_json, sha2, toml |
//! | `take-over` | a new process takes over the connections of the old one | rustix |
//! | `jwt` | JWTs as tokens of the push server | hmac |
//! | `data` | a log in a file: what was published survives the process | redb |
//! | `redis` | a log that several servers share, in Redis or Valkey | redis |
//! | `gotify` | clients of gotify: users, applications, `/stream` | argon2, rand |
//! | `tls` | TLS sessions, for `wss://`; needs a provider of cryptography: `ring` | rustls |
//! | `ring` | the usual provider | ring, which needs a C compiler |
//! | `native-certs` | the authorities that the system trusts | rustls-native-certs |
//! | `self-signed` | certificates for development | rcgen |
//! | `serve` | the `wirebell` command with `serve` and `echo` alone | clap, and some small ones |
//! | `socket-activation` | `--listen fd:3` and `LISTEN_FDS` of the command | listenfd |
//! | `cli` (default) | the whole `wirebell` command | ureq, etherparse, hdrhistogram and others |
//!
//! Features are additive; none changes what another part does.
//!
//! # How it fits together
//!
//! Four things in one crate, each usable without the next: a protocol core without I/O, `std` or
//! allocation, with optional compression; a blocking client; an event loop on
//! [mio](https://docs.rs/mio) for servers and clients; and a push server, which the `wirebell`
//! command runs.
//!
//! ```text
//!  socket ──read──▶ shared receive buffer ──&mut [u8]──▶ handshake (HTTP head) ─────────┐
//!                            │                                │ plain HTTP request      │
//!                            │                                └─────────▶ push: HTTP    ▼
//!                            └───────────────&mut [u8]────────────▶ Connection::receive
//!                                                                       │ Event
//!                                                                       ▼
//!                            Pool::inflate · Assembler ──Message──▶ Service (echo, push, yours)
//!                                                                                │ publish
//!                                                                                ▼
//!  socket ◀─one write per turn── cork · run · queue ◀──── SharedFrame (once) ◀── Hub
//!                                      ▲
//!                                      └── Pong and Close, from the Outbox
//! ```
//!
//! # Guarantees
//!
//! - Nothing in `wire`, `handshake` and `proto` opens a socket, reads a clock, starts a thread or
//!   draws a random number; none of it can block or return an I/O error.
//! - No module uses one that comes after it in the list below.
//! - No user code runs inside [`Connection::receive`].
//! - No unbounded queue or buffer: every bound is in [`Limits`].
//! - No `unsafe`.
//!
//! What a peer, a publisher, a proxy or another process can try, and what answers it: [`threats`].
//!
//! # Reading the source
//!
#![doc = include_str!("tour/source.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "deflate")]
pub mod deflate;
#[cfg(all(any(feature = "client", feature = "net"), not(feature = "deflate")))]
#[path = "deflate/stub.rs"]
#[allow(
    dead_code,
    reason = "it mirrors the real module, whichever parts are used"
)]
mod deflate;
#[cfg(doc)]
#[doc = include_str!("embedded.md")]
#[doc = include_str!("../tests/no_std/measured.md")]
/// # The whole example
///
/// Its tests are in `tests/embedded`: every end of the ring in every byte, random messages,
/// refusals, violations, a peer that does not read, and every wait.
///
/// ```
#[doc = include_str!("../tests/embedded/endpoint.rs")]
/// ```
pub mod embedded {}
pub mod error;
pub mod handshake;
pub mod http;
mod limits;
#[cfg(feature = "net")]
pub mod net;
mod options;
pub mod proto;
#[cfg(feature = "push")]
pub mod push;
#[cfg(any(feature = "push", feature = "tls"))]
mod stamp;
#[cfg(any(feature = "client", feature = "net"))]
mod tap;
#[cfg(doc)]
#[doc = include_str!("threats.md")]
pub mod threats {}
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(doc)]
pub mod tour;
pub mod wire;

pub use error::{BadResponse, HeadError, Misuse, Refusal, Violation};
pub use limits::Limits;
#[cfg(feature = "alloc")]
pub use proto::{Assembler, Message};
pub use proto::{Connection, Eof, Event, Outbox, Piece, Received, Role, State};
#[cfg(any(feature = "client", feature = "net"))]
pub use tap::{ConnectionInfo, Tap};
pub use wire::{CloseBody, CloseCode, Mask, MessageKind, Opcode};

/// The examples of the READMEs compile.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../README.md")]
#[doc = include_str!("cli/README.md")]
#[doc = include_str!("cli/server/README.md")]
#[doc = include_str!("push/README.md")]
#[doc = include_str!("tour/README.md")]
pub struct Readme;
