//! The signals of `serve` and `echo`: how they stop, and when they reload their files.
//!
//! SIGINT and SIGTERM stop gracefully, a second one at once. SIGHUP means one of two things: the
//! controlling terminal is gone, which stops the server as well; or, without a terminal or while it
//! is still there, reload certificates, keys and tokens. SIGUSR2 starts a new process that takes
//! over, as with nginx; where none can, it changes nothing.

use crate::cli::common::signals::take;
use crate::cli::common::{Failure, logging};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR2};
use signal_hook::iterator::Signals;
use std::fs::File;
use std::io::IsTerminal as _;
use wirebell::net::WorkerError;

/// The signals, and the terminal that a SIGHUP may be about.
pub struct Stop {
    signals: Signals,
    terminal: Option<File>,
    /// What SIGUSR2 does.
    upgrade: Option<Box<dyn Fn()>>,
}

impl Stop {
    /// Handles the signals from now on. Call it before announcing the server: a signal that arrives
    /// in between would end the process without a Close to its clients.
    pub fn prepare() -> Result<Self, Failure> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        // Under nohup the server outlives its terminal.
        let terminal = match ignores_hangups(&status) {
            true => None,
            false => File::open("/dev/tty").ok(),
        };
        let signals = take(&[SIGINT, SIGTERM, SIGHUP, SIGUSR2])?;
        Ok(Self {
            signals,
            terminal,
            upgrade: None,
        })
    }

    /// SIGUSR2 calls this. Without it, the signal is ignored: the unit of the package sends it to
    /// reload, and must not end the server where nothing can take over.
    pub fn upgrading(mut self, upgrade: Option<Box<dyn Fn()>>) -> Self {
        self.upgrade = upgrade;
        self
    }

    /// Waits for a signal and calls `stop`; a second one ends the process at once. Until then,
    /// calls `reload` for each SIGHUP that is not a hang-up. `join` waits for the end of the
    /// server; if the server ends by itself, this returns without a signal.
    pub fn wait(
        self,
        reload: impl Fn(),
        stop: impl FnOnce(),
        join: impl FnOnce() -> Result<(), WorkerError> + Send + 'static,
    ) -> Result<(), Failure> {
        let signals = self.signals.handle();
        let joined = std::thread::spawn(move || {
            let ended = join();
            signals.close();
            ended
        });
        self.wait_for_signal(reload, stop);
        match joined.join() {
            Ok(ended) => ended.map_err(|error| Failure::failed(error.to_string())),
            Err(_) => Err(Failure::failed("the server panicked".into())),
        }
    }

    fn wait_for_signal(mut self, reload: impl Fn(), stop: impl FnOnce()) {
        let (terminal, upgrade) = (&self.terminal, &self.upgrade);
        let stops = |signal: &i32| match *signal {
            SIGUSR2 => {
                match upgrade {
                    Some(upgrade) => {
                        log::info!("starting a new process (SIGUSR2)");
                        upgrade();
                    }
                    None => log::warn!("ignoring SIGUSR2: there is no --upgrade-socket"),
                }
                false
            }
            // After a hang-up the file is no longer a terminal.
            SIGHUP if terminal.as_ref().is_none_or(|tty| tty.is_terminal()) => {
                log::info!("reading certificates, keys and tokens again (SIGHUP)");
                reload();
                false
            }
            _ => true,
        };
        let signal = self.signals.forever().find(stops);
        let name = match signal {
            None => return, // The server has ended by itself.
            Some(SIGTERM) => "SIGTERM",
            Some(SIGHUP) => "SIGHUP: the terminal is gone",
            _ => "SIGINT",
        };
        log::info!("stopping ({name})");
        stop();
        let mut signals = self.signals;
        std::thread::spawn(move || {
            // Shells repeat the SIGHUP of a terminal.
            let is_second = |signal: &i32| ![SIGHUP, SIGUSR2].contains(signal);
            if let Some(signal) = signals.forever().find(is_second) {
                log::warn!("stopping at once");
                logging::flush(logging::FLUSH_TIMEOUT);
                std::process::exit(128 + signal);
            }
        });
    }
}

/// Whether SIGHUP is ignored, according to the status that Linux reports for a process.
fn ignores_hangups(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let bits = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    bits.unwrap_or(0) & (1 << (SIGHUP - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server whose workers have ended must not wait for a signal.
    #[test]
    fn the_end_of_the_server_is_the_end_of_the_wait() {
        let stop = Stop::prepare().unwrap_or_else(|_| panic!("no signals"));
        let ended = stop.wait(|| {}, || panic!("there was no signal"), || Ok(()));
        assert!(ended.is_ok());
    }

    #[test]
    fn nohup_is_seen() {
        assert!(ignores_hangups("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangups(
            "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n"
        ));
        assert!(!ignores_hangups(""));
    }
}
