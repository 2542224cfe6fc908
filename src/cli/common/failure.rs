//! Why a command ends without having done its work.
//!
//! Input: what went wrong, in words. Output: a line for stderr. Invariant: what it quotes of a peer
//! cannot steer the terminal. The exit status is left to `cli::run`.

use crate::cli::common::terminal::visible;
use std::fmt;

/// Why a command ends without having done its work.
#[derive(Debug)]
pub enum Failure {
    /// Exit status 2: the caller can mend it by writing something else.
    Usage(String),
    /// Exit status 1.
    Failed(String),
    /// Exit status 3: whoever was asked has said no.
    Refused(String),
    /// Exit status 4.
    TimedOut(String),
}

impl Failure {
    /// Says where it happened.
    pub fn with(self, place: &str) -> Self {
        self.map(|text| format!("{place}: {text}"))
    }

    /// Says it in other words.
    pub fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Usage(text) => Self::Usage(change(text)),
            Self::Failed(text) => Self::Failed(change(text)),
            Self::Refused(text) => Self::Refused(change(text)),
            Self::TimedOut(text) => Self::TimedOut(change(text)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) | Self::Refused(text) | Self::TimedOut(text) => {
                f.write_str(&visible(text)) // It may quote a peer.
            }
        }
    }
}
