//! What the threads of `connect` share: the current connection, and whether to stop.
//!
//! Input: connections as they come and go, signals. Output: a way to send that outlives one
//! connection, and the reason for the end.

use crate::cli::common::Failure;
use crate::cli::tools::common::signals::stop_signals;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wirebell::client::Sender;
use wirebell::{CloseCode, Message};

#[derive(Default)]
pub struct Current {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// `None` while there is no connection.
    sender: Option<Sender>,
    ending: Option<CloseCode>,
    failure: Option<Failure>,
}

/// The reason sent with our Close when the server did not cause it.
fn reason(code: CloseCode) -> &'static str {
    match code {
        CloseCode::GOING_AWAY => "the client is stopping",
        _ => "",
    }
}

impl Current {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the current connection.
    pub fn set(&self, sender: Sender) {
        let mut state = self.lock();
        if let Some(code) = state.ending {
            let _ = sender.close(Some(code), reason(code));
        }
        state.sender = Some(sender);
        self.changed.notify_all();
    }

    /// Clears the current connection.
    pub fn clear(&self) {
        self.lock().sender = None;
    }

    /// Stops: closes the connection, if there is one.
    pub fn end(&self, code: CloseCode) {
        let mut state = self.lock();
        state.ending.get_or_insert(code);
        let sender = state.sender.clone();
        self.changed.notify_all();
        drop(state);
        if let Some(sender) = sender {
            let _ = sender.close(Some(code), reason(code));
        }
    }

    /// Stops with a failure that is not the connection's.
    pub fn fail(&self, failure: Failure) {
        self.lock().failure.get_or_insert(failure);
        self.end(CloseCode::NORMAL);
    }

    pub fn failure(&self) -> Option<Failure> {
        self.lock().failure.take()
    }

    pub fn is_ending(&self) -> bool {
        self.lock().ending.is_some()
    }

    /// Sends on this connection, or if that fails on the next; false if there will be none.
    pub fn send(&self, message: Message<'_>) -> bool {
        loop {
            let mut state = self.lock();
            let sender = loop {
                if state.ending.is_some() {
                    return false;
                }
                match &state.sender {
                    Some(sender) => break sender.clone(),
                    None => {
                        let woken = self.changed.wait(state);
                        state = woken.unwrap_or_else(PoisonError::into_inner);
                    }
                }
            };
            drop(state);
            if sender.send(message).is_ok() {
                return true;
            }
            self.clear();
        }
    }

    /// Sleeps until the time is up or `connect` stops.
    pub fn sleep(&self, time: Duration) {
        let deadline = Instant::now() + time;
        let mut state = self.lock();
        while state.ending.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// SIGINT and SIGTERM close the connection; a second one, or one while there is no connection, ends
/// the process at once.
pub fn stop_on_signals(current: Arc<Current>) -> Result<(), Failure> {
    let mut signals = stop_signals()?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let connected = current.lock().sender.is_some();
            if !connected || current.is_ending() {
                std::process::exit(128 + signal);
            }
            current.end(CloseCode::GOING_AWAY);
        }
    });
    Ok(())
}
