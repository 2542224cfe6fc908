//! How much history each topic keeps.
//!
//! Input: the rules of the settings, in order. Output: the bounds of a topic: those of the first
//! rule that matches. Invariant: topics of the server itself keep nothing, except the messages of
//! gotify clients, which are kept whatever the general rules say.

use crate::net::Overflow;
use crate::options::options;
use crate::push::name::{Pattern, TopicName};

/// The topics of gotify applications begin with it.
pub(in crate::push) const GOTIFY_TOPICS: &str = "$gotify.";

options! {
    /// What a topic keeps, and what happens to subscribers that are too slow for it. Those that
    /// resume within a night lose nothing of a topic of ordinary size.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub const struct Bounds {
        /// Messages; 0 makes the topic ephemeral: it is not in the log and its messages have no
        /// positions.
        pub messages: usize = 100,
        /// Milliseconds.
        pub age: u64 = 12 * 3_600_000,
        /// Bytes of payloads.
        pub bytes: usize = 1024 * 1024,
        /// For queues of slow subscribers.
        pub overflow: Overflow = Overflow::Disconnect,
    }
}

impl Bounds {
    /// No history and no positions.
    pub const EPHEMERAL: Self = Self {
        messages: 0,
        age: 0,
        bytes: 0,
        overflow: Overflow::Disconnect,
    };

    /// Of the messages of gotify applications, if no rule names their topics: they stay until there
    /// are newer ones, as clients look through them later.
    pub const GOTIFY: Self = Self {
        messages: 1_000,
        age: u64::MAX,
        bytes: 4 * 1024 * 1024,
        overflow: Overflow::Disconnect,
    };

    /// What topics of this pattern have if no rule says otherwise: a rule changes some of it.
    pub fn usual(pattern: &Pattern) -> Self {
        match pattern.as_str().starts_with(GOTIFY_TOPICS) {
            true => Self::GOTIFY,
            false => Self::DEFAULT,
        }
    }

    /// Whether topics with these bounds are not in the log.
    pub fn is_ephemeral(&self) -> bool {
        self.messages == 0
    }
}

/// The bounds of all topics. Without rules each has the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryRules {
    rules: Vec<(Pattern, Bounds)>,
    otherwise: Bounds,
}

impl HistoryRules {
    /// Rules in order, and the bounds of topics that none matches.
    pub fn new(rules: Vec<(Pattern, Bounds)>, otherwise: Bounds) -> Self {
        Self { rules, otherwise }
    }

    /// Whether some topic has another policy for slow subscribers than to disconnect them.
    pub fn has_policies(&self) -> bool {
        let rules = self.rules.iter().map(|(_, bounds)| bounds);
        let mut all = rules.chain([&self.otherwise]);
        all.any(|bounds| bounds.overflow != Overflow::Disconnect)
    }

    /// Whether some topic besides the server's own is ephemeral.
    pub fn has_ephemeral(&self) -> bool {
        let rules = self.rules.iter().map(|(_, bounds)| bounds);
        rules.chain([&self.otherwise]).any(Bounds::is_ephemeral)
    }

    /// The bounds of a topic.
    // req: push-bounds-01
    pub fn of(&self, topic: &TopicName) -> Bounds {
        let otherwise = match topic.is_reserved() {
            true if topic.as_str().starts_with(GOTIFY_TOPICS) => Bounds::GOTIFY,
            true => return Bounds::EPHEMERAL,
            false => self.otherwise,
        };
        // No wildcard matches a topic of the server itself: such a rule names it. It cannot take
        // the positions from messages whose ids they are.
        let mut rules = self.rules.iter();
        let first = rules.find(|(pattern, bounds)| {
            pattern.matches(topic) && !(topic.is_reserved() && bounds.is_ephemeral())
        });
        first.map_or(otherwise, |(_, bounds)| *bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: push-bounds-01
    fn the_first_rule_that_matches_counts() {
        let keep = |messages| Bounds {
            messages,
            ..Bounds::default()
        };
        let rules = vec![
            ("a.b".parse().unwrap(), keep(0)),
            ("a.*".parse().unwrap(), keep(5)),
            ("**".parse().unwrap(), keep(7)),
        ];
        let rules = HistoryRules::new(rules, keep(9));
        for (topic, messages) in [("a.b", 0), ("a.c", 5), ("a", 7), ("a.b.c", 7), ("$a", 0)] {
            assert_eq!(
                rules.of(&topic.parse().unwrap()).messages,
                messages,
                "{topic}"
            );
        }
        assert_eq!(rules.of(&"$gotify.1.2".parse().unwrap()), Bounds::GOTIFY);
        let named = vec![
            ("$gotify.1.2".parse().unwrap(), keep(0)),
            ("$gotify.1.*".parse().unwrap(), keep(3)),
        ];
        let named = HistoryRules::new(named, keep(9));
        for (topic, messages) in [
            ("$gotify.1.2", 3),
            ("$gotify.2.2", 1_000),
            ("$gotifyx.1", 0),
        ] {
            assert_eq!(named.of(&topic.parse().unwrap()).messages, messages);
        }
        let without = HistoryRules::default();
        assert!(rules.has_ephemeral() && !without.has_ephemeral());
        assert!(HistoryRules::new(Vec::new(), keep(0)).has_ephemeral());
        assert_eq!(without.of(&"a".parse().unwrap()), Bounds::default());
        let policy = |overflow| Bounds {
            overflow,
            ..Bounds::default()
        };
        let dropping = policy(Overflow::DropOldest);
        assert!(!without.has_policies());
        assert!(HistoryRules::new(Vec::new(), dropping).has_policies());
        let one = vec![("a".parse().unwrap(), dropping)];
        assert!(HistoryRules::new(one, Bounds::default()).has_policies());
        assert!(without.of(&"$stats".parse().unwrap()).is_ephemeral());
    }
}
