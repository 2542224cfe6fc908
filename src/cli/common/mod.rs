//! What several commands share. It uses none of them.
//!
//! Reading order: `terminal`, `failure`, `stdout`, `units`, `files`, `logging`, `signals`,
//! `deflate`, `client`, `http`, `trace`, `markup`.

pub mod client;
pub mod deflate;
mod failure;
pub mod files;
pub mod http;
pub mod logging;
pub mod markup;
pub mod signals;
pub mod stdout;
pub mod terminal;
pub mod trace;
pub mod units;

pub use failure::Failure;
