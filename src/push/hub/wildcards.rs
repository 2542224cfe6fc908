//! The patterns with wildcards, as a tree of their levels.
//!
//! ```text
//!   orders.*       root ─ orders ─ * ● 1
//!   orders.*.eu                    └─ eu ● 2
//!   orders.**             └ ** 3
//!   **             └ ** 4
//! ```
//!
//! Input: patterns, each with a number. Output: the numbers of those that match a topic. Invariant:
//! patterns that begin alike share that beginning, and a branch without patterns does not exist; so
//! a topic is matched in at most as many steps as the tree has levels.

use crate::push::name::{Pattern, TopicName};
use slab::Slab;
use std::collections::HashMap;

/// The root is 0.
type NodeId = usize;

const ROOT: NodeId = 0;

#[derive(Debug)]
pub(super) struct Wildcards {
    nodes: Slab<Node>,
}

#[derive(Debug, Default)]
struct Node {
    parent: NodeId,
    children: HashMap<Box<str>, NodeId>,
    /// The child for any level.
    any: Option<NodeId>,
    /// The pattern that goes on with `**` here.
    rest: Option<u32>,
    /// The pattern that ends here.
    end: Option<u32>,
}

impl Wildcards {
    pub(super) fn new() -> Self {
        let mut nodes = Slab::new();
        nodes.insert(Node::default());
        Self { nodes }
    }

    /// Levels in use.
    pub(super) fn levels(&self) -> usize {
        self.nodes.len() - 1
    }

    /// At most this many levels are added by a pattern.
    pub(super) fn levels_of(pattern: &Pattern) -> usize {
        pattern.as_str().split('.').count()
    }

    /// Adds a pattern that is not there yet.
    pub(super) fn insert(&mut self, pattern: &Pattern, number: u32) {
        let mut at = ROOT;
        for level in pattern.as_str().split('.') {
            if level == "**" {
                self.nodes[at].rest = Some(number);
                return;
            }
            at = self.child(at, level).unwrap_or_else(|| self.add(at, level));
        }
        self.nodes[at].end = Some(number);
    }

    /// Removes a pattern that is there.
    pub(super) fn remove(&mut self, pattern: &Pattern) {
        let mut at = ROOT;
        let mut levels = Vec::new();
        let mut is_rest = false;
        for level in pattern.as_str().split('.') {
            if level == "**" {
                is_rest = true;
                break;
            }
            let Some(next) = self.child(at, level) else {
                return;
            };
            at = next;
            levels.push(level);
        }
        match is_rest {
            true => self.nodes[at].rest = None,
            false => self.nodes[at].end = None,
        }
        while let Some(level) = levels.pop()
            && self.nodes[at].is_unused()
        {
            at = self.nodes.remove(at).parent;
            match level {
                "*" => self.nodes[at].any = None,
                _ => drop(self.nodes[at].children.remove(level)),
            }
        }
    }

    /// The numbers of the patterns that match, in no order.
    pub(super) fn matching(&self, topic: &TopicName) -> Vec<u32> {
        let mut found = Vec::new();
        if self.levels() == 0 && self.nodes[ROOT].rest.is_none() {
            return found;
        }
        let levels: Vec<&str> = topic.as_str().split('.').collect();
        let mut open = vec![(ROOT, 0)];
        while let Some((at, depth)) = open.pop() {
            let node = &self.nodes[at];
            let Some(level) = levels.get(depth) else {
                found.extend(node.end);
                continue;
            };
            // Wildcards do not match the server's own topics.
            if depth > 0 || !topic.is_reserved() {
                found.extend(node.rest);
                open.extend(node.any.map(|next| (next, depth + 1)));
            }
            open.extend(node.children.get(*level).map(|next| (*next, depth + 1)));
        }
        found
    }

    fn child(&self, at: NodeId, level: &str) -> Option<NodeId> {
        match level {
            "*" => self.nodes[at].any,
            _ => self.nodes[at].children.get(level).copied(),
        }
    }

    fn add(&mut self, parent: NodeId, level: &str) -> NodeId {
        let node = Node {
            parent,
            ..Node::default()
        };
        let id = self.nodes.insert(node);
        let parent = &mut self.nodes[parent];
        match level {
            "*" => parent.any = Some(id),
            _ => drop(parent.children.insert(level.into(), id)),
        }
        id
    }
}

impl Node {
    fn is_unused(&self) -> bool {
        let leads_on = self.any.is_some() || !self.children.is_empty();
        !leads_on && self.rest.is_none() && self.end.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Few names, so that they meet often.
    fn name(last: &'static [&'static str]) -> impl Strategy<Value = String> {
        let level = prop::sample::select(&["a", "b", "*"][..last.len().min(3)]);
        let level = prop::collection::vec(level, 0..4);
        (level, prop::sample::select(last)).prop_map(|(mut levels, last)| {
            levels.push(last);
            levels.join(".")
        })
    }

    /// Wildcards count below the first level of the server's own topics, not for it.
    #[test]
    fn a_wildcard_may_follow_the_name_of_a_reserved_topic() {
        let mut tree = Wildcards::new();
        for (number, pattern) in (0..).zip(["$a.*", "$a.**", "*.b", "**"]) {
            tree.insert(&pattern.parse().unwrap(), number);
        }
        let mut found = tree.matching(&"$a.b".parse().unwrap());
        found.sort_unstable();
        assert_eq!(found, [0, 1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 500,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn the_tree_finds_what_a_list_would(
            steps in prop::collection::vec((any::<bool>(), name(&["a", "b", "*", "**"])), 0..40),
            topics in prop::collection::vec(name(&["a", "b"]), 1..10),
        ) {
            let (mut tree, mut list) = (Wildcards::new(), BTreeMap::<Pattern, u32>::new());
            for (number, (add, pattern)) in (0..).zip(steps) {
                let pattern: Pattern = pattern.parse().unwrap();
                if let Some(number) = list.remove(&pattern) {
                    tree.remove(&pattern);
                    prop_assert!(number < 40);
                } else if add {
                    tree.insert(&pattern, number);
                    list.insert(pattern, number);
                }
                for topic in ["$a".to_owned(), "$a.b".to_owned()].iter().chain(&topics) {
                    let topic = topic.parse().unwrap();
                    let mut found = tree.matching(&topic);
                    found.sort_unstable();
                    let matches = list.iter().filter(|(pattern, _)| pattern.matches(&topic));
                    let mut expected: Vec<_> = matches.map(|(_, number)| *number).collect();
                    expected.sort_unstable();
                    prop_assert_eq!(found, expected);
                }
            }
            list.keys().for_each(|pattern| tree.remove(pattern));
            prop_assert_eq!(tree.levels(), 0);
        }
    }
}
