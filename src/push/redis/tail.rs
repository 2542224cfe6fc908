//! Where a node is in the log, and what the entries that it reads mean.
//!
//! ```text
//!   a: …93 94 │ mark: b begins after 94 │ b: 95 96      a node at a-94 goes on with b-95
//!                                                       a node at a-97 goes back to a-94: lost
//! ```
//!
//! Input: what the log says when a node connects, and its entries in order. Output: records and
//! breaks, in order. Pure: no connection, no clock. Invariants: the records that it gives have
//! consecutive numbers, or a break between them says otherwise; nothing is reported twice.

use crate::push::hub::Break;
use crate::push::log::{Entry, LogError, Logged};
use crate::push::position::Epoch;
use crate::push::redis::record::decode;
use crate::push::redis::reply::{Batch, Fate, Id, Item, Opened, What};
use std::sync::Arc;

/// The place of a node in the log.
#[derive(Debug)]
pub(super) struct Tail {
    node: String,
    epoch: Epoch,
    /// The last record that was reported, or that will never come.
    sequence: u64,
    /// The last entry that was read.
    id: Id,
    /// How each epoch of the log began, as far as is known.
    epochs: Vec<Break>,
    /// What identifies the server that is read.
    life: String,
    /// The last record when the node connected.
    head: u64,
}

/// What a node learns from the log.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// A batch; of this node, with its number.
    Batch(Option<u64>, Vec<Logged>),
    Break(Break),
    /// What was revoked, or is no longer.
    Revocation(bool, String),
}

impl Tail {
    /// At the beginning of a log, of which the oldest records may have gone.
    pub(super) fn new(node: String, opened: &Opened) -> Option<Self> {
        Some(Self {
            node,
            epoch: opened.epochs.first()?.epoch,
            sequence: 0,
            id: Id::default(),
            epochs: opened.epochs.clone(),
            life: opened.life.clone(),
            head: opened.head,
        })
    }

    /// The last record that this node knows of.
    pub(super) fn position(&self) -> (Epoch, u64) {
        (self.epoch, self.sequence)
    }

    /// After which entry to read.
    pub(super) fn id(&self) -> Id {
        self.id
    }

    /// Whether what was just read is part of the log that is known.
    pub(super) fn is_same(&self, life: &str, epoch: &str) -> bool {
        let known = self.epochs.last().map(|it| it.epoch);
        self.life == life && known.is_some_and(|it| it.as_str() == epoch)
    }

    /// The node has connected again. It continues where it was, unless records that it has reported
    /// are no longer part of the log.
    pub(super) fn reopen(&mut self, opened: Opened) -> Option<Event> {
        let place = opened.epochs.iter().rposition(|it| it.epoch == self.epoch);
        let next = place.map(|place| opened.epochs.get(place + 1));
        let end = next.map(|next| next.map_or(opened.head, |next| next.end));
        let back = match (end, opened.epochs.first()) {
            (Some(end), _) if self.sequence <= end => None,
            (Some(end), _) => Some((self.epoch, end)),
            (None, Some(first)) => Some((first.epoch, 0)),
            (None, None) => None,
        };
        let Opened {
            life, head, epochs, ..
        } = opened;
        (self.life, self.head, self.epochs) = (life, head, epochs);
        if let Some((epoch, end)) = back {
            (self.epoch, self.sequence) = (epoch, end);
        }
        // Entries between two records are read again: of another server there may be others.
        self.id = Id {
            sequence: self.sequence,
            sub: 0,
        };
        back.map(|(epoch, end)| {
            Event::Break(Break {
                end,
                epoch,
                begin: end,
                lost: true,
            })
        })
    }

    /// What entries mean.
    pub(super) fn read(&mut self, items: Vec<Item>) -> Vec<Event> {
        let mut events = Vec::with_capacity(items.len());
        for Item { id, what } in items {
            self.id = id;
            match what {
                What::Batch(batch) => self.batch(batch, &mut events),
                What::Mark(mark) => self.mark(mark, &mut events),
                What::Revocation(is_new, what) => events.push(Event::Revocation(is_new, what)),
                What::Unknown => log::warn!("an entry of the log was not understood"),
            }
        }
        events
    }

    /// There are no more entries for now: what was there when the node connected and has not come
    /// is lost.
    pub(super) fn caught_up(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.sequence < self.head {
            self.miss(self.head, &mut events);
        }
        events
    }

    // req: push-nodes-01
    fn batch(&mut self, batch: Batch, events: &mut Vec<Event>) {
        let count = batch.records.len() as u64;
        let Some(before) = self.id.sequence.checked_sub(count) else {
            return;
        };
        if count > 0 && before < self.sequence {
            return; // It was reported before.
        }
        if before > self.sequence {
            self.miss(before, events);
        }
        let own = (batch.node == self.node).then_some(batch.number);
        let mut bad = false;
        let mut sequence = before;
        let mut records = batch.records.into_iter().map(|bytes| {
            sequence += 1;
            let publication = decode(&bytes);
            bad |= publication.is_none();
            let record = publication.map(|it| it.into_record(sequence, batch.time));
            let entry = record.map(|record| Entry::New(Arc::new(record)));
            entry.ok_or(LogError::Unavailable)
        });
        let entries = match batch.outcomes {
            None => records.collect(),
            Some(outcomes) => {
                let entry = |fate| match fate {
                    Fate::New => records.next().unwrap_or(Err(LogError::Unavailable)),
                    Fate::Repeated(sequence) => Ok(Entry::Repeated {
                        sequence,
                        subscribers: None,
                    }),
                    Fate::KeyReused => Err(LogError::KeyReused),
                };
                outcomes.into_iter().map(entry).collect()
            }
        };
        self.sequence = self.sequence.max(self.id.sequence);
        events.push(Event::Batch(own, entries));
        if bad {
            log::error!("a record of the log is damaged");
            events.push(self.gap(self.sequence));
        }
    }

    /// A new epoch, or one that is known.
    fn mark(&mut self, mark: Break, events: &mut Vec<Event>) {
        let place = |epoch| self.epochs.iter().rposition(|it| it.epoch == epoch);
        let (present, reached) = (place(self.epoch), place(mark.epoch));
        match (present, reached) {
            (Some(present), Some(reached)) if reached <= present => {}
            (Some(present), Some(reached)) => {
                for place in present + 1..=reached {
                    self.enter(self.epochs[place], events);
                }
            }
            _ => {
                self.epochs.push(mark);
                self.enter(mark, events);
            }
        }
    }

    fn enter(&mut self, mark: Break, events: &mut Vec<Event>) {
        let lost = mark.lost || mark.end > self.sequence;
        (self.epoch, self.sequence) = (mark.epoch, mark.begin.max(mark.end));
        events.push(Event::Break(Break { lost, ..mark }));
    }

    /// Records up to this one will not come. Epochs may have begun meanwhile.
    // req: push-nodes-03
    fn miss(&mut self, until: u64, events: &mut Vec<Event>) {
        let present = self.epochs.iter().rposition(|it| it.epoch == self.epoch);
        let later = present.map_or(0, |present| present + 1);
        for place in later..self.epochs.len() {
            if self.epochs[place].begin <= until {
                self.enter(self.epochs[place], events);
            }
        }
        if self.sequence < until {
            events.push(self.gap(until));
            self.sequence = until;
        }
    }

    fn gap(&self, until: u64) -> Event {
        Event::Break(Break {
            end: self.sequence,
            epoch: self.epoch,
            begin: until,
            lost: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::record::Publication;
    use crate::push::redis::record::encode;

    fn mark(epoch: &str, end: u64, begin: u64, lost: bool) -> Break {
        Break {
            end,
            epoch: epoch.parse().unwrap(),
            begin,
            lost,
        }
    }

    fn opened(head: u64, epochs: &[Break]) -> Opened {
        Opened {
            life: "f00".into(),
            head,
            epochs: epochs.into(),
            revoked: Vec::new(),
        }
    }

    fn records(last: u64, count: usize) -> Item {
        let bytes = encode(&Publication::new("a".parse().unwrap(), "x".into()));
        let bytes = bytes[4..].to_vec();
        let batch = Batch {
            node: "me".into(),
            number: last,
            time: 1,
            records: vec![bytes; count],
            outcomes: None,
        };
        let id = Id {
            sequence: last,
            sub: 0,
        };
        Item {
            id,
            what: What::Batch(batch),
        }
    }

    fn marked(sequence: u64, sub: u64, mark: Break) -> Item {
        Item {
            id: Id { sequence, sub },
            what: What::Mark(mark),
        }
    }

    /// In words: numbers of records, `e<b 94 100` for breaks, `!` if something is lost.
    fn words(events: &[Event]) -> Vec<String> {
        let word = |event: &Event| match event {
            Event::Batch(_, entries) => {
                let numbers = entries.iter().map(|entry| match entry {
                    Ok(Entry::New(record)) => record.sequence.to_string(),
                    other => format!("{other:?}"),
                });
                numbers.collect::<Vec<_>>().join(" ")
            }
            Event::Break(at) => {
                let lost = if at.lost { "!" } else { "" };
                format!("{} {} {}{lost}", at.epoch, at.end, at.begin)
            }
            Event::Revocation(..) => "revocation".into(),
        };
        events.iter().map(word).collect()
    }

    fn tail(epochs: &[Break], last: u64) -> Tail {
        let mut tail = Tail::new("me".into(), &opened(last, epochs)).unwrap();
        let events = tail.read(vec![records(last, last as usize)]);
        assert_eq!(events.len(), 1);
        tail
    }

    const A: &str = "a";

    #[test]
    // req: push-nodes-01
    fn records_in_order_are_told_once() {
        let first = mark(A, 0, 0, false);
        let mut tail = Tail::new("me".into(), &opened(3, &[first])).unwrap();
        let events = tail.read(vec![marked(0, 1, first), records(2, 2), records(3, 1)]);
        assert_eq!(words(&events), ["1 2", "3"]);
        assert!(matches!(events[0], Event::Batch(Some(2), _)));
        assert_eq!(tail.read(vec![records(3, 1)]), []);
        assert_eq!(tail.caught_up(), []);
        assert_eq!(tail.position(), (first.epoch, 3));
    }

    #[test]
    // req: push-nodes-02
    fn another_primary_with_everything_is_no_gap() {
        let (a, b) = (mark(A, 0, 0, false), mark("b", 3, 3, false));
        let mut tail = tail(&[a], 3);
        assert!(!tail.is_same("f01", "b"));
        assert_eq!(tail.reopen(opened(5, &[a, b])), None);
        assert!(tail.is_same("f00", "b"));
        let events = tail.read(vec![marked(3, 1, b), records(5, 2)]);
        assert_eq!(words(&events), ["b 3 3", "4 5"]);
        // Again, as after any lost connection.
        assert_eq!(tail.reopen(opened(5, &[a, b])), None);
        assert_eq!(words(&tail.read(vec![records(6, 1)])), ["6"]);
    }

    #[test]
    // req: push-nodes-03
    fn what_the_log_has_lost_is_taken_back() {
        let (a, b) = (mark(A, 0, 0, false), mark("b", 3, 3, false));
        let c = mark("c", 5, 6, true);
        let mut tail = tail(&[a], 6);
        let back = tail.reopen(opened(6, &[a, b, c]));
        assert_eq!(words(&Vec::from_iter(back)), ["a 3 3!"]);
        let events = tail.read(vec![
            marked(3, 1, b),
            records(5, 2),
            marked(5, 1, c),
            records(7, 1),
        ]);
        assert_eq!(words(&events), ["b 3 3", "4 5", "c 5 6!", "7"]);
    }

    #[test]
    fn an_empty_primary_begins_a_new_log() {
        let (x, y) = (mark("x", 0, 0, false), mark("y", 0, 6, true));
        let mut tail = tail(&[mark(A, 0, 0, false)], 6);
        let back = tail.reopen(opened(6, &[x, y]));
        assert_eq!(words(&Vec::from_iter(back)), ["x 0 0!"]);
        let events = tail.read(vec![marked(0, 1, x), marked(0, 2, y), records(7, 1)]);
        assert_eq!(words(&events), ["y 0 6!", "7"]);
    }

    #[test]
    // req: push-nodes-03
    fn what_was_trimmed_is_a_gap_also_if_nothing_follows() {
        let a = mark(A, 0, 0, false);
        let mut hole = tail(&[a], 3);
        assert_eq!(words(&hole.read(vec![records(9, 2)])), ["a 3 7!", "8 9"]);
        let mut end = tail(&[a], 3);
        assert_eq!(end.reopen(opened(9, &[a])), None);
        assert_eq!(words(&end.caught_up()), ["a 3 9!"]);
        assert_eq!(end.caught_up(), []);
    }

    #[test]
    fn epochs_whose_marks_were_trimmed_are_entered_nevertheless() {
        let (a, b) = (mark(A, 0, 0, false), mark("b", 5, 5, false));
        let mut tail = tail(&[a], 3);
        assert_eq!(tail.reopen(opened(9, &[a, b])), None);
        let events = tail.read(vec![records(9, 2)]);
        assert_eq!(words(&events), ["b 5 5!", "b 5 7!", "8 9"]);
    }

    #[test]
    fn an_epoch_that_began_after_connecting() {
        let (a, b) = (mark(A, 0, 0, false), mark("b", 3, 3, false));
        let mut tail = tail(&[a], 3);
        assert_eq!(
            words(&tail.read(vec![marked(3, 1, b), records(4, 1)])),
            ["b 3 3", "4"]
        );
        assert!(tail.is_same("f00", "b"));
    }

    #[test]
    fn a_damaged_record_is_a_gap() {
        let mut tail = tail(&[mark(A, 0, 0, false)], 3);
        let mut item = records(5, 2);
        if let What::Batch(batch) = &mut item.what {
            batch.records[0] = b"?".to_vec();
        }
        let events = words(&tail.read(vec![item]));
        assert_eq!(events, ["Err(Unavailable) 5", "a 5 5!"]);
    }

    #[test]
    // req: push-publish-08
    fn repetitions_are_told_in_their_places() {
        let mut tail = tail(&[mark(A, 0, 0, false)], 3);
        let mut item = records(4, 1);
        if let What::Batch(batch) = &mut item.what {
            batch.outcomes = Some(vec![Fate::Repeated(2), Fate::New, Fate::KeyReused]);
        }
        let events = tail.read(vec![item]);
        let [Event::Batch(Some(4), entries)] = &events[..] else {
            panic!("{events:?}");
        };
        assert!(matches!(
            entries[0],
            Ok(Entry::Repeated { sequence: 2, .. })
        ));
        assert!(matches!(&entries[1], Ok(Entry::New(record)) if record.sequence == 4));
        assert_eq!(entries[2], Err(LogError::KeyReused));
    }
}
