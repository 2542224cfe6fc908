//! Why a server refuses to publish for now.
//!
//! Input: the state of a hub. Output: a reason, which each dialect answers in its own words.
//! Invariant: what was refused has reached no subscriber.

use std::fmt;

/// Why nothing can be published for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unavailable {
    /// The server is stopping.
    Stopped,
    /// The workers have a backlog: try again soon.
    Busy,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "the server is stopping",
            Self::Busy => "the server has more to deliver than it can hold",
        })
    }
}

impl std::error::Error for Unavailable {}
