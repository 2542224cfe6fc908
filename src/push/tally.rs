//! How far one publication has come, counted over all workers.
//!
//! Input: what each worker says about each subscriber. Output: [`Counts`], and when the last
//! subscriber has been heard of. Invariant: the three counts are kept apart: whom the publication
//! was for, to whom it was written, and who has confirmed it. What confirms a message is left to
//! the dialect.

use crate::net::{Latency, PeerId};
use crate::proto::Millis;
use std::ops::AddAssign;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The counts of one publication. Clones count together.
#[derive(Clone, Debug)]
pub struct Tally(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    publisher: PeerId,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counts: Counts,
    /// Workers that have not sent it to their subscribers yet.
    workers: usize,
    /// Subscribers of which there is more to be heard.
    open: usize,
    closed: bool,
}

/// How far a publication has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that it was for when it was published.
    pub matched: usize,
    /// Connections for which all of it was handed to the system.
    pub written: usize,
    /// Connections whose WebSocket implementation has read it, or that of the last hop which ends
    /// the WebSocket. Whether a program has seen it is not known.
    pub confirmed: usize,
    /// Connections that cannot confirm: streams and polls, and peers that answer a Ping with
    /// another payload (RFC 6455 section 5.5.3).
    pub unsupported: usize,
}

/// What one worker has heard of all subscribers of publications with a tally.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) written: u64,
    pub(super) unsupported: u64,
    /// From when it was sent to a subscriber until that had confirmed it.
    pub(super) confirmed: Latency,
}

impl Totals {
    /// Counts what was heard of a message that was sent at this time.
    pub(super) fn count(&mut self, all: &[Heard], sent: Millis, now: Millis) {
        for heard in all {
            match heard {
                Heard::Written => self.written += 1,
                Heard::Unsupported => self.unsupported += 1,
                Heard::Confirmed => {
                    let took = Duration::from_millis(now.saturating_sub(sent));
                    self.confirmed.record(took);
                }
                Heard::Lost => {}
            }
        }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.written += other.written;
        self.unsupported += other.unsupported;
        self.confirmed += other.confirmed;
    }
}

/// What is heard of a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// All of it was handed to the system. More may follow.
    Written,
    /// It was read.
    Confirmed,
    /// The subscriber cannot confirm.
    Unsupported,
    /// Nothing more will be heard.
    Lost,
}

impl Tally {
    /// For a publication of this connection.
    pub(super) fn new(publisher: PeerId) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Inner { publisher, state }))
    }

    /// Who waits for the counts.
    pub(super) fn publisher(&self) -> PeerId {
        self.0.publisher
    }

    /// It is about to be sent to this many subscribers, by these many workers.
    pub(super) fn begin(&self, subscribers: usize, workers: usize) {
        let mut state = self.lock();
        state.counts.matched = subscribers;
        state.workers = workers;
    }

    /// A worker will report more about this many subscribers, and is done with the others.
    pub(super) fn sent(&self, open: usize) -> bool {
        let mut state = self.lock();
        state.open += open;
        state.workers = state.workers.saturating_sub(1);
        state.is_done()
    }

    /// Counts what was heard of a subscriber, in one step; true if it was the last of what there is
    /// to hear.
    pub(super) fn hear(&self, all: &[Heard]) -> bool {
        let mut state = self.lock();
        let mut settles = false;
        for heard in all {
            let State { counts, open, .. } = &mut *state;
            match heard {
                Heard::Written => {
                    counts.written += 1;
                    continue;
                }
                Heard::Confirmed => counts.confirmed += 1,
                Heard::Unsupported => counts.unsupported += 1,
                Heard::Lost => {}
            }
            settles = true;
            *open = open.saturating_sub(1);
        }
        settles && state.is_done()
    }

    /// There is nothing more to hear.
    pub(super) fn is_done(&self) -> bool {
        self.lock().is_done()
    }

    /// The counts as they are. What is heard from now on interests no one.
    pub(super) fn close(&self) -> Counts {
        let mut state = self.lock();
        state.closed = true;
        state.counts
    }

    /// [`Tally::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_done(&self) -> bool {
        self.workers == 0 && self.open == 0
    }
}

impl PartialEq for Tally {
    /// Whether both count the same publication.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Tally {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_worker_and_the_last_subscriber_end_it() {
        let publisher = PeerId {
            worker: 0,
            index: 1,
            generation: 1,
        };
        let tally = Tally::new(publisher);
        tally.begin(4, 2);
        assert!(!tally.sent(2));
        assert!(!tally.hear(&[Heard::Written]));
        assert!(!tally.hear(&[Heard::Confirmed]));
        assert!(
            !tally.hear(&[Heard::Lost]),
            "another worker has not sent it"
        );
        assert!(!tally.sent(1));
        assert!(tally.hear(&[Heard::Unsupported]));
        assert!(tally.is_done() && !tally.is_closed());
        let counts = tally.close();
        let expected = Counts {
            matched: 4,
            written: 1,
            confirmed: 1,
            unsupported: 1,
        };
        assert_eq!(counts, expected);
        assert!(tally.is_closed());
    }
}
