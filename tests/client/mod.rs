//! The blocking client, against our server and against scripted ones.

mod answers;
mod broken_rules;
#[cfg(feature = "deflate")]
mod compressed;
mod ends;
mod exchange;
#[cfg(feature = "deflate")]
mod miscompressed;
mod opening;
mod over;
mod proxies;
mod receiving;
mod sending;
mod strangers;
mod threads;
mod turns;
mod unopened;
mod uris;
