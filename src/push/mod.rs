//! The push server: topics, their subscribers, and the dialects that clients speak.
//!
//! Input: subscriptions and publications, from sockets, from HTTP, from the program itself. Output:
//! one encoded frame per message, sent by reference to every subscriber.
//!
//! Invariant: the messages of one topic reach each of its subscribers in the order of their
//! publication, without duplicates; a publisher never waits for a subscriber. The hub knows no
//! sockets and no dialect; a dialect knows no loop.
//!
//! Reading order: `time`, `clock`, `percent`, `name`, `position`, `tally`, `record`, `few`, `json`;
//! `hub`; `log`, `store`, `data`, `unavailable`, `delivery`, `workers`, `broker`; `wserver`;
//! `watched`, `auth`, `redis`, `origin`, `hosts`, `seldom`, `tries`, `throttle`, `access`;
//! `limits`, `answers`, `denial`, `page`; `gotify`, `no_gotify`; `settings`; `native`; `mail`,
//! `stats`, `shared`, `metrics`, `routes`, `echo`, `service`, `admission`, `operating`, `beside`,
//! `server`, `moving`.

mod access;
mod admission;
mod answers;
mod auth;
mod beside;
mod broker;
mod clock;
#[cfg(feature = "data")]
pub mod data;
mod delivery;
mod denial;
mod echo;
mod few;
#[cfg(feature = "gotify")]
mod gotify;
#[cfg(not(feature = "gotify"))]
#[path = "no_gotify.rs"]
mod gotify;
mod hosts;
mod hub;
mod json;
mod limits;
mod log;
mod mail;
mod metrics;
#[cfg(feature = "take-over")]
mod moving;
mod name;
pub mod native;
mod operating;
mod origin;
mod page;
mod percent;
mod position;
mod record;
#[cfg(feature = "redis")]
pub mod redis;
mod routes;
mod seldom;
mod server;
mod service;
mod settings;
mod shared;
mod stats;
mod store;
mod tally;
mod throttle;
pub mod time;
mod tries;
mod unavailable;
mod watched;
mod workers;
pub mod wserver;

pub use crate::net::{BadRate, Rate};
pub use access::{Access, Admitted};
#[cfg(feature = "jwt")]
pub use auth::JwtKey;
pub use auth::{
    Auth, BadToken, Denied, Digest, Grant, MayPublish, PushKey, Revocations, TokenFile, Tokens,
    Verdict, mask_token, token_of,
};
pub use broker::{
    Answer, Broker, BrokerMail, BrokerStats, BrokerTotals, Following, Outcome, Published, Receipt,
    Started, TopicStats,
};
pub use clock::Clock;
pub use delivery::{ChunkForm, Delivery, FrameForm};
pub use echo::EchoServer;
#[cfg(feature = "gotify")]
pub use gotify::{Ended, NoGotify, Passwords};
pub use gotify::{Gotify, GotifyMail};
pub use hosts::{HostPolicy, is_host_name};
pub use hub::{
    Applied, Audience, Bounds, Break, Cursor, Gap, HistoryRules, Hub, HubLimits, InterestId, Page,
    Past,
};
pub use hub::{Presence, Refused, Replay, Start, Subscribe};
pub use limits::Limits;
pub use log::{Appended, Entry, Feed, Handed, Here, KeyLimits, Log, LogError, Logged, MemoryLog};
pub use log::{Subscriptions, Ticket};
pub use mail::PushMail;
#[cfg(feature = "take-over")]
pub use moving::Inheritance;
pub use name::{BadName, MAX_NAME_BYTES, Pattern, TopicName};
pub use origin::{BadOrigin, Origin, OriginPolicy};
pub use position::{BadPosition, Epoch, MAX_EPOCH_BYTES, Position, Since};
pub use record::{Key, Payload, Publication, Record};
pub use server::{PushHandle, PushServer};
pub use service::PushService;
pub use settings::Settings;
pub use shared::Shared;
pub use store::{Change, Done, MemoryStore, Store};
pub use unavailable::Unavailable;
pub use watched::MAX_FILE_BYTES;
