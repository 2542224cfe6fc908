//! The exit statuses that only the tools have.
//!
//! Input: what went wrong, in words. Output: a [`Failure`] with the exit status of a tool.

use crate::cli::common::Failure;

/// Exit status 3: refused.
pub fn refused(text: String) -> Failure {
    Failure::new(3, text)
}

/// Exit status 4.
pub fn timed_out(text: String) -> Failure {
    Failure::new(4, text)
}

/// Adds where it happened.
pub fn within(place: &str, failure: Failure) -> Failure {
    failure.map(|text| format!("{place}: {text}"))
}
