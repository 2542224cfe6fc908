//! The warnings that the library logs, for a test that waits for one.

use log::{LevelFilter, Metadata, Record};
use std::sync::Mutex;

/// Keeps the warnings of the whole test binary: there can be only one logger.
#[derive(Debug)]
pub struct Log(Mutex<Vec<String>>);

static LOG: Log = Log(Mutex::new(Vec::new()));

impl Log {
    /// Warnings are kept from now on.
    pub fn keep() -> &'static Self {
        // Another test may have asked before.
        let _ = log::set_logger(&LOG);
        log::set_max_level(LevelFilter::Warn);
        &LOG
    }

    /// Whether a warning contains this.
    pub fn has(&self, part: &str) -> bool {
        let lines = self.0.lock().expect("no test has panicked here");
        lines.iter().any(|line| line.contains(part))
    }
}

impl log::Log for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut lines = self.0.lock().expect("no test has panicked here");
        lines.push(record.args().to_string());
    }

    fn flush(&self) {}
}
