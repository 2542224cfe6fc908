//! Relative links of Markdown files: they lead to a file, a folder, or a heading that is there.
//!
//! Input: a path and the text of a Markdown file. Output: the links that lead nowhere. Links to the
//! web are left alone, and so are those that rustdoc resolves.

use std::fs;
use std::path::{Path, PathBuf};

/// Below these lies what is not ours.
const FOREIGN: [&str; 5] = [".git", ".venv", ".work", "node_modules", "target"];

/// All Markdown files of the project, with their text.
pub fn pages() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() && !FOREIGN.iter().any(|name| path.ends_with(name)) {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).expect("a page");
            found.push((path, text));
        }
    }
}

/// The links of a page that lead nowhere.
pub fn broken(path: &Path, text: &str) -> Vec<String> {
    let folder = path.parent().expect("a file is in a folder");
    let is_broken = |link: &&str| {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let target = if file.is_empty() {
            path.into()
        } else {
            folder.join(file)
        };
        if heading.is_empty() {
            return !target.exists();
        }
        // The page itself need not be on the disk.
        let there = if file.is_empty() {
            Ok(text.into())
        } else {
            fs::read_to_string(target)
        };
        !there.is_ok_and(|there: String| headings(&there).any(|own| own == heading))
    };
    let broken = links(text).filter(is_broken);
    broken
        .map(|link| format!("{}: {link}", path.display()))
        .collect()
}

/// Where `](here)` leads, outside of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let lines = outside_of_code(text);
    let ends = lines.flat_map(|line| line.split("](").skip(1));
    let links = ends.filter_map(|rest| rest.split_once(')'));
    links
        .map(|(link, _)| link)
        .filter(|link| !link.contains("::") && !link.contains("://"))
}

/// The names that headings are given: small letters and digits, with `-` for spaces.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let lines = outside_of_code(text).filter(|line| line.starts_with('#'));
    lines.map(|line| {
        let name = line.trim_start_matches('#').trim().to_lowercase();
        let kept = name
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

fn outside_of_code(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

#[test]
fn links_that_lead_nowhere_are_found() {
    let text = "# One, two\n[a](#one-two) [b](#two) ![c](mod.rs)\n[d](no.rs) | [e](../cli)\n\
                ```\n# three\nf[0](no)\n```\n[g](#three) [h](https://example.com/no) [i](a::B)\n\
                [j](../README.md#one-thing-alone) [k](../README.md#no)\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tidy/page.md");
    let found = broken(&path, text);
    let found: Vec<_> = found.iter().map(|link| link.rsplit(": ").next()).collect();
    let expected = ["#two", "no.rs", "#three", "../README.md#no"];
    assert_eq!(found, expected.map(Some));
}
