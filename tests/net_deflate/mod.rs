//! permessage-deflate through the event loop, over real and simulated sockets, with C zlib at the
//! other end.

mod broadcast;
mod echo;
mod failing;
mod memory;
#[cfg(feature = "take-over")]
mod moving;
pub mod peer;

use crate::net_support::options;
use wirebell::deflate::Settings;
use wirebell::handshake::DeflatePolicy;
use wirebell::net::Options;

/// One worker that compresses all that can be compressed, with this policy.
fn compressing(policy: DeflatePolicy) -> Options {
    options().deflate(Some(Settings::default().policy(policy).min_bytes(1)))
}

/// A line of JSON that resembles the others and is none of them.
fn json(number: usize, len: usize) -> String {
    let mut text = format!("{{\"number\":{number},\"items\":[");
    let mut item = number * 7919;
    while text.len() < len {
        item = (item * 31 + 17) % 1_000_003;
        text += &format!("{{\"id\":{item},\"user\":\"user{}\"}},", item % 97);
    }
    text.truncate(len);
    text
}
