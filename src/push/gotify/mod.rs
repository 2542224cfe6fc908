//! The dialect of gotify 2.x: <https://gotify.net>. Its clients work unchanged.
//!
//! | path | what |
//! |---|---|
//! | `POST /message` | publishes, with the token of an application |
//! | `/stream` | a WebSocket that gets the messages of a user |
//! | `/message`, `/application/ID/message` | what there was, newest first; deletes |
//! | `/application`, `/client`, `/user`, `/current/user` | management |
//! | `/image/…`, `/static/…` | images of applications |
//! | `/health`, `/version`, `/plugin` | what clients ask at their start |
//!
//! A message is a record of the topic `$gotify.USER.APPLICATION`, so all other clients that may
//! can read it, and its id is the number of the record.
//!
//! Input: requests, mail. Output: what clients of gotify see. Invariants: an error is the JSON
//! object that they know; the end of a stream has no Close, as clients stop for good at one.
//!
//! Reading order: `problem`, `call`, `credentials`, `passwords`, `multipart`, `fields`;
//! `directory`, `message`, `edits`, `state`; `image`, `caller`, `streams`; `dialect`, `gate`,
//! `live`, `moving`, `manage`.

mod call;
mod caller;
mod credentials;
mod dialect;
mod directory;
mod edits;
mod fields;
mod gate;
mod image;
mod live;
mod manage;
mod message;
#[cfg(feature = "take-over")]
mod moving;
mod multipart;
mod passwords;
mod problem;
mod state;
mod streams;

pub(super) use call::is_path;
pub(super) use caller::Asked;
pub(super) use dialect::{Dialect, GOTIFY};
pub use edits::Ended;
pub use passwords::Passwords;
pub(super) use problem::restate;
pub(super) use state::Reader;
pub use state::{Gotify, GotifyMail, NoGotify};
