//! A progress line on the terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// The line; erased when it is dropped. Nothing is written without a terminal.
#[derive(Debug)]
pub struct Progress {
    on: bool,
    next: Instant,
    shown: bool,
}

const EVERY: Duration = Duration::from_millis(200);

impl Progress {
    pub fn new() -> Self {
        Self {
            on: io::stderr().is_terminal(),
            next: Instant::now() + EVERY,
            shown: false,
        }
    }

    pub fn show(&mut self, text: impl FnOnce() -> String) {
        if self.on && Instant::now() >= self.next {
            self.next = Instant::now() + EVERY;
            self.shown = true;
            let _ = write!(io::stderr(), "\r\x1b[K{}", text());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
