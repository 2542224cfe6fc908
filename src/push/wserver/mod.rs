//! The wserver dialect: its wire and its subscribers.
//!
//! Input: registrations and publications as JSON. Output: values, and one frame per publication for
//! all its subscribers. Invariant: a push to a user and an event, neither of which has rules of
//! spelling, is an ephemeral publication to a topic of that user.
//!
//! Reading order: `json`, `wire`; `members`.

mod json;
pub(super) mod members;
mod wire;

pub use wire::{Dropping, ILLEGAL, NoRegistration, Publication, Registration};
