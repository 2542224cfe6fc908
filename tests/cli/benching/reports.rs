//! Reports: as text, as a picture, and of a run that was ended early.

use super::{Program, Value, bench, check, command, echo, file, number, thread};
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn reports_for_people_into_files_and_as_a_picture() {
    let (_server, address) = echo();
    let url = format!("ws://{address}/a&b");
    let (output, plot) = (file("bench.txt", ""), file("bench.svg", ""));
    let paths = [
        output.to_str().expect("a path"),
        plot.to_str().expect("a path"),
    ];
    let outcome = bench(&url, &["--output", paths[0], "--plot", paths[1]]);
    assert_eq!(
        (outcome.status, &*outcome.stdout, &*outcome.stderr),
        (Some(0), "", "")
    );
    let text = std::fs::read_to_string(&output).expect("is there");
    for part in [
        "echo, closed loop",
        "64 of 64 opened",
        "99.9 %",
        "generator",
        "left out",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let svg = std::fs::read_to_string(&plot).expect("is there");
    well_formed(&svg);
    for part in [
        "<polyline",
        "99.9 %",
        "latency, ms",
        "/a&amp;b",
        "closed loop",
    ] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
    assert!(
        !svg.contains("href") && !svg.contains("NaN") && !svg.contains("inf"),
        "{svg}"
    );
}

/// Tags are closed in the order in which they were opened, and nothing is left unescaped.
#[track_caller]
fn well_formed(xml: &str) {
    let mut open = Vec::new();
    for part in xml.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag has an end");
        assert!(!text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            assert!(
                ["amp;", "lt;", "gt;"]
                    .iter()
                    .any(|known| entity.starts_with(known))
            );
        }
        let name = tag.split([' ', '/']).find(|word| !word.is_empty());
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), name, "{tag}");
        } else if !tag.ends_with('/') {
            open.push(name.expect("a name"));
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_signal_ends_a_run_with_what_there_is() {
    let (_server, address) = echo();
    let url = format!("ws://{address}/");
    let args = [
        "bench",
        "--format",
        "json",
        "--warm-up",
        "0",
        "--duration",
        "60s",
        &url,
    ];
    let mut program = Program::spawn(command(&args));
    thread::sleep(Duration::from_millis(500));
    program.signal(Signal::INT);
    assert_eq!(program.wait().code(), Some(0));
    let report: Value = serde_json::from_str(&program.stdout()).expect("JSON");
    check(&report);
    assert_eq!(report["interrupted"], true);
    assert!(number(&report, "/answered") > 10.0 && number(&report, "/measured_s") < 10.0);
}
