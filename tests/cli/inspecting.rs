//! `wirebell inspect`: examples of the RFCs, violations, captures, and the three formats.

use super::connecting::{echo, serve};
use super::file;
use super::program::{Outcome, command, run, run_command};
use serde_json::Value;
use std::path::PathBuf;

/// Explains this input from stdin.
#[track_caller]
pub fn inspect(input: &[u8], args: &[&str]) -> Outcome {
    let path = file(&format!("inspect-{:x}", unique()), "");
    std::fs::write(&path, input).unwrap();
    let mut command = command(&[&["inspect"], args].concat());
    command.stdin(std::fs::File::open(&path).unwrap());
    let outcome = run_command(command);
    std::fs::remove_file(path).unwrap();
    outcome
}

fn unique() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

#[track_caller]
pub fn json(input: &[u8], args: &[&str]) -> Value {
    let outcome = inspect(input, &[&["--format", "json"], args].concat());
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

pub fn items(report: &Value) -> &Vec<Value> {
    report["connections"][0]["items"].as_array().unwrap()
}

// RFC 6455 section 5.7.
#[test]
fn the_examples_of_the_rfc() {
    let rows: [(&str, &[&str]); 6] = [
        (
            "81 05 48 65 6c 6c 6f",
            &["text message", "\"Hello\"", "client ← server"],
        ),
        (
            "81 85 37 fa 21 3d 7f 9f 4d 51 58",
            &["masked", "\"Hello\"", "client → server", "37 fa"],
        ),
        (
            "01 03 48 65 6c 80 02 6c 6f",
            &["first frame", "continuation", "\"Hello\"", "2 frames"],
        ),
        ("89 05 48 65 6c 6c 6f", &["ping", "5.5.2"]),
        ("8a 85 37 fa 21 3d 7f 9f 4d 51 58", &["pong", "5.5.3"]),
        ("88 02 03 e8", &["1000", "normal closure"]),
    ];
    for (bytes, parts) in rows {
        let outcome = inspect(bytes.as_bytes(), &[]);
        assert_eq!(
            (outcome.status, &*outcome.stderr),
            (Some(0), ""),
            "{outcome:?}"
        );
        for part in parts.iter().chain(&["RFC 6455 5.2", "No violations."]) {
            assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
        }
        assert!(!outcome.stdout.contains('\u{1b}'), "no colours into a pipe");
    }
    for (header, length) in [("827e0100", 256), ("827f0000000000010000", 65536)] {
        let input = header.to_owned() + &"00".repeat(length);
        let outcome = inspect(input.as_bytes(), &[]);
        let said = format!("the payload has {length} bytes; ");
        assert!(
            outcome.status == Some(0) && outcome.stdout.contains(&said),
            "{said}"
        );
    }
}

// RFC 7692 section 7.2.3.
#[test]
fn the_examples_of_compression() {
    let hello = "f2 48 cd c9 c9 07 00";
    for bytes in [
        format!("c1 07 {hello}"),
        "41 03 f2 48 cd 80 04 c9 c9 07 00".into(),
        "c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00".into(),
        "c1 08 f3 48 cd c9 c9 07 00 00".into(),
        "c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00".into(),
        format!("c1 07 {hello} c1 05 f2 00 11 00 00"),
    ] {
        let report = json(bytes.as_bytes(), &["--deflate", "permessage-deflate"]);
        assert_eq!(report["violations"], 0, "{report:#}");
        let last = items(&report).last().unwrap();
        assert_eq!(last["message"]["text"], "Hello", "{bytes}");
        assert_eq!(last["message"]["compressed"], true);
    }
    // Without negotiated compression the bit is a violation.
    assert_eq!(
        inspect(format!("c107{hello}").as_bytes(), &[]).status,
        Some(1)
    );
}

#[test]
fn a_violation_is_explained_and_sets_the_status() {
    let outcome = inspect(b"81 02 c3 28  8b 00  88 02 03 ed", &["--from", "server"]);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(outcome.stderr.lines().count(), 1);
    for part in [
        "text is not UTF-8 [RFC 6455 8.1]",
        "Close 1007",
        "reserved opcode [RFC 6455 5.2]",
        "close code that may not be sent",
        "correct:",
        "fails the connection before this",
        "3 violations.",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    let unmasked = inspect(b"81 05 48 65 6c 6c 6f", &["--from", "client"]);
    assert!(
        unmasked
            .stdout
            .contains("client frame without mask [RFC 6455 5.1]")
    );
}

#[test]
fn forms_of_input() {
    let expected = inspect(b"810548656c6c6f", &[]).stdout;
    for form in [
        "81 05 48 65 6c 6c 6f\n",
        "0x81,0x05,0x48,0x65,0x6c,0x6c,0x6f",
        "81:05:48:65:6c:6c:6f",
        "81 05 # text, 5 bytes\n48 65 6c 6c 6f # Hello\n",
    ] {
        assert_eq!(inspect(form.as_bytes(), &["-"]).stdout, expected, "{form}");
    }
    let raw = inspect(b"\x81\x05Hello", &[]).stdout;
    assert!(
        raw.contains("raw bytes") && raw.contains("\"Hello\""),
        "{raw}"
    );
    // With --as, text is not taken for hexadecimal digits.
    let report = json(b"81", &["--as", "raw"]);
    assert_eq!(items(&report)[0]["bytes"], "3831");
}

#[test]
fn what_cannot_be_read() {
    let path = file("no-capture.pcap", "this is no capture");
    for (args, part) in [
        (&["/nonexistent/frames.hex"][..], "/nonexistent/frames.hex"),
        (&["--as", "pcap", path.to_str().unwrap()], "not a pcap file"),
        (&["--as", "hex", path.to_str().unwrap()], "line 1"),
        (
            &[
                "--deflate",
                "permessage-deflate; x=1",
                path.to_str().unwrap(),
            ],
            "--deflate",
        ),
    ] {
        let outcome = run(&[&["inspect"], args].concat());
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
        assert!(outcome.stderr.contains(part), "{outcome:?}");
        assert_eq!(outcome.stdout, "");
    }
    assert_eq!(inspect(b"", &[]).status, Some(2));
    assert_eq!(run(&["inspect", "--format", "xml"]).status, Some(2));
}

/// What `connect --trace` wrote for these lines, and what it printed.
fn trace(name: &str, lines: &str, args: &[&str]) -> (PathBuf, Outcome) {
    let (_server, address) = serve();
    let stdin = file(&format!("{name}.txt"), lines);
    let path = stdin.with_extension("pcap");
    let uri = echo(address);
    let trace = format!("--trace={}", path.display());
    let mut command = command(&[&["connect", &trace, &uri], args].concat());
    command.stdin(std::fs::File::open(stdin).unwrap());
    (path, run_command(command))
}

#[test]
fn a_trace_has_every_message_both_ways() {
    let long = "long, ".repeat(40_000);
    let lines = [
        "Hello".to_owned(),
        "Grüße <script>".into(),
        String::new(),
        long,
    ];
    for mode in ["off", "on", "takeover"] {
        let text = lines.join("\n") + "\n";
        let args = ["--deflate", mode, "--show-frames"];
        let (path, outcome) = trace(&format!("trace-{mode}"), &text, &args);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(
            outcome.stderr.contains("> GET "),
            "--show-frames works beside it"
        );
        let report = json(&std::fs::read(path).unwrap(), &[]);
        assert_eq!(
            report["violations"], 0,
            "{}",
            report["connections"][0]["notes"]
        );
        for from in ["client", "server"] {
            let sent = items(&report).iter().filter(|item| item["from"] == from);
            let messages: Vec<&Value> = sent.filter(|item| !item["message"].is_null()).collect();
            assert_eq!(messages.len(), lines.len(), "{mode} {from}");
            for (item, line) in messages.iter().zip(&lines) {
                let message = &item["message"];
                assert_eq!(message["length"], line.len(), "{mode} {from}");
                let text = message["text"]
                    .as_str()
                    .or(item["payload"]["text"].as_str());
                let text = text.unwrap_or_default();
                assert!(
                    line.starts_with(text) && text.is_empty() == line.is_empty(),
                    "{mode}"
                );
            }
            assert!(
                items(&report)
                    .iter()
                    .any(|item| { item["from"] == from && item["close"]["code"] == 1000 })
            );
        }
        let times: Vec<f64> = items(&report)
            .iter()
            .map(|i| i["time"].as_f64().unwrap())
            .collect();
        assert!(times.is_sorted(), "{times:?}");
    }
}

#[test]
fn a_trace_that_cannot_be_written() {
    let outcome = run(&[
        "connect",
        "--trace",
        "/nonexistent/x.pcap",
        "ws://127.0.0.1:9/",
    ]);
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    assert!(
        outcome.stderr.contains("--trace /nonexistent/x.pcap"),
        "{outcome:?}"
    );
}

/// The names of all tags in order, with `/` before end tags.
fn tags(page: &str) -> Vec<String> {
    let mut rest = page.to_owned();
    for name in ["style", "script"] {
        let begin = rest.find(&format!("<{name}>")).unwrap();
        let end = rest.find(&format!("</{name}>")).unwrap();
        rest.replace_range(begin..end, &format!("<{name}>"));
    }
    let starts = rest.split('<').skip(1);
    let name = |tag: &str| {
        let end = tag.find(|c: char| c != '/' && !c.is_ascii_alphanumeric() && c != '!');
        tag[..end.unwrap_or(tag.len())].to_owned()
    };
    starts.map(name).collect()
}

#[test]
fn the_page_is_whole_and_what_came_is_only_text_in_it() {
    let evil = "<script>alert('x')</script>\" onload=\"x & </style>";
    let (path, outcome) = trace(
        "page",
        &format!("{evil}\n{evil}\n"),
        &["--subprotocol", "a"],
    );
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let out = path.with_extension("html");
    let (path, out) = (path.to_str().unwrap(), out.to_str().unwrap());
    let outcome = run(&["inspect", "--format", "html", "--output", out, path]);
    assert_eq!(
        (outcome.status, &*outcome.stdout),
        (Some(0), ""),
        "{outcome:?}"
    );
    let page = std::fs::read_to_string(out).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
    assert!(
        !page.contains("\" onload"),
        "an attribute ends where it should"
    );
    for outside in ["src=", "url(", "@import", "<link", "<img"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let mut open = Vec::new();
    for tag in tags(&page) {
        match tag.strip_prefix('/') {
            _ if ["!DOCTYPE", "meta", "br"].contains(&&*tag) => {}
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None => open.push(tag),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .map(|s| s.split('"').next().unwrap())
        .collect();
    let links = page
        .split("href=\"#")
        .skip(1)
        .map(|s| s.split('"').next().unwrap());
    for link in links {
        assert!(ids.contains(&link), "#{link} leads nowhere");
    }
}

#[test]
fn help_has_examples() {
    let help = run(&["inspect", "--help"]);
    assert_eq!(help.status, Some(0));
    for part in [
        "37 fa 21 3d",
        "--deflate",
        "--trace",
        "Exit status",
        "[default: text]",
    ] {
        assert!(help.stdout.contains(part), "{part}: {}", help.stdout);
    }
}
