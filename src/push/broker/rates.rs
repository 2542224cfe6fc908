//! How much is published, and where.
//!
//! Input: each record that is delivered. Output: counts since the last time they were taken.
//! Invariant: at most [`TOPICS`] topics are counted one by one, and none unless that is wanted.

use crate::push::name::TopicName;
use std::collections::HashMap;

/// Topics that are counted one by one: more than a page can show, in about 100 KiB.
const TOPICS: usize = 1_000;

/// Counts since the last time they were taken.
#[derive(Debug, Default)]
pub(super) struct Rates {
    pub(super) published: u64,
    /// Copies for subscribers.
    pub(super) delivered: u64,
    /// Since the start.
    totals: [u64; 2],
    by_topic: HashMap<TopicName, u64>,
    by_name: bool,
}

impl Rates {
    /// Counts a record of this topic with its subscribers. What the server says of itself does not
    /// count: an idle server has a rate of 0.
    pub(super) fn count(&mut self, topic: &TopicName, subscribers: usize) {
        if topic.is_reserved() {
            return;
        }
        self.published += 1;
        self.delivered += subscribers as u64;
        self.totals[0] += 1;
        self.totals[1] += subscribers as u64;
        if !self.by_name {
            return;
        }
        let is_full = self.by_topic.len() >= TOPICS;
        match self.by_topic.get_mut(topic) {
            Some(count) => *count += 1,
            None if is_full => {}
            None => drop(self.by_topic.insert(topic.clone(), 1)),
        }
    }

    /// Since the start: what was published, and the copies of it.
    pub(super) fn totals(&self) -> [u64; 2] {
        self.totals
    }

    /// Takes the counts, with the busiest topics first; from now on topics are counted one by one
    /// if `by_name`.
    pub(super) fn take(&mut self, by_name: bool) -> (Self, Vec<(TopicName, u64)>) {
        let mut taken = std::mem::take(self);
        self.totals = taken.totals;
        self.by_name = by_name;
        let mut topics: Vec<_> = taken.by_topic.drain().collect();
        topics.sort_unstable_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        (taken, topics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_counted_one_by_one_on_demand() {
        let topic = |name: &str| name.parse::<TopicName>().unwrap();
        let mut rates = Rates::default();
        rates.count(&topic("a"), 2);
        let (taken, topics) = rates.take(true);
        assert_eq!((taken.published, taken.delivered), (1, 2));
        assert!(topics.is_empty());
        for (name, times) in [("a", 1), ("b", 3), ("c", 1)] {
            (0..times).for_each(|_| rates.count(&topic(name), 0));
        }
        let (taken, topics) = rates.take(true);
        assert_eq!(taken.published, 5);
        assert_eq!(
            topics,
            [("b", 3), ("a", 1), ("c", 1)].map(|(it, n)| (topic(it), n))
        );
        for number in 0..2 * TOPICS {
            rates.count(&topic(&number.to_string()), 0);
        }
        assert_eq!(rates.totals(), [6 + 2 * TOPICS as u64, 2]);
        let (taken, topics) = rates.take(false);
        assert_eq!(
            (taken.published as usize, topics.len()),
            (2 * TOPICS, TOPICS)
        );
    }
}
