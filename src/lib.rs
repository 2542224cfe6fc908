//! Wirebell: RFC 6455 WebSockets, written from scratch in safe Rust.
//!
//! Four things in one crate, each usable without the next: a **protocol core** without I/O, `std`
//! or allocation, with **compression** beside it; a blocking **client**; an **event loop** on
//! [mio](https://docs.rs/mio) for servers and clients; and a **push server** on top, which the
//! `wirebell` command runs.
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
//!  socket ◀─one write per turn── cork · chain · queue ◀── SharedFrame (once) ◀── Hub
//!                                      ▲
//!                                      └── Pong and Close, from the Outbox
//! ```
//!
//! # Where to begin
//!
//! - Your own I/O, or none: [`Connection`]. Its documentation has an example that runs.
//! - A client: [`client::Client`]; many of them on one thread: [`net::Clients`].
//! - A server of your own: [`net::Service`], an echo server in twenty lines; [`net`] has a chat.
//! - A push server in a program: [`push::PushServer`].
//!
//! # Features
//!
//! | feature | brings | depends on |
//! |---|---|---|
//! | none | [`wire`], [`handshake`], [`proto`]: `no_std`, no allocator | httparse, sha1, base64 |
//! | `alloc` | [`Assembler`] | |
//! | `deflate` | permessage-deflate, RFC 7692: [`deflate`]; `no_std` too | zlib-rs |
//! | `client` | [`client`]; with `net`, clients in the event loop | rand |
//! | `net` | the event loop, HTTP | mio, socket2, slab, simdutf8, httpdate, log |
//! | `push` | the hub and the dialects | serde, serde_json, subtle |
//! | `cli` (default) | the `wirebell` command | clap and what it needs around it |
//!
//! Features add; none changes what another part does.
//!
//! # Reading the source
//!
//! Each file needs only those before it: `wire/` ([`Opcode`], header, mask, UTF-8, close codes),
//! `handshake/`, `deflate/`, `proto/` (sequence, closing, outbox, keepalive, connection,
//! assembler), `tap`, `client/`, `net/`, `push/`.
//!
//! | RFC 6455 | where |
//! |---|---|
//! | 3 URIs | `client/uri` |
//! | 4.1 opening, the client's side | `handshake/client`, `client/opening`, `client/turn` |
//! | 4.2, 4.4 opening, the server's side | `handshake/server`, `handshake/key` |
//! | 5.2 frames | `wire/header` |
//! | 5.3 masking | `wire/mask` |
//! | 5.4 fragmentation | `proto/sequence` |
//! | 5.5 control frames | `proto/connection`, `proto/outbox`, `wire/close` |
//! | 6 sending and receiving | `proto/intents`, `proto/connection` |
//! | 7 closing | `proto/closing`, `wire/close`, `net/deadlines`, `client/waiting` |
//! | 7.2.3 reconnecting | `client/backoff`, `net/dial` |
//! | 8.1 UTF-8 | `wire/utf8` |
//! | 9.1 extensions | `handshake/extensions` |
//! | 10.2 origin | `handshake/origin`, `push/origin` |
//! | 10.3 masking keys | `client/entropy`, `net/masked` |
//! | 10.4 limits | `limits` |
//!
//! | RFC 7692 | where |
//! |---|---|
//! | 5, 7.1 negotiation | `handshake/deflate` |
//! | 6 RSV1 | `wire/header`, `proto/connection`, `proto/intents` |
//! | 7.2.1 compression | `deflate/compressor` |
//! | 7.2.2 decompression | `deflate/inflater`, `deflate/window` |
//! | 8 security | `deflate/inflater`, `net/compression` |
//!
//! # What is not there
//!
//! - Nothing in `wire`, `handshake` and `proto` names a socket, a clock, a thread or a random
//!   source; none of it can block or return an I/O error.
//! - No module uses one that comes after it in the list above.
//! - No user code runs inside [`Connection::receive`].
//! - No queue and no buffer without a bound from [`Limits`].
//! - No `unsafe`.
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "deflate")]
pub mod deflate;
pub mod error;
pub mod handshake;
mod limits;
#[cfg(feature = "net")]
pub mod net;
pub mod proto;
#[cfg(feature = "push")]
pub mod push;
#[cfg(any(feature = "client", feature = "net"))]
mod tap;
pub mod wire;

pub use error::{Misuse, Refusal, Violation};
pub use limits::Limits;
#[cfg(feature = "alloc")]
pub use proto::{Assembler, Message};
pub use proto::{Connection, Ended, Event, Outbox, Piece, Received, Role, State};
#[cfg(any(feature = "client", feature = "net"))]
pub use tap::{Ends, Tap};
pub use wire::{CloseBody, CloseCode, Kind, Mask, Opcode};
