//! The bounded history of one topic, and what it has let go.
//!
//! ```text
//!   let go ───────────┐ floor     kept, oldest first
//!   31  33  34  38  [ 41 ]        44  45  50  51
//! ```
//!
//! Input: records in their order, and a time. What is kept of a record is up to its owner: all of
//! it, or where a file has it. Output: those that are kept. Invariants: everything
//! kept has a higher sequence number than the floor; everything up to the floor may be missing, and
//! nothing above it is, except messages whose TTL has ended or that were removed.

use crate::push::hub::rules::Bounds;
use crate::push::record::Record;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a history needs to know of a record.
pub(in crate::push) trait Kept {
    fn sequence(&self) -> u64;

    /// When it was published: a Unix time in milliseconds.
    fn time(&self) -> u64;

    /// When its TTL ends.
    fn expires(&self) -> Option<u64>;

    /// Bytes of its payload.
    fn payload_bytes(&self) -> usize;

    /// Bytes of memory, with what lists and the allocator add.
    fn cost(&self) -> usize;
}

#[derive(Debug)]
pub(in crate::push) struct History<R> {
    records: VecDeque<R>,
    /// Bytes of payloads.
    payloads: usize,
    /// See [`History::cost`].
    cost: usize,
    floor: u64,
    /// The sequence number of the last record that was added.
    newest: u64,
    /// When the first TTL of a record ends, or earlier.
    expires: u64,
}

/// What a record costs besides its text: itself with counters, a slot in a list that may be half
/// empty, and what an allocator adds to three blocks.
const RECORD: usize = size_of::<Record>() + 4 * size_of::<usize>() + 3 * 16;

impl Kept for Arc<Record> {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn time(&self) -> u64 {
        self.time
    }

    fn expires(&self) -> Option<u64> {
        self.expires
    }

    fn payload_bytes(&self) -> usize {
        self.payload.bytes().len()
    }

    fn cost(&self) -> usize {
        self.size() + RECORD
    }
}

impl<R: Kept> History<R> {
    /// Without records, of which all up to `floor` may be missing.
    pub(super) fn new(floor: u64) -> Self {
        Self {
            records: VecDeque::new(),
            payloads: 0,
            cost: 0,
            floor,
            newest: 0,
            expires: u64::MAX,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The highest sequence number that has been let go.
    pub(in crate::push) fn floor(&self) -> u64 {
        self.floor
    }

    /// Messages, and bytes of their payloads.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.records.len(), self.payloads)
    }

    /// Bytes of memory.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// The sequence number of the oldest record.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.records.front().map(Kept::sequence)
    }

    /// When something will be let go or expires, if nothing is added.
    pub(super) fn due(&self, bounds: &Bounds) -> Option<u64> {
        let oldest = self.records.front()?;
        Some(oldest.time().saturating_add(bounds.age).min(self.expires))
    }

    /// Adds a record and lets go what then exceeds the bounds.
    // req: push-bounds-02
    pub(super) fn push(&mut self, record: R, bounds: &Bounds, now: u64) {
        self.payloads += record.payload_bytes();
        self.cost += record.cost();
        self.expires = self.expires.min(record.expires().unwrap_or(u64::MAX));
        self.newest = record.sequence();
        self.records.push_back(record);
        let exceeds = |it: &Self| it.records.len() > bounds.messages || it.payloads > bounds.bytes;
        if exceeds(self) {
            // What has expired should not push out what has not.
            self.drop_expired(now);
        }
        while exceeds(self) {
            self.drop_oldest(now);
        }
        self.drop_aged(bounds, now);
    }

    /// Drops what is too old or has expired.
    pub(super) fn expire(&mut self, bounds: &Bounds, now: u64) {
        self.drop_expired(now);
        self.drop_aged(bounds, now);
    }

    /// Lets the oldest record go.
    pub(super) fn drop_oldest(&mut self, now: u64) {
        let Some(record) = self.records.pop_front() else {
            return;
        };
        if !has_expired(&record, now) {
            self.floor = record.sequence();
        }
        self.payloads -= record.payload_bytes();
        self.cost -= record.cost();
        self.release();
    }

    /// Everything up to this record may be missing.
    pub(super) fn raise_floor(&mut self, sequence: u64) {
        self.floor = self.floor.max(sequence);
    }

    /// Drops the records after this one: they are no longer part of the log.
    pub(super) fn rewind(&mut self, end: u64) {
        let keep = self.records.partition_point(|it| it.sequence() <= end);
        for record in self.records.drain(keep..) {
            self.payloads -= record.payload_bytes();
            self.cost -= record.cost();
        }
        self.newest = self.newest.min(end);
        self.floor = self.floor.min(end);
        self.release();
    }

    /// Whether it has this record.
    #[cfg(feature = "data")]
    pub(super) fn holds(&self, sequence: u64) -> bool {
        let found = self.records.binary_search_by_key(&sequence, Kept::sequence);
        found.is_ok()
    }

    /// All records, oldest first.
    #[cfg(feature = "data")]
    pub(in crate::push) fn iter(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.records.iter()
    }

    /// The records with higher sequence numbers that were published at `time` or later.
    pub(super) fn after(&self, sequence: u64, time: u64) -> impl Iterator<Item = &R> {
        let is_before = |it: &R| it.sequence() <= sequence || it.time() < time;
        // Most topics have nothing new, or all is wanted: those are not searched.
        let from = match (sequence, time) {
            _ if self.newest <= sequence => self.records.len(),
            (0, 0) => 0,
            _ => self.records.partition_point(is_before),
        };
        self.records.range(from..)
    }

    /// The records with lower sequence numbers, newest first.
    pub(super) fn before(&self, sequence: u64) -> impl Iterator<Item = &R> {
        let end = self.records.partition_point(|it| it.sequence() < sequence);
        self.records.range(..end).rev()
    }

    /// Drops these records, whose numbers are in order. They are no gap: they were removed on
    /// purpose.
    pub(super) fn remove(&mut self, sequences: &[u64]) {
        let Self {
            records,
            payloads,
            cost,
            ..
        } = self;
        records.retain(|record| {
            let stays = sequences.binary_search(&record.sequence()).is_err();
            if !stays {
                *payloads -= record.payload_bytes();
                *cost -= record.cost();
            }
            stays
        });
        self.release();
    }

    fn drop_aged(&mut self, bounds: &Bounds, now: u64) {
        let is_aged = |it: &R| it.time().saturating_add(bounds.age) <= now;
        while self.records.front().is_some_and(is_aged) {
            self.drop_oldest(now);
        }
    }

    // req: push-order-06
    fn drop_expired(&mut self, now: u64) {
        if now < self.expires {
            return;
        }
        self.expires = u64::MAX;
        let Self {
            records,
            payloads,
            cost,
            expires,
            ..
        } = self;
        records.retain(|record| {
            if has_expired(record, now) {
                *payloads -= record.payload_bytes();
                *cost -= record.cost();
                return false;
            }
            *expires = record.expires().unwrap_or(u64::MAX).min(*expires);
            true
        });
        self.release();
    }

    /// An empty list keeps no memory.
    fn release(&mut self) {
        if self.records.is_empty() {
            self.records = VecDeque::new();
            self.expires = u64::MAX;
        }
    }
}

/// Its TTL has ended.
pub(super) fn has_expired(record: &impl Kept, now: u64) -> bool {
    record.expires().is_some_and(|expires| expires <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::record::Publication;

    fn record(sequence: u64, time: u64, ttl: Option<u64>) -> Arc<Record> {
        let mut publication = Publication::new("t".parse().unwrap(), "12345".into());
        publication.ttl = ttl;
        Arc::new(publication.into_record(sequence, time))
    }

    fn bounds(messages: usize, age: u64, bytes: usize) -> Bounds {
        let mut bounds = Bounds::default();
        (bounds.messages, bounds.age, bounds.bytes) = (messages, age, bytes);
        bounds
    }

    fn kept(history: &History<Arc<Record>>) -> Vec<u64> {
        history.after(0, 0).map(|record| record.sequence).collect()
    }

    #[test]
    // req: gotify-messages-06
    fn what_is_removed_is_no_gap_and_the_newest_come_first() {
        let bounds = bounds(10, 1_000, 1_000);
        let mut history = History::new(0);
        for sequence in 1..=5 {
            history.push(record(2 * sequence, 100, None), &bounds, 100);
        }
        let before = |history: &History<Arc<Record>>, sequence| -> Vec<u64> {
            history
                .before(sequence)
                .map(|record| record.sequence)
                .collect()
        };
        assert_eq!(before(&history, u64::MAX), [10, 8, 6, 4, 2]);
        assert_eq!(before(&history, 6), [4, 2]);
        let cost = history.cost();
        history.remove(&[1, 2, 6, 10]);
        assert_eq!((kept(&history), history.floor()), (vec![4, 8], 0));
        assert_eq!((history.size(), history.cost()), ((2, 10), cost / 5 * 2));
        history.remove(&[4, 8]);
        assert_eq!(
            (history.is_empty(), history.cost(), history.floor()),
            (true, 0, 0)
        );
    }

    #[test]
    // req: push-bounds-02
    fn count_bytes_and_age_let_go_and_raise_the_floor() {
        let all = bounds(10, 1_000, 1_000);
        for (bounds, expected, floor) in [
            (all, vec![1, 2, 3, 4], 0),
            (bounds(3, 1_000, 1_000), vec![2, 3, 4], 1),
            (bounds(10, 1_000, 14), vec![3, 4], 2),
            (bounds(10, 2, 1_000), vec![3, 4], 2),
            (bounds(10, 1_000, 4), vec![], 4),
        ] {
            let mut history = History::new(0);
            (1..=4).for_each(|at| history.push(record(at, at, None), &bounds, at));
            assert_eq!((kept(&history), history.floor()), (expected, floor));
        }
    }

    #[test]
    fn what_has_expired_is_not_lost_and_goes_first() {
        let bounds = bounds(3, 100, 1_000);
        let mut history = History::new(0);
        for (sequence, ttl) in [(1, None), (2, Some(5)), (3, Some(9))] {
            history.push(record(sequence, 0, ttl), &bounds, 0);
        }
        assert_eq!(history.due(&bounds), Some(5));
        history.push(record(4, 5, None), &bounds, 5);
        assert_eq!((kept(&history), history.floor()), (vec![1, 3, 4], 0));
        assert_eq!(history.due(&bounds), Some(9));
        history.expire(&bounds, 9);
        assert_eq!((kept(&history), history.floor()), (vec![1, 4], 0));
        history.expire(&bounds, 100);
        assert_eq!((kept(&history), history.floor()), (vec![4], 1));
        history.expire(&bounds, 105);
        assert_eq!((history.cost(), history.floor()), (0, 4));
        assert_eq!(history.due(&bounds), None);
    }

    #[test]
    fn a_part_is_found_by_sequence_and_time() {
        let mut history = History::new(0);
        for sequence in [2, 4, 6] {
            let record = record(sequence, sequence * 10, None);
            history.push(record, &Bounds::default(), 60);
        }
        let after = |sequence, time| history.after(sequence, time).count();
        assert_eq!(
            [after(0, 0), after(2, 0), after(3, 0), after(6, 0)],
            [3, 2, 2, 0]
        );
        assert_eq!(
            [after(0, 20), after(0, 21), after(4, 20), after(0, 61)],
            [3, 2, 1, 0]
        );
    }
}
