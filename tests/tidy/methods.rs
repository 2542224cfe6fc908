//! Where the methods of a type are: in the file that defines it, or in that file's folder.

use super::without_tests;
use crate::support::sources::Source;
use std::collections::BTreeMap;

/// Joins two layers, and so belongs to the upper one.
const BRIDGES: [(&str, &str); 1] = [("Request", "src/net/upgrade.rs")];

/// Inherent impls in another folder than their type. A name that several files define says nothing.
pub fn scattered(sources: &[Source]) -> Vec<String> {
    let mut homes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for source in sources {
        for line in without_tests(&source.text).lines() {
            if let Some(name) = defined(line) {
                homes.entry(name).or_default().push(&source.path);
            }
        }
    }
    let mut problems = Vec::new();
    for source in sources {
        for line in without_tests(&source.text).lines() {
            let Some(name) = extended(line) else { continue };
            let Some([home]) = homes.get(&name).map(Vec::as_slice) else {
                continue;
            };
            let is_bridge = BRIDGES.contains(&(name.as_str(), source.path.as_str()));
            if folder(home) != folder(&source.path) && !is_bridge {
                problems.push(format!("{} has methods of {name}, of {home}", source.path));
            }
        }
    }
    problems
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The type that a line defines.
fn defined(line: &str) -> Option<String> {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    // Indented by `options!`.
    let line = line.strip_prefix("    ").unwrap_or(line);
    let starts = ["pub", "struct", "enum"];
    let is_public = starts.iter().any(|start| line.starts_with(start));
    words.find(|word| ["struct", "enum"].contains(word))?;
    words.next().filter(|_| is_public).map(str::to_owned)
}

/// The type whose own methods begin on this line.
fn extended(line: &str) -> Option<String> {
    let rest = line.strip_prefix("impl")?;
    if line.contains(" for ") || !line.ends_with('{') {
        return None;
    }
    let rest = match rest.strip_prefix('<') {
        Some(generics) => after_generics(generics)?,
        None => rest,
    };
    let name = rest
        .trim_start()
        .split(|c: char| !c.is_alphanumeric() && c != '_');
    name.into_iter().next().map(str::to_owned)
}

/// What follows the `>` that ends the generics.
fn after_generics(text: &str) -> Option<&str> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == '<') - i32::from(c == '>');
        if depth == 0 {
            return Some(&text[at + 1..]);
        }
    }
    None
}

#[test]
fn methods_elsewhere_are_found() {
    let source = |path: &str, text: &str| Source {
        path: path.into(),
        text: text.into(),
    };
    let home = source(
        "src/a/b.rs",
        "pub(crate) struct B<T> {\n}\nimpl<T: C<D>> B<T> {\n}\n",
    );
    let beside = source(
        "src/a/c.rs",
        "impl<T> B<T> {\n}\nimpl<T> Drop for B<T> {\n}\n",
    );
    let away = source("src/d/e.rs", "impl<'l, T: C<D>> B<T> {\n}\n");
    assert!(scattered(&[home.clone(), beside]).is_empty());
    assert_eq!(scattered(&[home, away]).len(), 1);
}
