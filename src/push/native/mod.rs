//! The native dialect: topics over HTTP and WebSockets.
//!
//! | request | what |
//! |---|---|
//! | `POST /topics/NAME` | publishes |
//! | `POST /topics` | publishes many |
//! | `GET /topics/PATTERNS` | subscribes: WebSocket, server-sent events, NDJSON or a poll |
//!
//! Input: requests, messages of clients, mail of the broker. Output: what publishers and
//! subscribers see. Invariants: an error is JSON, with a code word and advice; each form of a
//! record is made once, whatever the number of its receivers.
//!
//! Reading order: `base64`, `problem`, `ask`, `envelope`, `publish`, `batch`; `caller`, `events`,
//! `messages`, `form`, `session`, `receipts`, `subscribers`; `dialect`, `gate`, `publishing`,
//! `live`, `revocation`, `moving`.

mod ask;
mod base64;
mod batch;
mod caller;
mod dialect;
mod envelope;
mod events;
mod form;
mod gate;
mod live;
mod messages;
#[cfg(feature = "take-over")]
mod moving;
mod problem;
pub mod publish;
mod publishing;
mod receipts;
mod revocation;
mod session;
mod subscribers;

pub use ask::ENVELOPES;
pub(super) use ask::{TOPICS, accepts, lasts};
pub use batch::Batch;
pub(super) use caller::Guest;
pub(super) use dialect::{Dialect, NATIVE};
pub use envelope::message as write_envelope;
pub use problem::Problem;
pub(super) use problem::restate;
pub(super) use receipts::answers_receipt;
