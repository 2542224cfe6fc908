//! All integration tests, as modules of one binary.
#![forbid(unsafe_code)]

mod closing_table;
mod handshake;
mod keepalive;
mod pair;
mod requirements;
mod rfc_examples;
mod rules;
mod splits;
mod support;
mod tidy;
mod utf8;
