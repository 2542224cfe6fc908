//! What several tools share. It uses none of them.
//!
//! Reading order: `failure`, `terminal`, `progress`, `signals`, `deflate`, `tls`, `client`,
//! `https`, `http`, `markup`.

pub mod client;
pub mod deflate;
pub mod failure;
pub mod http;
pub mod https;
pub mod markup;
pub mod progress;
pub mod signals;
pub mod terminal;
pub mod tls;
