//! What several commands share. It uses none of them.
//!
//! Reading order: `terminal`, `failure`, `stdout`, `units`, `files`, `logging`, `signals`,
//! `deflate`, `one_or_many`, `tls`, `no_tls`, `trace`.

pub mod deflate;
mod failure;
pub mod files;
pub mod logging;
pub mod one_or_many;
pub mod signals;
pub mod stdout;
pub mod terminal;
#[cfg(feature = "ring")]
pub mod tls;
#[cfg(not(feature = "ring"))]
#[path = "no_tls.rs"]
pub mod tls;
#[cfg(feature = "cli")]
pub mod trace;
pub mod units;

pub use failure::Failure;
#[cfg(feature = "data")]
pub use failure::quietly;
