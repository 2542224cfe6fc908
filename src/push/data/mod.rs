//! The log of a server with `--data`: one file, which survives the process.
//!
//! ```text
//!   loops ──append──▶ queue ──▶ one thread: a transaction of all that waits ──▶ commit
//!                                                                                  │
//!   subscribers, answers ◀── Broker::committed ◀───────────────────────────────────┘
//! ```
//!
//! Input: batches of publications, and changes of the server's own state. Output: records and
//! answers, once they are on the disk. Invariants: what was delivered or acknowledged is in the
//! file, and nothing else ever gets its position; no loop waits for the disk; the file is bounded
//! by the bounds of topics, not by how much was published. Histories are served from memory, by the
//! hub: at a start they are read from the file.
//!
//! Reading order: `problem`; `record`, `tables`; `contents`; `writer`; `queue`; `log`; `tool`.

mod contents;
mod log;
mod problem;
mod queue;
mod record;
mod tables;
mod tool;
mod writer;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod disk_tests;
#[cfg(test)]
mod tests;

pub use log::{DataFile, DataLimits};
pub use problem::DataProblem;
pub use tool::{Summary, check, compact, export, verify};
