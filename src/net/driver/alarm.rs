//! Wakes event loops at their deadlines, so that they can sleep without a time limit.
//!
//! A wait with a timeout makes the kernel set and cancel a timer for every message; on virtual
//! machines that costs a good part of a microsecond. Deadlines here are seconds away and traffic
//! does not move the armed ones, so one thread that sleeps until the next of them costs nothing
//! measurable.
//!
//! Input: a time from each loop. Output: a wake-up, never early by the clock of that loop.
//! Invariant: a loop is woken at the earliest time that it has requested since it was last woken.

use crate::net::wake::Wake;
use crate::proto::Millis;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The alarm of one loop. The thread that rings them all ends with the last one.
#[derive(Debug)]
pub(super) struct Alarm {
    shared: Arc<Shared>,
    number: usize,
    /// The start of the loop's milliseconds.
    began: Instant,
    armed: Option<Millis>,
}

#[derive(Debug)]
struct Shared {
    entries: Mutex<Vec<Entry>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Entry {
    at: Option<Instant>,
    /// `None` once the loop has ended.
    wake: Option<Wake>,
}

impl Alarm {
    /// Starts the thread and returns an alarm for each of `wakes`.
    pub(super) fn start(wakes: &[Wake]) -> io::Result<Vec<Self>> {
        let entry = |wake: &Wake| Entry {
            at: None,
            wake: Some(wake.clone()),
        };
        let entries = Mutex::new(wakes.iter().map(entry).collect());
        let shared = Arc::new(Shared {
            entries,
            changed: Condvar::new(),
        });
        let ours = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("wirebell-alarm".into())
            .spawn(move || ours.run())?;
        let began = Instant::now();
        let alarm = |number| Self {
            shared: Arc::clone(&shared),
            number,
            began,
            armed: None,
        };
        Ok((0..wakes.len()).map(alarm).collect())
    }

    /// Milliseconds since the loops started: the clock of everything in the loop.
    pub(super) fn now(&self) -> Millis {
        self.began.elapsed().as_millis() as Millis
    }

    /// Requests to be woken at `at`, or earlier if that was requested before.
    #[inline]
    pub(super) fn set(&mut self, at: Millis, now: Millis) {
        if self.armed.is_some_and(|armed| now < armed && armed <= at) {
            return;
        }
        self.armed = Some(at);
        // A time that the clock cannot express never comes.
        let at = self.began.checked_add(Duration::from_millis(at));
        self.shared.lock()[self.number].at = at;
        self.shared.changed.notify_one();
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.shared.lock()[self.number] = Entry {
            at: None,
            wake: None,
        };
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut entries = self.lock();
        while entries.iter().any(|entry| entry.wake.is_some()) {
            let now = Instant::now();
            let next = ring(&mut entries, now);
            entries = match next {
                Some(at) => {
                    let wait = self.changed.wait_timeout(entries, at - now);
                    wait.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .changed
                    .wait(entries)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// Wakes every loop that is due; returns the next time.
fn ring(entries: &mut [Entry], now: Instant) -> Option<Instant> {
    for entry in entries.iter_mut() {
        if entry.at.is_some_and(|at| at <= now) {
            entry.at = None;
            if let Some(wake) = &entry.wake {
                wake.wake();
            }
        }
    }
    entries.iter().filter_map(|entry| entry.at).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll, Token, Waker};

    #[test]
    fn the_earliest_wish_counts_and_never_rings_early() {
        let mut poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        let wake = Wake::new(move || waker.wake());
        let mut alarms = Alarm::start(&[wake]).unwrap();
        let alarm = &mut alarms[0];
        let mut events = Events::with_capacity(8);
        for _ in 0..2 {
            let now = alarm.now();
            alarm.set(now + 60_000, now);
            alarm.set(now + 30, now);
            alarm.set(now + 40, now);
            poll.poll(&mut events, Some(Duration::from_secs(10)))
                .unwrap();
            assert!(!events.is_empty(), "it has not rung");
            assert!(alarm.now() >= now + 30, "it has rung early");
        }
    }
}
