//! The log: the only thing that orders publications.
//!
//! ```text
//!   append(batch) ──▶ Now: their records            (in memory)
//!                 └─▶ Later ┄┄▶ Broker::committed   (once they are durable)
//! ```
//!
//! Input: publications of topics that are not ephemeral. Output: records with sequence numbers and
//! times. Invariants: sequence numbers grow by one over all topics, times never decrease, and a
//! publication whose idempotency key was seen is not logged again. Delivering is left to the
//! broker.
//!
//! Reading order: `port`; `keys`, `memory`, `moving`.

mod keys;
mod memory;
#[cfg(feature = "take-over")]
mod moving;
mod port;

#[cfg(feature = "data")]
pub(super) use keys::KEY_MS;
pub use keys::KeyLimits;
#[cfg(any(feature = "data", feature = "redis"))]
pub(super) use keys::Keys;
#[cfg(feature = "redis")]
pub(super) use keys::digest;
pub use memory::MemoryLog;
pub use port::{Appended, Entry, Feed, Handed, Here, Log, LogError, Logged, Subscriptions, Ticket};
