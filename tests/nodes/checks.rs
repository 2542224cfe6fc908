//! What must hold for every subscriber, whatever has happened.
//!
//! 1. Order: what a connection gets has strictly growing numbers, and no two messages ever have the
//!    same position; so there is one order for all.
//! 2. No doubles: a message comes once, unless a gap was told in between.
//! 3. No silent loss: whoever did not get an acknowledged message was told of a gap after it was
//!    published. While nothing was lost, no subscriber was told of any.

use crate::clients::{Position, Published, Publisher, Seen, Subscriber};
use std::collections::HashMap;
use std::time::Instant;

pub struct Judge {
    published: Vec<Published>,
    refused: usize,
    subscribers: Vec<Subscriber>,
    /// When each fault began, and whether it may lose messages.
    faults: Vec<(Instant, bool)>,
}

#[derive(Default)]
struct Counts {
    messages: usize,
    connections: usize,
    gaps: usize,
    missed: usize,
}

impl Judge {
    pub fn new(
        publishers: Vec<Publisher>,
        subscribers: Vec<Subscriber>,
        faults: Vec<(Instant, bool)>,
    ) -> Self {
        Self {
            refused: publishers.iter().map(|it| it.refused).sum(),
            published: publishers.into_iter().flat_map(|it| it.published).collect(),
            subscribers,
            faults,
        }
    }

    pub fn judge(&self) {
        let mut counts = Counts::default();
        let mut contents = HashMap::new();
        for subscriber in &self.subscribers {
            Self::order(subscriber, &mut contents);
            Self::no_doubles(subscriber);
            self.no_silent_loss(subscriber, &mut counts);
        }
        for it in &self.published {
            if let Some(data) = contents.get(&it.position) {
                assert_eq!(*data, it.data, "two messages at {:?}", it.position);
            }
        }
        println!(
            "{} acknowledged, {} times 503; {} subscribers got {} messages on {} connections, \
             were told of {} gaps and missed {} messages in them; everything holds",
            self.published.len(),
            self.refused,
            self.subscribers.len(),
            counts.messages,
            counts.connections,
            counts.gaps,
            counts.missed
        );
    }

    fn order<'s>(subscriber: &'s Subscriber, contents: &mut HashMap<Position, &'s str>) {
        let mut last = 0;
        for (_, seen) in &subscriber.seen {
            match seen {
                Seen::Began => last = 0,
                Seen::Gap => {}
                Seen::Message(position, data) => {
                    assert!(position.sequence > last, "{position:?} came after {last}");
                    last = position.sequence;
                    let before = contents.insert(position.clone(), data);
                    let is_same = before.is_none_or(|before| before == data);
                    assert!(is_same, "{before:?} and {data} at {position:?}");
                }
            }
        }
    }

    fn no_doubles(subscriber: &Subscriber) {
        let mut gaps = 0;
        let mut known = HashMap::new();
        for (_, seen) in &subscriber.seen {
            match seen {
                Seen::Began => {}
                Seen::Gap => gaps += 1,
                Seen::Message(position, data) => {
                    let before = known.insert(data, (gaps, position));
                    if let Some((at, first)) = before {
                        assert!(at < gaps, "{data} came twice: {first:?}, {position:?}");
                    }
                }
            }
        }
    }

    fn no_silent_loss(&self, subscriber: &Subscriber, counts: &mut Counts) {
        let mut got = HashMap::new();
        let mut gaps = Vec::new();
        for (at, seen) in &subscriber.seen {
            match seen {
                Seen::Began => counts.connections += 1,
                Seen::Gap => gaps.push(*at),
                Seen::Message(_, data) => {
                    counts.messages += 1;
                    got.insert(data.as_str(), *at);
                }
            }
        }
        counts.gaps += gaps.len();
        for gap in &gaps {
            let mut before = self.faults.iter().filter(|(at, _)| at <= gap);
            let may_lose = before.next_back().is_some_and(|(_, loses)| *loses);
            assert!(may_lose, "a gap, but nothing was lost");
        }
        for it in &self.published {
            if subscriber.wants(&it.topic) && !got.contains_key(it.data.as_str()) {
                counts.missed += 1;
                let is_told = gaps.iter().any(|gap| *gap >= it.sent);
                assert!(
                    is_told,
                    "{it:?} was lost silently by {}",
                    subscriber.patterns
                );
            }
        }
    }
}
