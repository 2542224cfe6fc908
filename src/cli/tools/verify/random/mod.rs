//! `wirebell verify --random`: seeded streams without end, with the strict core as the oracle.
//!
//! RFC 6455 sections 4 to 8, RFC 7692. Input: a server, or a client that connects, and a seed, or a
//! file to replay. Output: each deviation once, with the shortest stream that shows it. Invariant:
//! what an RFC leaves to the endpoint is no deviation.
//!
//! ```text
//!   dice ─▶ a head, generate ──▶ Stream ─▶ drive ─▶ endpoint
//!                                  │         │ bytes that come back
//!                                  ▼         ▼
//!                               oracle ──▶ judge ──▶ Deviation ─▶ shrink ─▶ the shortest Stream
//! ```
//!
//! Reading order: `dice`, `stream`, `oracle`, `judge`, `frames`, `broken`, `generate`, `request`,
//! `response`, `exchange`, `shrink`, `drive`, `with_server`, `with_client`, `findings`, `file`,
//! `hunt`, `servers`, `clients`.

mod broken;
mod clients;
mod dice;
mod drive;
mod exchange;
mod file;
mod findings;
mod frames;
mod generate;
mod hunt;
mod judge;
mod oracle;
mod request;
mod response;
mod servers;
mod shrink;
mod stream;
#[cfg(test)]
mod tests;
mod with_client;
mod with_server;

pub use clients::Streams;
pub use file::read;
pub use hunt::Plan;
pub use servers::{replay, run};
