//! How much one hub keeps, and what a subscriber gets that wants more.
//!
//! Plain values. Invariant: whatever peers do, no table of a hub exceeds its limit.

use crate::options::options;
use std::fmt;

options! {
    /// The bounds of a hub and of what one call may cost.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub const struct HubLimits {
        /// Topics that have a history, and again those that are subscribed to by name: with a short
        /// message in each they fill `history_bytes`. With a history too many, the one with the
        /// oldest message ends; a subscription too many is refused.
        pub topics: usize = 100_000,
        /// How many times the patterns of a connection must fit into the remaining room of the hub
        /// before it may add another one that no other connection has.
        pub topic_share: usize = 16,
        /// Patterns of one connection. A page of a busy site follows tens.
        pub patterns: usize = 1_000,
        /// Bytes of the patterns of one connection: 1,000 of 64 bytes.
        pub pattern_bytes: usize = 64 * 1024,
        /// Levels of all patterns with wildcards, where those that begin alike share the beginning.
        pub wildcard_levels: usize = 32_768,
        /// Bytes of all histories together; beyond it the oldest messages go.
        pub history_bytes: usize = 64 * 1024 * 1024,
        /// Topics that one replay may compare with patterns.
        pub scan: usize = 100_000,
    }
}

/// How much of a replay comes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Messages.
    pub records: usize,
    /// Bytes of their payloads and topics; the first message comes in any case. After one that is
    /// larger there is always another page.
    pub bytes: usize,
    /// `None` for the first page; for any other, the [`next`](crate::push::Replay::next) of the
    /// page before it, with everything else unchanged.
    pub cursor: Option<Cursor>,
}

/// Where the next page of a replay begins. It is of use to the hub that has made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last record that was given.
    pub(super) after: u64,
    /// What was let go before this change is in the gaps of the pages so far, or not wanted.
    pub(super) change: u64,
}

impl Cursor {
    /// The sequence number after which it begins.
    #[cfg(feature = "take-over")]
    pub(in crate::push) fn after(self) -> u64 {
        self.after
    }
}

impl Default for Page {
    /// 1,000 messages and 1 MiB.
    fn default() -> Self {
        Self {
            records: 1_000,
            bytes: 1024 * 1024,
            cursor: None,
        }
    }
}

/// Why a subscription is refused. Nothing of it has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// [`HubLimits::patterns`] or [`HubLimits::pattern_bytes`]: the connection has too many.
    TooMany,
    /// [`HubLimits::topics`] or [`HubLimits::wildcard_levels`]: the hub has no room for another.
    Full,
    /// [`HubLimits::scan`]: the patterns have too many topics to choose from. Without a replay, or
    /// with fewer patterns at a time, it is possible.
    TooWide,
    /// The server is stopping: see [`Broker::stop`](crate::push::Broker::stop).
    Stopped,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "too many subscriptions on this connection",
            Self::Full => "no room for more topics",
            Self::TooWide => {
                "a replay for these patterns has too many topics to search: subscribe without \
                 since, or to fewer patterns at a time"
            }
            Self::Stopped => "the server is stopping",
        })
    }
}

impl std::error::Error for Refused {}
