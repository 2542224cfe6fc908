//! The push server: topics, their subscribers, and the dialects that clients speak.
//!
//! Input: subscriptions and publications, from sockets, from HTTP, from the program itself. Output:
//! one encoded frame per message, sent by reference to every subscriber.
//!
//! Invariant: the messages of one topic reach each of its subscribers in the order of their
//! publication, without duplicates; a publisher never waits for a subscriber. The hub knows no
//! sockets and no dialect; a dialect knows no loop.
//!
//! Reading order: `name`; `topics`, `hub`, `members`; `watched`, `auth`, `origin`, `hosts`,
//! `seldom`, `tries`, `access`; `dialect`, `answers`, `routes`, `echo`, `service`, `server`.

mod access;
mod answers;
mod auth;
pub mod dialect;
mod echo;
mod hosts;
mod hub;
mod members;
mod name;
mod origin;
mod routes;
mod seldom;
mod server;
mod service;
mod topics;
mod tries;
mod watched;

pub use access::{Access, Admitted};
#[cfg(feature = "jwt")]
pub use auth::JwtKey;
pub use auth::{
    Auth, BadToken, Denied, Digest, Grant, PushKey, TokenFile, Tokens, Verdict, mask_token,
    token_of,
};
pub use echo::EchoServer;
pub use hosts::{HostPolicy, is_host_name};
pub use hub::{Hub, HubMail, Unavailable};
pub use name::{BadName, MAX_NAME_BYTES, Pattern, TopicName};
pub use origin::{BadOrigin, Origin, OriginPolicy};
pub use server::{PushHandle, PushServer};
pub use service::{PushService, Settings};
pub use topics::Topic;
pub use watched::MAX_FILE_BYTES;
