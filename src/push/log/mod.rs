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
//! Reading order: `port`; `keys`, `memory`.

mod keys;
mod memory;
mod port;

pub use keys::KeyLimits;
#[cfg(feature = "data")]
pub(super) use keys::{KEY_MS, Keys};
pub use memory::MemoryLog;
pub use port::{Appended, Entry, Feed, Log, LogError, Logged, Ticket};
