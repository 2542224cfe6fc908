//! The wserver dialect: its wire and its subscribers.
//!
//! Input: registrations and publications as JSON. Output: values, and one frame per publication for
//! all its subscribers. Invariant: what is pushed to a user and an event, neither of which has rules
//! of spelling, is an ephemeral publication to a topic of that user in the one hub.
//!
//! Reading order: `json`, `wire`; `members`.

mod json;
pub(super) mod members;
mod wire;

pub use wire::{Dropping, ILLEGAL, NoRegistration, Publication, Registration};
