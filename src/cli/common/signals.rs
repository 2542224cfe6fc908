//! Signals as values that a thread waits for.
//!
//! Input: which ones. Output: an iterator over those that come. What they mean is left to the
//! commands.

use crate::cli::common::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Takes SIGINT and SIGTERM from now on.
pub fn stop_signals() -> Result<Signals, Failure> {
    take(&[SIGINT, SIGTERM])
}

/// Takes these signals from now on.
pub fn take(signals: &[i32]) -> Result<Signals, Failure> {
    Signals::new(signals).map_err(|error| Failure::Failed(format!("signals: {error}")))
}
