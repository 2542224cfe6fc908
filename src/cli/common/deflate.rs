//! `--deflate`: which compression is offered or agreed to (RFC 7692).
//!
//! Input: the flag. Output: what to offer to a server. What a server of ours agrees to is left to
//! its settings.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use wirebell::deflate;
use wirebell::handshake::DeflatePolicy;

/// Who may be sent compressed messages, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeflateMode {
    /// No compression
    Off,
    /// Each message for itself: no memory for idle connections
    On,
    /// Messages refer to earlier ones, both ways
    Takeover,
}

/// The extension to offer.
pub fn offer(mode: DeflateMode) -> Option<deflate::Settings> {
    let policy = match mode {
        DeflateMode::Off => return None,
        DeflateMode::On => DeflatePolicy::NO_TAKEOVER,
        DeflateMode::Takeover => DeflatePolicy::TAKEOVER,
    };
    Some(deflate::Settings {
        policy,
        ..deflate::Settings::default()
    })
}
