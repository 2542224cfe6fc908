//! Every test that the threat model (`src/threats.md`) names exists, and every threat has one.

use crate::support::sources::{Source, sources};
use std::collections::BTreeSet;

const MODEL: &str = include_str!("../src/threats.md");

/// The names of the tests of a file, with its module in front, as `cargo test` knows them.
fn names(source: &Source) -> Vec<String> {
    let path = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
    let module = match path.split_once('/') {
        // Unit tests are in a module of that name, or in a file of their own.
        Some(("src", path)) if !path.ends_with("tests") => format!("{path}::tests"),
        Some((_, path)) => path.to_owned(),
        None => path.to_owned(),
    };
    let module = module.replace('/', "::");
    let tests = source.text.split("#[test]").skip(1);
    let functions = tests.filter_map(|text| text.split_once("fn ")?.1.split_once('('));
    functions
        .map(|(name, _)| format!("{module}::{name}"))
        .collect()
}

/// What is wrong with a table of four columns, given the tests that exist.
fn problems(model: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let rows = model.lines().filter(|line| line.starts_with("| "));
    let mut problems = Vec::new();
    for row in rows.skip(1) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let &[_, _, threat, answer, named, _] = &cells[..] else {
            problems.push(format!("not four columns: {row}"));
            continue;
        };
        if threat.is_empty() || answer.is_empty() || named.is_empty() {
            problems.push(format!("an empty column: {row}"));
        }
        let missing = named.split(',').map(|name| name.trim().trim_matches('`'));
        let missing = missing.filter(|name| !tests.contains(*name));
        problems.extend(missing.map(|name| format!("{threat}: no test {name:?}")));
    }
    problems
}

#[test]
fn every_threat_has_a_test_that_exists() {
    let all = [sources("src"), sources("tests")].concat();
    let tests: BTreeSet<String> = all.iter().flat_map(names).collect();
    assert!(MODEL.matches("\n| ").count() > 50, "the table is not found");
    let problems = problems(MODEL, &tests);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_check_can_fail() {
    let source = |path: &str, text: &str| Source {
        path: path.into(),
        text: text.into(),
    };
    let unit = source(
        "src/http/mod.rs",
        "#[test]\n// req: x\nfn a() {}\nfn b() {}",
    );
    assert_eq!(names(&unit), ["http::tests::a"]);
    let other = source("tests/rules/lengths.rs", "#[test]\nfn c() {}");
    assert_eq!(names(&other), ["rules::lengths::c"]);
    let tests = BTreeSet::from(["rules::lengths::c".to_owned()]);
    let table = |row: &str| format!("| who | can | answer | test |\n|---|---|---|---|\n{row}\n");
    assert!(problems(&table("| x | y | z | `rules::lengths::c` |"), &tests).is_empty());
    for row in [
        "| x | y | z | `rules::lengths::d` |",
        "| x | y | z | `rules::lengths::c`, `c` |",
        "| x | y | z | |",
        "| x | y | `rules::lengths::c` |",
    ] {
        assert!(!problems(&table(row), &tests).is_empty(), "{row}");
    }
}
