//! The blocking client, against our server, against scripted ones, and against those of others.

mod answers;
#[cfg(feature = "deflate")]
mod compressed;
mod ends;
mod exchange;
mod opening;
mod proxies;
mod receiving;
mod scripted;
mod sending;
mod strangers;
mod turns;
mod uris;
