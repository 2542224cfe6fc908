//! `wirebell serve` and `wirebell echo`: the commands that listen.
//!
//! Input: flags, environment, a settings file. Output: a running server, until a signal comes.
//!
//! Reading order: `trace`, `no_trace`, `jwt`, `no_jwt`, `gotify`,
//! `no_gotify`, `one_or_many`, `tls`, `no_tls`, `args`,
//! `listeners`, `settings`, `listening`, `stop`, `serve`, `echo`.

mod args;
mod echo;
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
mod one_or_many;
mod serve;
mod settings;
mod stop;
#[cfg(feature = "ring")]
mod tls;
#[cfg(not(feature = "ring"))]
#[path = "no_tls.rs"]
mod tls;
#[cfg(feature = "cli")]
mod trace;
#[cfg(not(feature = "cli"))]
#[path = "no_trace.rs"]
mod trace;

pub use args::{EchoArgs, ServeArgs};
pub use echo::run as echo;
pub use serve::run as serve;
