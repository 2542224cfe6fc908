//! What `serve` tells systemd: `sd_notify(3)` and the watchdog.
//!
//! Input: the variables `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; how often each event
//! loop has reported. Output: datagrams. Invariant: the watchdog is fed only while every loop
//! turns, so a server with one stuck loop is started again. Without systemd nothing happens.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// After this long without a report a loop counts as stuck; it reports twice a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// The way to the service manager, if there is one.
#[derive(Debug, Default)]
pub struct Notify {
    socket: Option<OsString>,
    /// How often to feed the watchdog.
    period: Option<Duration>,
    stopping: Arc<AtomicBool>,
    /// Another process is the service now.
    left: Arc<AtomicBool>,
}

impl Notify {
    /// As the environment says.
    pub fn from_environment() -> Self {
        let number = |name| env::var(name).ok()?.parse::<u64>().ok();
        let pid = u64::from(std::process::id());
        let is_ours = number("WATCHDOG_PID").is_none_or(|other| other == pid);
        let usec = number("WATCHDOG_USEC").filter(|usec| *usec > 0 && is_ours);
        Self {
            socket: env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()),
            period: usec.map(|usec| Duration::from_micros(usec / 2)),
            stopping: Arc::default(),
            left: Arc::default(),
        }
    }

    /// This process has taken over from the one that was the service.
    pub fn taken_over(&self) {
        self.tell(&format!("MAINPID={}", std::process::id()));
    }

    /// What ends the messages of this process, as another one is the service.
    pub fn leaving(&self) -> impl FnOnce() + Send + 'static {
        let left = Arc::clone(&self.left);
        move || left.store(true, Relaxed)
    }

    /// The server serves. From now on the watchdog is fed while all loops report; `reports` says
    /// how often each has.
    pub fn serving(&self, places: &str, reports: impl Fn() -> Vec<u64> + Send + 'static) {
        self.tell(&format!("READY=1\nSTATUS=listens on {places}"));
        let (Some(socket), Some(period)) = (self.socket.clone(), self.period) else {
            return;
        };
        let (stopping, left) = (Arc::clone(&self.stopping), Arc::clone(&self.left));
        let feed = move || {
            let mut watch = Watch::default();
            loop {
                std::thread::sleep(period);
                if left.load(Relaxed) {
                    return;
                }
                // Loops that have ended report no more; from here on systemd has another limit.
                let lives = watch.look(&reports(), Instant::now()) || stopping.load(Relaxed);
                if lives {
                    send(&socket, "WATCHDOG=1");
                }
            }
        };
        let thread = std::thread::Builder::new().name("wirebell-watchdog".into());
        if let Err(error) = thread.spawn(feed) {
            log::error!("the watchdog of systemd cannot be fed: {error}");
        }
    }

    /// Files are read again; [`Notify::reloaded`] follows.
    pub fn reloading(&self) {
        self.tell("RELOADING=1");
    }

    /// The files have been read.
    pub fn reloaded(&self) {
        self.tell("READY=1");
    }

    /// A graceful stop begins.
    pub fn stopping(&self) {
        self.stopping.store(true, Relaxed);
        self.tell("STOPPING=1\nSTATUS=closing connections");
    }

    fn tell(&self, text: &str) {
        if let Some(socket) = &self.socket
            && !self.left.load(Relaxed)
        {
            send(socket, text);
        }
    }
}

fn send(socket: &OsStr, text: &str) {
    let sent = address(socket).and_then(|address| {
        let from = UnixDatagram::unbound()?;
        from.send_to_addr(text.as_bytes(), &address)
    });
    if let Err(error) = sent {
        log::warn!("NOTIFY_SOCKET {}: {error}", socket.display());
    }
}

/// A path, or with `@` in front an abstract name.
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(socket)
}

/// Whether all loops turn.
#[derive(Debug, Default)]
struct Watch {
    /// For each loop, how often it had reported, and when that was first seen.
    seen: Vec<(u64, Instant)>,
}

impl Watch {
    fn look(&mut self, reports: &[u64], now: Instant) -> bool {
        self.seen.resize(reports.len(), (0, now));
        for (seen, count) in self.seen.iter_mut().zip(reports) {
            if seen.0 != *count {
                *seen = (*count, now);
            }
        }
        let is_fresh = |since: Instant| now.saturating_duration_since(since) <= PATIENCE;
        self.seen.iter().all(|(_, since)| is_fresh(*since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_loop_that_no_longer_reports_is_seen() {
        let (mut watch, begin) = (Watch::default(), Instant::now());
        let at = |ms| begin + Duration::from_millis(ms);
        assert!(watch.look(&[0, 0], at(0)));
        assert!(watch.look(&[2, 1], at(1_000)));
        assert!(watch.look(&[4, 1], at(3_000)));
        assert!(watch.look(&[6, 1], at(4_000)));
        assert!(!watch.look(&[8, 1], at(4_001)));
        assert!(watch.look(&[9, 2], at(5_000)), "it was only slow");
        assert!(!watch.look(&[9, 2], at(8_001)), "none reports");
    }

    #[test]
    fn paths_and_abstract_names_are_addresses() {
        let path = address(OsStr::new("/run/systemd/notify")).unwrap();
        assert!(path.as_pathname().is_some());
        #[cfg(target_os = "linux")]
        {
            use std::os::linux::net::SocketAddrExt as _;
            let name = address(OsStr::new("@/org/systemd/notify")).unwrap();
            assert_eq!(name.as_abstract_name(), Some(&b"/org/systemd/notify"[..]));
        }
    }
}
