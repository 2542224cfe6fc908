//! `--deflate`: which compression is offered or agreed to (RFC 7692).
//!
//! Input: the flag. Output: a mode. Its meaning is left to the settings of a server and the offers
//! of the tools.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Whether and how messages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeflateMode {
    /// No compression
    Off,
    /// Each message independently: no memory for idle connections
    On,
    /// Keep the window between messages, both ways
    Takeover,
}
