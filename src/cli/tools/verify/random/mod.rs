//! `wirebell verify --random`: seeded streams without end, with the strict core as the oracle.
//!
//! RFC 6455 sections 4 to 8, RFC 7692. Input: a server and a seed, or a file to replay. Output:
//! each deviation once, with the shortest stream that shows it. Invariant: what an RFC leaves to
//! the endpoint is no deviation.
//!
//! ```text
//!   dice ─▶ request, generate ─▶ Stream ─▶ drive ─▶ endpoint
//!                                  │         │ bytes that come back
//!                                  ▼         ▼
//!                               oracle ──▶ judge ──▶ Deviation ─▶ shrink ─▶ the shortest Stream
//! ```
//!
//! Reading order: `dice`, `stream`, `oracle`, `judge`, `frames`, `broken`, `generate`, `request`,
//! `shrink`, `drive`, `connection`, `findings`, `hunt`.

mod broken;
mod connection;
mod dice;
mod drive;
mod findings;
mod frames;
mod generate;
mod hunt;
mod judge;
mod oracle;
mod request;
mod shrink;
mod stream;
#[cfg(test)]
mod tests;

pub use hunt::{Plan, replay, run};
