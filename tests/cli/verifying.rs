//! `wirebell verify`: a correct server passes every case, and each case detects some fault.

use super::faults::{LASTING, LOUD, Row, SILENT};
use super::faulty::{Fault, Faulty, settled};
use super::program::{Outcome, run};
use serde_json::Value;
use std::collections::BTreeSet;

/// For answers that arrive.
const PATIENT: [&str; 4] = ["--timeout", "10s", "--jobs", "32"];
/// For answers that do not arrive.
const IMPATIENT: [&str; 4] = ["--timeout", "300ms", "--jobs", "32"];
const ALONE: [&str; 4] = ["--timeout", "400ms", "--jobs", "1"];

/// Runs cases against this server.
fn verify(fault: Fault, options: &[&str], cases: &[&str]) -> Outcome {
    let server = Faulty::start(fault);
    let url = server.url();
    let mut args = vec!["verify"];
    args.extend(options);
    for case in cases {
        args.extend(["--case", case]);
    }
    args.push(&url);
    run(&args)
}

/// The verdicts, by name.
fn verdicts(fault: Fault, options: &[&str], cases: &[&str]) -> Vec<(String, Value)> {
    let json = ["--format", "json", "--fail-on", "quality", "--force"];
    let options = [&json, options].concat();
    let outcome = verify(fault, &options, cases);
    verdicts_of(fault, &outcome)
}

/// Those of a report, which the exit status must fit.
pub fn verdicts_of(fault: Fault, outcome: &Outcome) -> Vec<(String, Value)> {
    let report: Value = serde_json::from_str(&outcome.stdout).expect(&outcome.stderr);
    let outcomes = report["outcomes"].as_array().expect("a list").iter();
    let all: Vec<_> = outcomes
        .map(|outcome| {
            let id = outcome["id"].as_str().expect("a name");
            (id.to_owned(), outcome.clone())
        })
        .collect();
    let failed = all.iter().any(|(_, outcome)| outcome["verdict"] == "fail");
    assert_eq!(outcome.status, Some(i32::from(failed)), "{fault:?}");
    all
}

pub fn matches(pattern: &str, id: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == id,
        Some((head, rest)) => id
            .strip_prefix(head)
            .is_some_and(|id| (0..=id.len()).any(|at| matches(rest, &id[at..]))),
    }
}

/// Runs the cases of a row and returns what was not as expected.
fn wrong(row: &Row, options: &[&str], cases: &[&str]) -> Vec<String> {
    let verdicts = verdicts(row.fault, options, cases);
    let expected = |id: &str| match row.passes.iter().any(|pattern| matches(pattern, id)) {
        true => "pass",
        false => "fail",
    };
    let wrong = verdicts
        .iter()
        .filter(|(id, outcome)| outcome["verdict"] != expected(id));
    wrong
        .map(|(id, outcome)| {
            format!(
                "{:?} {id}: {} {}",
                row.fault, outcome["verdict"], outcome["why"]
            )
        })
        .collect()
}

fn names() -> BTreeSet<String> {
    let list = run(&["verify", "--list"]);
    assert_eq!(list.status, Some(0), "{}", list.stderr);
    let lines: Vec<&str> = list.stdout.lines().collect();
    let (count, cases) = lines.split_last().expect("a last line");
    assert_eq!(*count, format!("{} cases", cases.len()));
    let names = cases
        .iter()
        .filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn a_server_without_a_fault_passes_every_case() {
    let verdicts = verdicts(Fault::Nothing, &PATIENT, &["*"]);
    assert_eq!(verdicts.len(), names().len());
    let wrong: Vec<_> = verdicts
        .iter()
        .filter(|(_, outcome)| outcome["verdict"] != "pass")
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[track_caller]
fn check(rows: &[Row], options: &[&str]) {
    let cases = |row: &Row| [row.fails, row.passes].concat();
    let all = |row: &Row| settled(|| wrong(row, options, &cases(row)));
    let wrong: Vec<String> = rows.iter().flat_map(all).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_that_show_are_noticed() {
    check(&LOUD, &PATIENT);
}

#[test]
fn faults_that_show_in_silence_are_noticed() {
    check(&SILENT, &IMPATIENT);
}

#[test]
fn faults_that_hurt_others_are_noticed() {
    let each = |row: &Row| -> Vec<String> {
        let cases = [row.fails, row.passes].concat();
        cases
            .iter()
            .flat_map(|case| wrong(row, &ALONE, &[*case]))
            .collect()
    };
    let wrong: Vec<String> = LASTING.iter().flat_map(each).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_can_fail() {
    let names = names();
    assert!(names.len() > 200, "{}", names.len());
    let rows = || LOUD.iter().chain(&SILENT).chain(&LASTING);
    let noticed = |row: &Row, id: &str| {
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, id));
        any(row.fails) && !any(row.passes)
    };
    let never: Vec<_> = names
        .iter()
        .filter(|id| !rows().any(|row| noticed(row, id)))
        .collect();
    assert!(never.is_empty(), "{never:#?}");
}

const FEW: [&str; 3] = ["close.1000", "close.1000.reply", "utf8.bad.fe"];

#[test]
fn a_report_for_people_shows_what_was_said() {
    let outcome = verify(Fault::OtherCloseCode, &["--fail-on", "should"], &FEW);
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    let text = &outcome.stdout;
    for part in [
        "FAIL close.1000.reply  [SHOULD, RFC 6455 5.5.1]",
        "the Close has code 4242",
        "> GET / HTTP/1.1",
        "< HTTP/1.1 101 Switching Protocols",
        "> close, 2 bytes [03 e8]",
        "< close, 2 bytes [10 92]",
        "3 cases in ",
        "2 passed, 1 failed (0 MUST, 1 SHOULD, 0 quality), 0 skipped",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("pass close.1000 "), "{text}");
    let verbose = verify(Fault::OtherCloseCode, &["-v"], &FEW);
    assert!(
        verbose.stdout.contains("pass close.1000 "),
        "{}",
        verbose.stdout
    );
}

#[test]
fn what_counts_can_be_chosen() {
    for (fail_on, status) in [("must", 0), ("should", 1), ("quality", 1)] {
        let outcome = verify(Fault::OtherCloseCode, &["--fail-on", fail_on], &FEW);
        assert_eq!(outcome.status, Some(status), "{fail_on}");
    }
    let musts = verify(Fault::OtherCloseCode, &["--level", "must"], &FEW);
    assert!(musts.stdout.contains("2 cases in "), "{}", musts.stdout);
    let skip = ["--skip", "*.reply", "--skip", "utf8.*"];
    let skipped = verify(Fault::OtherCloseCode, &skip, &FEW);
    assert!(skipped.stdout.contains("1 cases in "), "{}", skipped.stdout);
}

#[test]
fn a_report_for_build_servers_is_well_formed() {
    let file = super::file("verify.xml", "");
    let path = file.to_str().expect("a path of text");
    let options = ["--format", "junit", "--output", path];
    let cases = ["close.1000*", "utf8.bad.fe", "handshake.bad.bad-name"];
    let outcome = verify(Fault::OtherCloseCode, &options, &cases);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), ""));
    let xml = std::fs::read_to_string(file).expect("the report");
    let count = |part: &str| xml.matches(part).count();
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite "));
    assert!(
        xml.contains(" tests=\"4\" failures=\"1\" skipped=\"0\" "),
        "{xml}"
    );
    assert_eq!((count("<testcase "), count("<failure ")), (4, 1), "{xml}");
    let failure = "<failure type=\"SHOULD\" message=\"the Close has code 4242\">RFC 6455 5.5.1";
    assert!(xml.contains(failure), "{xml}");
    well_formed(&xml);
}

#[test]
fn a_badge_says_what_failed() {
    for (fault, said, colour) in [
        (
            Fault::OtherCloseCode,
            "2 passed, 1 SHOULD failed",
            "#b35900",
        ),
        (Fault::Nothing, "3 passed", "#2f7d32"),
    ] {
        let badge = verify(fault, &["--format", "badge"], &FEW).stdout;
        let text = format!(">{said}</text>");
        assert!(badge.contains(&text) && badge.contains(colour), "{badge}");
        well_formed(&format!("?>{badge}"));
    }
}

/// Elements are properly nested, and text has neither markup nor control characters.
#[track_caller]
fn well_formed(xml: &str) {
    let (_, body) = xml.split_once("?>").expect("a declaration");
    let mut open = Vec::new();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{part}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{part}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{part}");
        let name = tag.split_whitespace().next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{part}"),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn wrong_usage_and_no_server() {
    let unknown = verify(Fault::Nothing, &[], &["close.1000", "no-such.*"]);
    assert_eq!(unknown.status, Some(2));
    assert_eq!(unknown.stderr.lines().count(), 1, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("no-such.*"), "{}", unknown.stderr);
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}/", free.local_addr().expect("an address"));
    drop(free);
    let refused = run(&["verify", &url]);
    assert_eq!((refused.status, refused.stdout.as_str()), (Some(3), ""));
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
}
