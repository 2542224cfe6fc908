//! What the network tests share: servers on a port of their own or on a simulated network, clients
//! on bare sockets.
//!
//! What is about our own behaviour in time is simulated, and times are asserted there. What is
//! about the system's sockets or about threads is not: it waits for something to happen rather
//! than for a time, never longer than [`PATIENCE`], and nothing is asserted about how quick a thing
//! is. The clients know no more of the protocol than `support::frames` does.

pub mod client;
#[cfg(feature = "client")]
pub mod echo;
pub mod lines;
#[cfg(feature = "push")]
pub mod log;
pub mod probe;
#[cfg(feature = "push")]
pub mod push;
#[cfg(feature = "client")]
pub mod scripted;
pub mod simulated;

pub use client::Client;
pub use lines::Lines;
#[cfg(feature = "push")]
pub use log::Log;
pub use probe::{Happened, Probes};
#[cfg(feature = "push")]
pub use push::Push;
pub use simulated::Simulated;

use std::time::{Duration, Instant};
use wirebell::net::{End, Options};
use wirebell::{CloseCode, Limits, net};

/// How a connection ended, to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub clean: bool,
    pub code: Option<CloseCode>,
}

impl From<End<'_>> for Ended {
    fn from(end: End<'_>) -> Self {
        Self {
            clean: end.clean,
            code: end.code,
        }
    }
}

/// How long anything may take before a test fails. Long, as tests share a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for a loop on the same machine to read what was written, most of the time. No
/// test depends on it; it only decides whether bytes arrive in one read or in two.
#[cfg(feature = "client")]
pub const MOMENT: Duration = Duration::from_millis(2);

/// One worker, and short deadlines for the end, so that a stop is quick whatever the peers do.
pub fn options() -> Options {
    Options::default().workers(1).limits(limits())
}

/// The limits of [`options`].
pub fn limits() -> net::Limits {
    net::Limits::default().protocol(protocol())
}

/// The part of [`limits`] that clients have as well.
pub fn protocol() -> Limits {
    Limits::default().close_ms(1000).linger_ms(1000)
}

/// [`options`] with other limits.
pub fn options_with(limits: net::Limits) -> Options {
    options().limits(limits)
}

/// Waits until `done` says so. Looks again and again, as what it asks about belongs to threads of a
/// server that tell nobody.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
