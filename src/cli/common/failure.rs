//! Why a command failed.
//!
//! Input: what went wrong, in words. Output: a line for stderr, and an exit status. Invariant: text
//! quoted from a peer cannot control the terminal.

use crate::cli::common::terminal::visible;
use std::fmt;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    text: String,
}

impl Failure {
    /// Exit status 2: wrong usage, which the caller can correct.
    pub fn usage(text: String) -> Self {
        Self::new(2, text)
    }

    /// Exit status 1.
    pub fn failed(text: String) -> Self {
        Self::new(1, text)
    }

    /// An exit status that only some commands have.
    pub fn new(status: u8, text: String) -> Self {
        Self { status, text }
    }

    /// The exit status of the command.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Changes the text.
    pub fn map(self, change: impl FnOnce(String) -> String) -> Self {
        Self::new(self.status, change(self.text))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.text)) // It may quote a peer.
    }
}

/// Runs something that reports its panics itself, without what Rust would print about them.
#[cfg(feature = "data")]
pub fn quietly<T>(run: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let result = run();
    std::panic::set_hook(hook);
    result
}
