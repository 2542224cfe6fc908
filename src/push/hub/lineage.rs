//! The epochs of a log before the present one.
//!
//! ```text
//!   a: 1 ─────── 94          b: 95 ─────── 120         c: 121 ──▶
//!      └─ up to 97 somewhere    └─ records after 94 of a were lost
//! ```
//!
//! Input: the breaks of a log, in order. Output: whether a position of an earlier epoch is still
//! part of the log. Invariant: a position is known only if every record up to it is one of this
//! log, under the same number. The present epoch is left to the hub.

use crate::push::position::{Epoch, Position};
use std::collections::VecDeque;

/// A place where a log does not simply go on with the next number: another server keeps it from
/// now on, or records are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// The last record before the break that still counts. What came after it is no longer part of
    /// the log.
    pub end: u64,
    /// The epoch from now on. An earlier one again means that the log has gone back.
    pub epoch: Epoch,
    /// The next record has a higher number than this.
    pub begin: u64,
    /// Of the records up to `begin`, some may be lost: every topic has a gap.
    pub lost: bool,
}

/// Epochs that are remembered: a log changes hands a few times a day at most, and histories are
/// shorter than that.
const EPOCHS: usize = 64;

/// Earlier epochs, the oldest first, and the last record of each.
#[derive(Debug, Default)]
pub(super) struct Lineage(VecDeque<(Epoch, u64)>);

impl Lineage {
    /// The log leaves the present epoch.
    pub(super) fn enter(&mut self, present: Epoch, at: &Break) {
        for (_, end) in &mut self.0 {
            *end = at.end.min(*end);
        }
        if let Some(place) = self.0.iter().position(|(epoch, _)| *epoch == at.epoch) {
            self.0.truncate(place);
        } else if present != at.epoch {
            self.0.push_back((present, at.end));
        }
        if self.0.len() > EPOCHS {
            self.0.pop_front();
        }
    }

    /// Whether this was a position of an earlier epoch, and is one of the log still.
    pub(super) fn has(&self, asked: Position) -> bool {
        let mut all = self.0.iter();
        all.any(|(epoch, end)| *epoch == asked.epoch && asked.sequence <= *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(name: &str) -> Epoch {
        name.parse().unwrap()
    }

    fn enter(lineage: &mut Lineage, present: &str, end: u64, next: &str) {
        let at = Break {
            end,
            epoch: epoch(next),
            begin: end,
            lost: false,
        };
        lineage.enter(epoch(present), &at);
    }

    #[test]
    // req: push-nodes-02
    fn positions_of_earlier_epochs_are_known_up_to_their_ends() {
        let mut lineage = Lineage::default();
        enter(&mut lineage, "a", 94, "b");
        enter(&mut lineage, "b", 120, "c");
        for (name, known) in [("a", 94), ("b", 120)] {
            assert!(lineage.has(epoch(name).at(known)), "{name}");
            assert!(!lineage.has(epoch(name).at(known + 1)), "{name}");
        }
        assert!(!lineage.has(epoch("d").at(0)));
    }

    #[test]
    fn what_was_after_a_return_to_an_earlier_epoch_is_forgotten() {
        let mut lineage = Lineage::default();
        enter(&mut lineage, "a", 94, "b");
        enter(&mut lineage, "b", 120, "c");
        enter(&mut lineage, "c", 90, "a");
        assert!(!lineage.has(epoch("b").at(1)));
        enter(&mut lineage, "a", 90, "d");
        assert!(lineage.has(epoch("a").at(90)) && !lineage.has(epoch("a").at(91)));
    }

    #[test]
    fn old_epochs_are_forgotten() {
        let mut lineage = Lineage::default();
        for number in 0..100 {
            let (one, next) = (Epoch::from_number(number), Epoch::from_number(number + 1));
            enter(&mut lineage, one.as_str(), number, next.as_str());
        }
        assert!(!lineage.has(Epoch::from_number(35).at(1)));
        assert!(lineage.has(Epoch::from_number(36).at(1)));
    }
}
