//! Every MUST and MUST NOT of RFC 6455 and RFC 7692, and every rule of the topics of the push
//! server, has its place in the code and in a test, or a reason.
//!
//! `requirements.csv` lists them in the order of the text: an id (RFC, section, number within the
//! section), who is bound, the level, our own wording, and a reason if it does not apply. The rules
//! of topics, which `src/push/README.md` describes, have ids such as `push-since-01`, those of the
//! gotify dialect such as `gotify-stream-01`. In the code a
//! comment `// req:` with ids is next to what fulfils them, in the tests and the unit tests next to
//! what proves them. Rows for intermediaries and authors of extensions are excused.

use crate::support::sources::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub struct Requirement<'t> {
    pub id: &'t str,
    /// Why it does not apply, if it does not.
    pub excused: &'t str,
}

/// Rows are plain: only the last two columns may have commas, and are then quoted.
pub fn parse(list: &str) -> Vec<Requirement<'_>> {
    let rows = list.lines().skip(1);
    rows.map(|row| {
        let id = row.split(',').next().unwrap_or_default();
        let excused = match row.strip_suffix('"') {
            Some(quoted) => quoted.rsplit_once(",\"").map_or("", |(_, reason)| reason),
            None => row.rsplit_once(',').map_or("", |(_, reason)| reason),
        };
        Requirement { id, excused }
    })
    .collect()
}

/// All ids after `req:` in comments, with the files that have them.
pub fn tags(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut tags: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        for line in source.text.lines() {
            let Some((_, ids)) = line.split_once("// req: ") else {
                continue;
            };
            let is_id = |word: &&str| {
                let is_rule = ["push-", "gotify-"]
                    .iter()
                    .any(|rules| word.starts_with(rules));
                is_rule || word.starts_with(|c: char| c.is_ascii_digit())
            };
            for id in ids.split_whitespace().filter(is_id) {
                tags.entry(id).or_default().insert(&source.path);
            }
        }
    }
    tags
}

/// The code of the library and its unit tests, which prove rules as other tests do.
fn code_and_unit_tests() -> (Vec<Source>, Vec<Source>) {
    let mut code = sources("src");
    let tests = code.iter_mut().filter_map(|source| {
        let at = match source.path.ends_with("tests.rs") {
            true => 0,
            false => source.text.find("\n#[cfg(test)]\nmod tests")?,
        };
        let text = source.text.split_off(at);
        let path = source.path.clone();
        Some(Source { path, text })
    });
    let tests = tests.collect();
    (code, tests)
}

fn problems(list: &str, code: &[Source], tests: &[Source]) -> Vec<String> {
    let requirements = parse(list);
    let (code, tests) = (tags(code), tags(tests));
    let mut problems = Vec::new();
    let mut known = BTreeSet::new();
    for Requirement { id, excused } in &requirements {
        if !known.insert(*id) {
            problems.push(format!("{id} appears twice in the list"));
        }
        match (
            excused.is_empty(),
            code.contains_key(id),
            tests.contains_key(id),
        ) {
            (true, true, true) => {}
            (true, false, _) => problems.push(format!("{id} has no tag in src")),
            (true, true, false) => problems.push(format!("{id} has no tag in tests")),
            (false, false, false) => {}
            (false, _, _) => problems.push(format!("{id} is excused and tagged")),
        }
    }
    for (id, files) in code.iter().chain(&tests) {
        if !known.contains(id) {
            problems.push(format!("{id} in {files:?} is not in the list"));
        }
    }
    problems
}

#[test]
fn every_requirement_is_fulfilled_and_proven_or_excused() {
    let list = include_str!("requirements.csv");
    assert!(parse(list).len() > 330, "the list is too short");
    let (code, mut tests) = code_and_unit_tests();
    tests.extend(sources("tests"));
    let problems = problems(list, &code, &tests);
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn the_check_can_fail() {
    let list = "id,role,level,wording,excused\n\
                6455-1-01,both,MUST,one,\n\
                6455-1-02,both,MUST,two,\n\
                6455-1-03,both,MUST,three,\"no, because\"\n\
                6455-1-03,both,MUST,three,\"no, because\"\n";
    let source = |text: &str| {
        vec![Source {
            path: "x.rs".into(),
            text: text.into(),
        }]
    };
    // The tags are put together here so that they are none of this file's own.
    let tag = |ids: &str| source(&format!("{} {ids}", concat!("// ", "req:")));
    let found = problems(list, &tag("6455-1-01 6455-1-03"), &tag("6455-9-99"));
    assert_eq!(
        found,
        [
            "6455-1-01 has no tag in tests",
            "6455-1-02 has no tag in src",
            "6455-1-03 is excused and tagged",
            "6455-1-03 appears twice in the list",
            "6455-1-03 is excused and tagged",
            "6455-9-99 in {\"x.rs\"} is not in the list",
        ]
    );
}
