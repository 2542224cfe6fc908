//! `--deflate` of a client: what it offers to a server (RFC 7692).
//!
//! Input: the flag. Output: the settings of the extension, or none.

use crate::cli::common::deflate::DeflateMode;
use wirebell::deflate;
use wirebell::handshake::DeflatePolicy;

/// The extension to offer.
pub fn offer(mode: DeflateMode) -> Option<deflate::Settings> {
    let policy = match mode {
        DeflateMode::Off => return None,
        DeflateMode::On => DeflatePolicy::NO_TAKEOVER,
        DeflateMode::Takeover => DeflatePolicy::TAKEOVER,
    };
    Some(deflate::Settings::default().policy(policy))
}
