//! The wserver dialect: its wire, its hub and its subscribers.
//!
//! Input: registrations and publications as JSON. Output: values, and one frame per publication for
//! all its subscribers. Invariant: a topic is a pair of user and event, neither of which has rules
//! of spelling, and keeps no history; so it has a hub of its own.
//!
//! Reading order: `json`, `wire`; `topics`, `hub`, `members`.

pub(super) mod hub;
mod json;
pub(super) mod members;
mod topics;
mod wire;

pub use hub::{Hub, HubMail};
pub use topics::Topic;
pub use wire::{Dropping, ILLEGAL, NoRegistration, Publication, Registration};
