//! The log of a server that keeps everything in memory.
//!
//! Input: publications. Output: records, at once. Invariant: it keeps no records itself, only the
//! number of the last one, and the idempotency keys; histories are the hub's. It ends with the
//! process, so each has a new epoch, unless another process takes over.

use crate::push::hub::Past;
use crate::push::log::keys::{KeyLimits, Keys};
#[cfg(feature = "take-over")]
use crate::push::log::port::Handed;
use crate::push::log::port::{Appended, Entry, Log, LogError, Logged, Ticket};
use crate::push::position::Epoch;
use crate::push::record::{Key, Publication};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A log in memory.
#[derive(Debug)]
pub struct MemoryLog {
    pub(super) epoch: Epoch,
    pub(super) state: Mutex<State>,
    /// Of the process before this one, until the hub has it.
    pub(super) past: Mutex<Past>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) sequence: u64,
    pub(super) time: u64,
    pub(super) keys: Keys,
}

impl MemoryLog {
    /// An empty log. Its epoch should be one that no other log had, such as that of a random
    /// number.
    pub fn new(epoch: Epoch, limits: KeyLimits) -> Self {
        let state = State {
            sequence: 0,
            time: 0,
            keys: Keys::new(limits),
        };
        Self {
            epoch,
            state: Mutex::new(state),
            past: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    // req: push-order-01
    fn append(&mut self, publication: Publication) -> Logged {
        let sequence = self.sequence + 1;
        if let Some(seen) = self.keys.seen(&publication, sequence, self.time) {
            return seen;
        }
        self.sequence = sequence;
        let record = publication.into_record(sequence, self.time);
        Ok(Entry::New(Arc::new(record)))
    }
}

impl Log for MemoryLog {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn append(&self, batch: Vec<Publication>, now: u64, _: Ticket) -> Appended {
        let mut state = self.lock();
        // The clock of the system may be set back.
        state.time = state.time.max(now);
        let entries = batch.into_iter().map(|it| state.append(it));
        Appended::Now(entries.collect())
    }

    fn repeats(&self, publication: &Publication, now: u64) -> Result<Option<usize>, LogError> {
        let mut state = self.lock();
        state.time = state.time.max(now);
        let time = state.time;
        state.keys.repeats(publication, time)
    }

    fn delivered(&self, key: &Key, subscribers: usize) {
        let _ = self.lock().keys.delivered(key, subscribers);
    }

    fn past(&self, _: usize) -> Past {
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut past)
    }

    #[cfg(feature = "take-over")]
    fn hand_over(&self) -> Option<Handed> {
        Some(Handed::State(self.told()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: push-order-01
    fn sequence_numbers_grow_by_one_and_times_never_decrease() {
        let log = MemoryLog::new("e".parse().unwrap(), KeyLimits::default());
        let publication = |topic: &str| Publication::new(topic.parse().unwrap(), "x".into());
        let mut seen = Vec::new();
        for now in [5, 3, 9] {
            let batch = vec![publication("a"), publication("b")];
            let Appended::Now(entries) = log.append(batch, now, Ticket(0)) else {
                panic!("it answers at once");
            };
            for entry in entries {
                let Ok(Entry::New(record)) = entry else {
                    panic!("{entry:?}");
                };
                seen.push((record.sequence, record.time));
            }
        }
        assert_eq!(seen, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 9), (6, 9)]);
    }
}
