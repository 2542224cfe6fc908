//! The native dialect: topics over HTTP, with a body that is the message.
//!
//! Input: requests for `/topics`. Output: publications for the broker, and answers. Invariant: an
//! error is JSON, with a code word and advice.
//!
//! Reading order: `problem`, `publish`, `batch`.

mod batch;
mod problem;
pub mod publish;

pub use batch::Batch;
pub use problem::Problem;
