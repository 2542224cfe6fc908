//! What several commands share. It uses none of them.
//!
//! Reading order: `terminal`, `failure`, `stdout`, `units`, `files`, `logging`, `signals`,
//! `deflate`, `trace`.

pub mod deflate;
mod failure;
pub mod files;
pub mod logging;
pub mod signals;
pub mod stdout;
pub mod terminal;
#[cfg(feature = "cli")]
pub mod trace;
pub mod units;

pub use failure::Failure;
