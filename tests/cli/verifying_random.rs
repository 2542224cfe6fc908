//! `wirebell verify --random`: each fault of a faulty server shows within seconds, a correct server
//! shows none, and what was found can be replayed. `verify report` puts reports side by side.

use super::faults::{LASTING, LOUD, SILENT};
use super::faulty::Fault::{self, *};
use super::faulty::Faulty;
use super::program::{Outcome, run};
use serde_json::Value;
use std::sync::Mutex;

/// Faults that random streams do not show: to decline compression is allowed, and a server that
/// serves others later seems busy.
const HIDDEN: [Fault; 2] = [DeclinesLists, OneAtATime];

/// Every fault for which there are cases, but for those.
fn faults() -> Vec<Fault> {
    let rows = LOUD.iter().chain(&SILENT).chain(&LASTING);
    let mut faults: Vec<Fault> = Vec::new();
    for row in rows {
        if !HIDDEN.contains(&row.fault) && !faults.contains(&row.fault) {
            faults.push(row.fault);
        }
    }
    faults
}

/// What `--random` reports.
fn hunt(fault: Fault, options: &[&str]) -> (Outcome, Value) {
    let server = Faulty::start(fault);
    let url = server.url();
    let common = [
        "verify",
        "--random",
        "--force",
        "--format",
        "json",
        "--fail-on",
        "quality",
        "--seed",
        "17",
    ];
    let outcome = run(&[&common, options, &[&url]].concat());
    let report = serde_json::from_str(&outcome.stdout).expect(&outcome.stderr);
    (outcome, report)
}

/// The faults that are not found. Looks for four at a time: each waits most of its time.
pub fn missed(faults: Vec<Fault>, is_found: impl Fn(Fault) -> bool + Sync) -> Vec<Fault> {
    let (left, missed) = (Mutex::new(faults), Mutex::new(Vec::new()));
    let next = || left.lock().expect("alive").pop();
    let look = || {
        while let Some(fault) = next() {
            if !is_found(fault) {
                missed.lock().expect("alive").push(fault);
            }
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(look))));
    missed.into_inner().expect("alive")
}

#[test]
fn every_fault_is_found_by_random_streams() {
    let options = [
        "--seconds",
        "10",
        "--max-deviations",
        "1",
        "--timeout",
        "300ms",
    ];
    let faults = faults();
    assert!(faults.len() > 50, "{}", faults.len());
    let is_found = |fault| hunt(fault, &options).0.status == Some(1);
    assert_eq!(missed(faults, is_found), []);
}

#[test]
fn a_server_without_a_fault_shows_no_deviation() {
    let (outcome, report) = hunt(Nothing, &["--seconds", "3", "--timeout", "10s"]);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stdout);
    assert!(report["exchanges"].as_u64() > Some(100), "{report}");
}

/// The stream that shows a wrong echo, which is short; `sent` marks the bytes that were sent.
#[track_caller]
pub fn wrong_echo<'r>(report: &'r Value, sent: &str) -> &'r str {
    let found = &report["deviations"][0];
    assert_eq!(
        (&found["name"], &found["level"]),
        (&"echo".into(), &"MUST".into())
    );
    let stream = found["stream"].as_str().expect("a text");
    let steps = stream.split("# stream\n").nth(1).expect("the stream");
    let lines = steps.lines().filter_map(|line| line.strip_prefix(sent));
    let bytes: usize = lines.map(|line| line.split(' ').count()).sum();
    // One frame; a character of four bytes or a compressed message is not cut further.
    assert!(bytes <= 24, "{stream}");
    stream
}

#[test]
fn what_was_found_is_short_and_can_be_replayed() {
    let options = ["--seconds", "10", "--max-deviations", "1"];
    let (_, report) = hunt(FlipsLastByte, &options);
    let file = super::file("found.txt", wrong_echo(&report, "> "));
    let path = file.to_str().expect("a path of text");
    for (fault, status) in [(FlipsLastByte, 1), (Nothing, 0)] {
        let server = Faulty::start(fault);
        let outcome = run(&["verify", "--replay", path, &server.url()]);
        assert_eq!(outcome.status, Some(status), "{}", outcome.stdout);
    }
    let explained = run(&["inspect", path]);
    assert!(explained.stdout.contains("101"), "{}", explained.stdout);
}

#[test]
fn other_formats_are_a_badge_or_refused() {
    let server = Faulty::start(Nothing);
    let url = server.url();
    let run_as = |format| {
        run(&[
            "verify",
            "--random",
            "--seconds",
            "1",
            "--format",
            format,
            &url,
        ])
    };
    let badge = run_as("badge");
    assert!(badge.stdout.contains(">0 deviations in "), "{badge:?}");
    for format in ["junit", "html"] {
        let outcome = run_as(format);
        assert_eq!((outcome.status, &*outcome.stdout), (Some(2), ""));
    }
}

#[test]
fn wrong_files_are_refused() {
    let server = Faulty::start(Nothing);
    let file = super::file("no-stream.txt", "> 81 80\n");
    let path = file.to_str().expect("a path of text");
    let outcome = run(&["verify", "--replay", path, &server.url()]);
    assert_eq!(outcome.status, Some(2), "{}", outcome.stderr);
}

#[test]
fn reports_stand_side_by_side() {
    let mut paths = Vec::new();
    for (name, fault) in [("a.json", Nothing), ("b.json", OtherCloseCode)] {
        let file = super::file(name, "");
        let path = file.to_str().expect("a path of text").to_owned();
        let server = Faulty::start(fault);
        let args = [
            "verify", "--case", "close.1*", "--format", "json", "-o", &path,
        ];
        run(&[&args[..], &[&server.url()]].concat());
        paths.push(path);
    }
    let page = run(&["verify", "report", &paths[0], &paths[1]]);
    assert_eq!(page.status, Some(0), "{}", page.stderr);
    let both = "<span class=\"verdict pass\">pass</span><span class=\"verdict fail\">FAIL</span>";
    assert!(page.stdout.contains(both), "{}", page.stdout);
    let wrong = run(&["verify", "report", "Cargo.toml"]);
    assert_eq!(wrong.status, Some(2), "{}", wrong.stderr);
}
