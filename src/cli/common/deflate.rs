//! `--deflate`: which compression is offered or agreed to (RFC 7692).
//!
//! Input: the flag. Output: a mode. What it means is left to the settings of a server and to the
//! offers of the tools.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

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
