//! The shape of the project, as a test: layers, sizes, and what must not be in a file.
//!
//! Each check is a function from text to problems, and has a test of its own that it can fail.

mod circles;
mod links;
mod methods;
mod names;
mod words;

use crate::support::sources::{Source, sources};
use circles::Uses;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A check: from a path and its text to problems.
type Rule = fn(&str, &str) -> Vec<String>;

/// The layers, lowest first. A module may use only those before it.
const LAYERS: [&str; 11] = [
    "wire",
    "http",
    "handshake",
    "deflate",
    "proto",
    "tap",
    "tls",
    "client",
    "net",
    "push",
    "cli",
];

/// What all may use, or all beside it, and what it may use of its crate itself.
const LEAVES: [(&str, &[&str]); 7] = [
    ("src/error.rs", &["src/wire/close_code.rs"]),
    ("src/limits.rs", &["src/options.rs"]),
    ("src/options.rs", &[]),
    ("src/stamp.rs", &[]),
    ("src/cli/common/", &["src/cli/common/"]),
    ("src/cli/server/", &["src/cli/server/", "src/cli/common/"]),
    (
        "src/cli/tools/common/",
        // The last one has the name of the tools in a build without them.
        &[
            "src/cli/tools/common/",
            "src/cli/common/",
            "src/cli/no_tools.rs",
        ],
    ),
];

const CORE: [&str; 3] = ["wire", "handshake", "proto"];

const TOP_LEVEL: [&str; 14] = [
    ".ci",
    ".git",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "autobahn",
    "benches",
    "fuzz",
    "src",
    "tests",
];

const MAX_COLUMNS: usize = 100;
const MAX_FUNCTION: usize = 60;
const MAX_FILE: usize = 500;

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn layer(path: &str) -> Option<usize> {
    let folder = path.strip_prefix("src/")?.split(['/', '.']).next()?;
    LAYERS.iter().position(|layer| *layer == folder)
}

fn layering(uses: &Uses) -> Vec<String> {
    let wrong = uses.all().filter(|(from, to, _)| {
        let above = layer(from).is_some_and(|own| layer(to).is_some_and(|used| used > own));
        let leaf = LEAVES.iter().find(|(leaf, _)| from.starts_with(leaf));
        let is_allowed = |allowed: &[&str]| allowed.iter().any(|begins| to.starts_with(begins));
        above || leaf.is_some_and(|(_, allowed)| !is_allowed(allowed))
    });
    wrong
        .map(|(from, to, path)| format!("{from} uses {to}, which is above it: {path}"))
        .collect()
}

/// Files that need each other, with the uses that make it so.
fn circles(uses: &Uses) -> Vec<String> {
    let mut problems = Vec::new();
    for circle in uses.circles() {
        let mut problem = String::from("a circle of files:");
        let inside = |file: &str| circle.contains(file);
        for (from, to, path) in uses
            .all()
            .filter(|(from, to, _)| inside(from) && inside(to))
        {
            let _ = write!(problem, "\n    {from} uses {to}: {path}");
        }
        problems.push(problem);
    }
    problems
}

fn std_in_the_core(path: &str, text: &str) -> Vec<String> {
    if !layer(path).is_some_and(|own| CORE.contains(&LAYERS[own])) {
        return Vec::new();
    }
    let code = without_tests(text).lines().filter(|line| !is_comment(line));
    code.filter(|line| line.contains("std::"))
        .map(|line| format!("{path} uses std: {}", line.trim()))
        .collect()
}

fn sizes(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let length = without_tests(text).lines().count();
    if length > MAX_FILE {
        problems.push(format!("{path} has {length} lines"));
    }
    for (number, line) in text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > MAX_COLUMNS {
            problems.push(format!("{path}:{} has {columns} columns", number + 1));
        }
    }
    problems.extend(long_functions(path, text));
    problems
}

/// A function ends at the next line that is a closing brace with its indentation.
fn long_functions(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let words: Vec<&str> = code.split_whitespace().take(5).collect();
        if is_comment(line) || !words.contains(&"fn") || code.ends_with(';') {
            continue;
        }
        let end = format!("{}}}", " ".repeat(indent));
        let length = lines[at..].iter().position(|line| *line == end);
        if let Some(length) = length.filter(|length| *length >= MAX_FUNCTION) {
            problems.push(format!(
                "{path}:{} is a function of {} lines",
                at + 1,
                length + 1
            ));
        }
    }
    problems
}

fn text_rules(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !text.starts_with("//!") {
        problems.push(format!("{path} does not begin with what it is for"));
    }
    if text.contains('\t') || text.lines().any(|line| line.ends_with(' ')) {
        problems.push(format!("{path} has tabs or spaces at the end of a line"));
    }
    problems
}

fn safety(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !is_comment(line));
    let is_unsafe = |line: &str| {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
        words.any(|word| word == "unsafe")
    };
    let found = lines.filter(|line| is_unsafe(line));
    found
        .map(|line| format!("{path}: {}", line.trim()))
        .collect()
}

/// The tables of the state machine are spelled out.
fn wildcards(path: &str, text: &str) -> Vec<String> {
    let arms = text
        .lines()
        .filter(|line| line.trim_start().starts_with("_ =>"));
    arms.map(|arm| format!("{path} has the arm {}", arm.trim()))
        .collect()
}

fn check(sources: &[Source], rule: Rule) -> Vec<String> {
    sources
        .iter()
        .flat_map(|source| rule(&source.path, &source.text))
        .collect()
}

fn hold(problems: &[String]) {
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

fn all_uses() -> (Vec<Source>, Uses) {
    let mut all = sources("src");
    all.extend(sources("benches"));
    let uses = Uses::of(&all);
    (all, uses)
}

#[test]
fn a_module_uses_only_those_before_it() {
    hold(&layering(&all_uses().1));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    hold(&circles(&all_uses().1));
}

/// Otherwise it would not be seen.
#[test]
fn every_file_belongs_to_a_crate() {
    let (all, uses) = all_uses();
    for source in all
        .iter()
        .filter(|source| !source.path.ends_with("tests.rs"))
    {
        let path = &source.path;
        assert!(
            uses.files().any(|file| file == path),
            "{path} is in no crate"
        );
    }
}

#[test]
fn methods_stand_with_their_type() {
    hold(&methods::scattered(&sources("src")));
}

#[test]
fn the_core_is_without_std() {
    hold(&check(&sources("src"), std_in_the_core));
}

#[test]
fn files_functions_and_lines_are_short() {
    hold(&check(&sources("src"), sizes));
    hold(&check(&sources("tests"), sizes));
    hold(&check(&sources("benches"), sizes));
}

#[test]
fn every_file_says_what_it_is_for() {
    hold(&check(&sources("src"), text_rules));
    hold(&check(&sources("tests"), text_rules));
    hold(&check(&sources("benches"), text_rules));
}

#[test]
fn nothing_is_unsafe() {
    hold(&check(&sources("src"), safety));
}

#[test]
fn the_closing_table_is_spelled_out() {
    let all = sources("src/proto");
    let table: Vec<_> = all
        .into_iter()
        .filter(|s| s.path.ends_with("closing.rs"))
        .collect();
    assert_eq!(table.len(), 1);
    hold(&check(&table, wildcards));
}

#[test]
fn links_of_pages_lead_somewhere() {
    let pages = links::pages();
    assert!(pages.len() > 5, "{} pages", pages.len());
    let broken = pages.iter().map(|(path, text)| links::broken(path, text));
    hold(&broken.flatten().collect::<Vec<_>>());
}

#[test]
fn texts_are_in_plain_english() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = links::pages().into_iter().map(|(path, text)| {
        let path = path.strip_prefix(top).expect("below the top");
        (path.display().to_string(), text)
    });
    let live = ["index.html", "gotify.css", "gotify.html", "gotify.js"].map(|name| {
        let path = format!("src/push/page/{name}");
        let text = fs::read_to_string(top.join(&path)).expect("a part of the live page");
        (path, text)
    });
    let sources = sources("src")
        .into_iter()
        .map(|source| (source.path, source.text));
    let all = sources.chain(pages).chain(live);
    hold(
        &all.flat_map(|(path, text)| words::unwanted(&path, &text))
            .collect::<Vec<_>>(),
    );
}

/// What a tool leaves beside the project is not part of it.
#[test]
fn the_top_level_stays_as_it_is() {
    let entries = fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the top of the project");
    for entry in entries {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a plain name");
        let known = TOP_LEVEL.contains(&name.as_str()) || name == "target";
        assert!(known, "{name} does not belong to the top level");
    }
}

#[test]
fn each_check_can_fail() {
    let long = format!(
        "//! x\nfn f() {{\n{}}}\n",
        "    g();\n".repeat(MAX_FUNCTION)
    );
    let wide = format!("//! {}\n", "x".repeat(MAX_COLUMNS));
    let tall = format!("//! x\n{}", "\n".repeat(MAX_FILE));
    let rows: [(Rule, &str, &str); 10] = [
        (std_in_the_core, "src/proto/a.rs", "use std::io;"),
        (sizes, "src/a.rs", &long),
        (sizes, "src/a.rs", &wide),
        (sizes, "src/a.rs", &tall),
        (text_rules, "src/a.rs", "fn f() {}"),
        (safety, "src/a.rs", "    let x = unsafe { y };"),
        (wildcards, "src/a.rs", "        _ => State::Gone,"),
        (
            words::unwanted,
            "src/a.rs",
            "//! Not one behind\n//! the other.",
        ),
        (words::unwanted, "src/a.rs", "Whoever"),
        (words::unwanted, "README.md", "Goes out: a frame"),
    ];
    for (rule, path, text) in rows {
        assert_eq!(rule(path, text).len(), 1, "{path}: {text:.60}");
    }
    let good = "//! unsafe std:: renewal marshall\nuse crate::wire::Mask;\nfn f() {\n}\n";
    let rules = [
        std_in_the_core,
        sizes,
        text_rules,
        safety,
        wildcards,
        words::unwanted,
    ];
    for rule in rules {
        assert!(rule("src/proto/a.rs", good).is_empty());
    }
}

#[test]
fn uses_of_what_is_above_and_circles_are_found() {
    let uses = |files: &[(&str, &str)]| {
        let source = |(path, text): &(&str, &str)| Source {
            path: (*path).into(),
            text: (*text).into(),
        };
        Uses::of(&files.iter().map(source).collect::<Vec<_>>())
    };
    let lib = "mod error;\nmod limits;\nmod proto;\nmod wire;\npub use proto::Role;\n";
    let rows = [
        ("src/wire/mod.rs", "use crate::proto::Role;"),
        ("src/wire/mod.rs", "use crate::{Role, limits::Limits};"),
        (
            "src/wire/mod.rs",
            "use crate::{limits, proto};\nfn f() { proto::g() }",
        ),
        ("src/wire/mod.rs", "fn f() { crate::proto::Role::g() }"),
        ("src/error.rs", "use crate::limits::Limits;"),
    ];
    for row in rows {
        let problems = layering(&uses(&[
            row,
            ("src/lib.rs", lib),
            ("src/limits.rs", ""),
            ("src/proto/mod.rs", ""),
        ]));
        assert_eq!(problems.len(), 1, "{row:?}");
    }
    let problems = layering(&uses(&[
        ("src/main.rs", "mod cli;"),
        ("src/cli/mod.rs", "mod common;\nmod push;\n"),
        (
            "src/cli/common/mod.rs",
            "mod a;\nuse crate::cli::push::run;",
        ),
        ("src/cli/common/a.rs", "use super::run;"),
        ("src/cli/push.rs", ""),
    ]));
    assert_eq!(problems.len(), 2, "{problems:?}");
    let good = (
        "src/proto/mod.rs",
        "use crate::{limits::Limits, wire::Mask};",
    );
    let all = [
        good,
        ("src/lib.rs", lib),
        ("src/wire/mod.rs", ""),
        ("src/limits.rs", ""),
    ];
    assert!(layering(&uses(&all)).is_empty());
    assert!(circles(&uses(&all)).is_empty());
    let circle = ("src/wire/mod.rs", "use crate::Role;");
    assert_eq!(
        circles(&uses(&[good, ("src/lib.rs", lib), circle])).len(),
        1
    );
}
