//! How the bytes of a direction start: as HTTP, as the PROXY protocol, or as a frame.
//!
//! Input: bytes. Output: guesses, which are correct for what the RFCs allow (RFC 9112 section 2,
//! RFC 6455 section 5.2).

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::input::protocol;

/// The sender of such bytes: known from a head, otherwise from the mask bit of a frame.
pub fn sender(bytes: &[u8]) -> Option<Side> {
    if bytes.starts_with(b"HTTP/") {
        return Some(Side::Server);
    }
    if begins_connection(bytes) {
        return Some(Side::Client);
    }
    let masked = bytes.get(1)? & 0x80 != 0;
    Some(if masked { Side::Client } else { Side::Server })
}

/// Starts like a connection: with HTTP, perhaps after the PROXY protocol.
pub fn begins_connection(bytes: &[u8]) -> bool {
    looks_like_http(bytes) || protocol::is_proxy(bytes)
}

/// Starts with an HTTP line. No frame does: `G` would be a frame with reserved bits.
pub fn looks_like_http(bytes: &[u8]) -> bool {
    // RFC 9112 section 2.2: empty lines before a request are skipped.
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte));
    let bytes = &bytes[start.unwrap_or(bytes.len())..];
    if protocol::name(bytes).is_some() {
        return false;
    }
    let word = bytes
        .iter()
        .take(17)
        .take_while(|byte| byte.is_ascii_uppercase());
    let len = word.count();
    let next = bytes.get(len);
    // A complete line has a version; a truncated one might have had.
    let line = bytes.iter().position(|byte| *byte == b'\n');
    let versioned = line.is_none_or(|end| bytes[..end].windows(6).any(|part| part == b" HTTP/"));
    bytes.starts_with(b"HTTP/1.") || (3..=16).contains(&len) && next == Some(&b' ') && versioned
}
