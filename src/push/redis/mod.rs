//! The log of several servers: one stream in Redis or Valkey.
//!
//! ```text
//!   node A ──append: a script──▶ ┌─────────────────────────────┐ ──XREAD──▶ node A, B, C: hub
//!   node B ──append: a script──▶ │ 1-0  3-0  94-0  94-1  97-0 … │             in this order alone
//!                                └─────────────────────────────┘
//! ```
//!
//! Input: batches of publications. Output: records of all nodes, in the order of the stream, and
//! breaks where it does not simply go on. Invariants: nothing is delivered that is not in the
//! stream; numbers grow by one over all nodes, so what is missing shows; each change of the primary
//! begins a new epoch, so a number that is used twice does as well; nodes never talk to each other.
//! What Redis keeps through a crash or a failover is left to it.
//!
//! Reading order: `problem`, `address`; `record`, `reply`; `tail`; `pending`, `nodes`; `link`;
//! `node`; `log`.

mod address;
mod link;
mod log;
mod node;
mod nodes;
mod pending;
mod problem;
mod record;
mod reply;
mod tail;

pub use address::RedisAddress;
pub use log::RedisLog;
pub use problem::RedisProblem;
