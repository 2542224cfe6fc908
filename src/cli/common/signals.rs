//! Signals as values that a thread waits for.
//!
//! Input: which ones. Output: an iterator over those that arrive. Their meaning is left to the
//! commands.

use crate::cli::common::Failure;
use signal_hook::iterator::Signals;

/// Handles these signals from now on.
pub fn take(signals: &[i32]) -> Result<Signals, Failure> {
    Signals::new(signals).map_err(|error| Failure::failed(format!("signals: {error}")))
}
