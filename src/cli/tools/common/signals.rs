//! The signals that end a tool.
//!
//! Input: none. Output: an iterator over those that arrive.

use crate::cli::common::Failure;
use crate::cli::common::signals::take;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Handles SIGINT and SIGTERM from now on.
pub fn stop_signals() -> Result<Signals, Failure> {
    take(&[SIGINT, SIGTERM])
}
