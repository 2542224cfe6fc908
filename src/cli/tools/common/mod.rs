//! What several tools share. It uses none of them.
//!
//! Reading order: `failure`, `terminal`, `signals`, `deflate`, `client`, `http`, `markup`.

pub mod client;
pub mod deflate;
pub mod failure;
pub mod http;
pub mod markup;
pub mod signals;
pub mod terminal;
