//! Who subscribes at the other nodes.
//!
//! Input: what each node says of itself, once a second at most. Output: sums. Invariant: a node
//! that has not been heard of for ten seconds does not count. Within a node a connection counts
//! once, however many of its patterns match.

use crate::push::hub::Presence;
use crate::push::log::Subscriptions;
use crate::push::name::{Pattern, TopicName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

/// Bytes that a node says of itself: 50,000 different lists of patterns. What does not fit is not
/// counted elsewhere.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The other nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes(RwLock<HashMap<String, Node>>);

#[derive(Debug, Default)]
struct Node {
    version: u64,
    /// Connections with a single topic.
    exact: HashMap<String, Presence>,
    others: Vec<Subscriptions>,
}

/// Connections that subscribe to the same, in short.
#[derive(Debug, Serialize, Deserialize)]
struct Group {
    p: Vec<String>,
    c: usize,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    n: BTreeMap<String, usize>,
}

/// What a node says of itself.
pub(super) fn encode(all: Vec<Subscriptions>) -> Vec<u8> {
    let mut bytes = 2;
    let mut groups = Vec::new();
    for Subscriptions { patterns, presence } in all {
        let group = Group {
            p: patterns.iter().map(|it| it.as_str().to_owned()).collect(),
            c: presence.connections,
            n: presence
                .names
                .into_iter()
                .map(|(name, n)| (name.to_string(), n))
                .collect(),
        };
        let text = serde_json::value::to_raw_value(&group).expect("it is JSON");
        bytes += text.get().len() + 1;
        if bytes > MAX_BYTES {
            break;
        }
        groups.push(text);
    }
    serde_json::to_vec(&groups).expect("it is JSON")
}

impl Nodes {
    /// Which of these versions are not known.
    pub(super) fn missing(&self, versions: &HashMap<String, u64>) -> Vec<String> {
        let nodes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_known =
            |node: &str, version| nodes.get(node).is_some_and(|it| it.version == version);
        let missing = versions
            .iter()
            .filter(|(node, version)| !is_known(node, **version));
        missing.map(|(node, _)| node.clone()).collect()
    }

    /// Forgets all nodes but these.
    pub(super) fn keep(&self, versions: &HashMap<String, u64>) {
        let mut nodes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|node, _| versions.contains_key(node));
    }

    /// A node says this of itself.
    pub(super) fn learn(&self, node: String, version: u64, bytes: &[u8]) {
        let groups: Vec<Group> = serde_json::from_slice(bytes).unwrap_or_default();
        let mut known = Node {
            version,
            ..Node::default()
        };
        for Group { p, c, n } in groups {
            let patterns: Result<Vec<Pattern>, _> = p.iter().map(|it| it.parse()).collect();
            let Ok(patterns) = patterns else { continue };
            let presence = Presence {
                connections: c,
                names: n.into_iter().map(|(name, n)| (name.into(), n)).collect(),
                more: false,
            };
            match &patterns[..] {
                [one] if one.to_topic().is_some() => {
                    let one = one.as_str().to_owned();
                    known.exact.entry(one).or_default().add(&presence);
                }
                _ => known.others.push(Subscriptions { patterns, presence }),
            }
        }
        let mut nodes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        nodes.insert(node, known);
    }

    /// Connections with this topic.
    pub(super) fn connections(&self, topic: &TopicName) -> usize {
        let mut sum = 0;
        self.each(topic, |presence| sum += presence.connections);
        sum
    }

    // req: push-nodes-05
    pub(super) fn presence(&self, topic: &TopicName) -> Presence {
        let mut sum = Presence::default();
        self.each(topic, |presence| sum.add(presence));
        sum
    }

    fn each(&self, topic: &TopicName, mut found: impl FnMut(&Presence)) {
        let nodes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for node in nodes.values() {
            node.exact
                .get(topic.as_str())
                .into_iter()
                .for_each(&mut found);
            let matches = |it: &&Subscriptions| it.patterns.iter().any(|it| it.matches(topic));
            let others = node.others.iter().filter(matches);
            others.for_each(|it| found(&it.presence));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(patterns: &[&str], connections: usize, names: &[(&str, usize)]) -> Subscriptions {
        Subscriptions {
            patterns: patterns.iter().map(|it| it.parse().unwrap()).collect(),
            presence: Presence {
                connections,
                names: names.iter().map(|(name, n)| ((*name).into(), *n)).collect(),
                more: false,
            },
        }
    }

    #[test]
    // req: push-nodes-05
    fn a_connection_counts_once_at_each_node() {
        let nodes = Nodes::default();
        let one = encode(vec![
            group(&["a"], 2, &[("alice", 1)]),
            group(&["*", "a"], 3, &[]),
            group(&["b.*"], 7, &[]),
        ]);
        nodes.learn("one".into(), 1, &one);
        nodes.learn(
            "two".into(),
            4,
            &encode(vec![group(&["**"], 1, &[("alice", 1)])]),
        );
        let presence = nodes.presence(&"a".parse().unwrap());
        assert_eq!(presence.connections, 6);
        assert_eq!(presence.names.get("alice"), Some(&2));
        assert_eq!(nodes.connections(&"b.c".parse().unwrap()), 8);
        let live = HashMap::from([("two".to_owned(), 4), ("three".to_owned(), 1)]);
        assert_eq!(nodes.missing(&live), ["three"]);
        nodes.keep(&live);
        assert_eq!(nodes.connections(&"a".parse().unwrap()), 1);
        nodes.learn("two".into(), 5, b"nonsense");
        assert_eq!(nodes.connections(&"a".parse().unwrap()), 0);
    }

    #[test]
    fn what_a_node_says_is_bounded() {
        let name = "x".repeat(200);
        let all = (0..30_000).map(|at| group(&[&format!("{name}.{at}")], 1, &[]));
        assert!(encode(all.collect()).len() <= MAX_BYTES);
    }
}
