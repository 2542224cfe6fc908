//! How the tools fail beyond what every command does.
//!
//! Input: what went wrong, in words. Output: a [`Failure`] with the exit status of a tool.

use crate::cli::common::Failure;

/// Exit status 3: whoever was asked has said no.
pub fn refused(text: String) -> Failure {
    Failure::new(3, text)
}

/// Exit status 4.
pub fn timed_out(text: String) -> Failure {
    Failure::new(4, text)
}

/// Says where it happened.
pub fn within(place: &str, failure: Failure) -> Failure {
    failure.map(|text| format!("{place}: {text}"))
}
