//! `wirebell serve` and `wirebell echo`: the commands that listen.
//!
//! Input: flags, environment, a settings file. Output: a running server, until a signal comes.
//!
//! Reading order: `trace`, `no_trace`, `access_log`, `no_access_log`, `jwt`, `no_jwt`, `data`,
//! `no_data`, `engine`, `no_engine`, `gotify`, `no_gotify`, `takeover`, `no_takeover`,
//! `args`, `listeners`, `settings`, `listening`, `stop`, `notify`, `no_notify`, `serve`, `echo`.

#[cfg(feature = "cli")]
mod access_log;
#[cfg(not(feature = "cli"))]
#[path = "no_access_log.rs"]
mod access_log;
mod args;
#[cfg(feature = "data")]
mod data;
#[cfg(not(feature = "data"))]
#[path = "no_data.rs"]
mod data;
mod echo;
#[cfg(feature = "redis")]
mod engine;
#[cfg(not(feature = "redis"))]
#[path = "no_engine.rs"]
mod engine;
#[cfg(feature = "gotify")]
mod gotify;
#[cfg(not(feature = "gotify"))]
#[path = "no_gotify.rs"]
mod gotify;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(not(feature = "jwt"))]
#[path = "no_jwt.rs"]
mod jwt;
mod listeners;
mod listening;
#[cfg(all(unix, feature = "socket-activation"))]
mod notify;
#[cfg(not(all(unix, feature = "socket-activation")))]
#[path = "no_notify.rs"]
mod notify;
mod serve;
mod settings;
mod stop;
#[cfg(feature = "take-over")]
mod takeover;
#[cfg(not(feature = "take-over"))]
#[path = "no_takeover.rs"]
mod takeover;
#[cfg(feature = "cli")]
mod trace;
#[cfg(not(feature = "cli"))]
#[path = "no_trace.rs"]
mod trace;

pub use args::{EchoArgs, ServeArgs};
pub use echo::run as echo;
pub use serve::run as serve;
