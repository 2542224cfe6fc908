//! permessage-deflate: compressed messages, RFC 7692 sections 6 and 7.2.
//!
//! Input: the compressed pieces that [`Connection::receive`](crate::Connection::receive) lends, and
//! messages to be sent. Output: whole messages, checked and within their limits, or the
//! [`Violation`](crate::Violation) that fails the connection; and payloads for
//! [`Connection::begin_compressed`](crate::Connection::begin_compressed). The negotiated terms come
//! from [`DeflateTerms`](crate::handshake::DeflateTerms).
//!
//! ```text
//!   Piece ──▶ Pool::inflate ──▶ Inflated ──▶ the application ──▶ Pool::compress ──▶ payload
//!                │     ▲                                            │       ▲
//!          inflaters  Session: window, message in parts       compressors  Session: compressor
//!          of the pool                                        of the pool
//! ```
//!
//! Invariant: nothing here grows with an announced size. Output is bounded *while* it is made
//! ([`Limits::message_bytes`](crate::Limits::message_bytes),
//! [`Limits::inflate_ratio`](crate::Limits::inflate_ratio)), what a connection keeps between
//! messages is reserved from a [`Budget`], and the verdict on a message does not depend on how its
//! bytes were cut.
//!
//! # Memory
//!
//! One [`Pool`] serves all connections of a thread. What each costs, in bytes; a test checks the
//! figures:
//!
//! | what | 9 bits | 12 bits | 15 bits |
//! |---|---|---|---|
//! | a connection without takeover | 0 | 0 | 0 |
//! | a window: the peer takes over | 512 | 4,096 | 32,768 |
//! | a compressor: we take over | 164,992 | 179,328 | 294,016 |
//! | an inflater: a message has arrived in part | 47,552 | 47,552 | 47,552 |
//!
//! A window grows from the first compressed message on; a compressor is made for the first message
//! that is sent compressed, and given back when it is idle. A pool has up to eight inflaters and
//! one compressor for each size of window in use.
//!
//! Windows, compressors, and messages in parts with their inflaters are taken from the budget. A
//! compressor may always be dropped: the next message then begins with an empty window, which any
//! sender may do at any time. A window cannot be dropped, so a server reserves it when it agrees,
//! and agrees to no takeover when nothing is left. A message in parts for which nothing is left
//! waits compressed.
//!
//! # Why zlib-rs, and directly
//!
//! It is the one DEFLATE in Rust with windows of 9 to 15 bits for the compressor, output into a
//! buffer of the caller's length, and no need for std: with std, memory comes from Rust's
//! allocator, without it from the C library's `malloc`. flate2 puts std and another layer around
//! the same calls; miniz_oxide compresses with 15 bits only. zlib-rs does not expose its window
//! after a final block, so each connection keeps its own, and an inflater that is given the window
//! of a connection can continue for it: that is also why a few inflaters serve many connections.
//!
//! A window of 8 bits is kept by matching runs only: distance one is within any window.
//!
//! Reading order: `window`, `inflater`, `compressor`, `budget`, `session`, `settings`,
//! `pool`.

mod budget;
mod compressor;
mod inflater;
mod pool;
mod session;
mod settings;
mod window;

pub use budget::{Budget, Reservation};
pub use compressor::Compressor;
pub use inflater::{Inflated, InflatedPart};
pub use pool::{Compressed, Pool};
pub use session::{Params, Session};
pub use settings::Settings;
