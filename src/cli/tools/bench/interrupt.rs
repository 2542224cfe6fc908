//! The end of a run by a signal.
//!
//! Input: SIGINT or SIGTERM. Output: a flag that the run looks at; a second signal ends the
//! process.

use crate::cli::common::Failure;
use crate::cli::tools::common::signals::stop_signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by the first signal; a second one ends the process.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub fn on_signals() -> Result<Self, Failure> {
        let mut signals = stop_signals()?;
        let flag = Arc::new(AtomicBool::new(false));
        let ours = Arc::clone(&flag);
        std::thread::spawn(move || {
            for signal in signals.forever() {
                if ours.swap(true, Ordering::Relaxed) {
                    std::process::exit(128 + signal);
                }
            }
        });
        Ok(Self(flag))
    }

    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
