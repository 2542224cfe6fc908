//! All integration tests, as modules of one binary.
#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
mod cli;
#[cfg(all(feature = "client", feature = "net"))]
mod client;
mod closing_table;
#[cfg(feature = "net")]
mod corpus;
#[cfg(feature = "deflate")]
mod deflate;
mod embedded;
mod handshake;
mod keepalive;
#[cfg(all(feature = "deflate", feature = "net"))]
mod net_deflate;
#[cfg(all(feature = "client", feature = "deflate", feature = "net"))]
mod net_dial;
#[cfg(feature = "push")]
mod net_http;
#[cfg(feature = "net")]
mod net_loop;
#[cfg(feature = "cli")]
mod net_process;
#[cfg(feature = "net")]
mod net_service;
#[cfg(feature = "net")]
mod net_support;
#[cfg(all(
    feature = "client",
    feature = "deflate",
    feature = "net",
    feature = "ring"
))]
mod net_tls;
mod pair;
#[cfg(feature = "gotify")]
mod push_gotify;
#[cfg(feature = "jwt")]
mod push_native;
#[cfg(feature = "push")]
mod push_wserver;
mod requirements;
mod rfc_examples;
mod rules;
mod splits;
mod support;
mod threats;
mod tidy;
#[cfg(all(feature = "client", feature = "net"))]
mod tokio;
#[cfg(feature = "cli")]
mod tour;
mod utf8;
