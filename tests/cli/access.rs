//! `--access-log`: its lines, its two forms, and a file that is moved.

use super::program::{Program, command, run};
use crate::net_support::push::ask;
use crate::net_support::{Client, wait_until};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&path);
    path
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn lines_have_no_tokens_and_go_to_the_file_that_is_there() {
    let (log, moved) = (path("access.log"), path("access.log.1"));
    let name = log.to_str().expect("a path");
    let args = ["serve", "--listen", "127.0.0.1:0", "--access-log", name];
    let (mut program, address) = Program::serve(&args);
    let mut client = Client::connect(address);
    let fields = "User-Agent: a\"b\r\n";
    ask(&mut client, "GET", "/healthz?token=secret", fields, "");
    wait_until("it is written", || read(&log).ends_with('\n'));
    let line = read(&log);
    assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
    let rest = "\"GET /healthz?token=*** HTTP/1.1\" 200 2 \"-\" \"a\\x22b\" 0.00";
    assert!(line.contains(rest), "{line}");
    fs::rename(&log, &moved).expect("moved");
    program.signal(Signal::HUP);
    wait_until("it is opened again", || log.exists());
    ask(&mut client, "GET", "/readyz", "", "");
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code(), Some(0));
    assert_eq!(read(&moved), line);
    assert!(
        read(&log).contains("\"GET /readyz HTTP/1.1\" 200 2 "),
        "{}",
        read(&log)
    );
}

#[test]
fn lines_may_be_json() {
    let log = path("access.json");
    let name = log.to_str().expect("a path");
    let mut command = command(&["serve", "--listen", "127.0.0.1:0", "--access-log", name]);
    command.args(["--access-log-format", "json"]);
    let (mut program, address) = Program::serve_command(command);
    ask(
        &mut Client::connect(address),
        "GET",
        "/topics/a?poll=0&token=secret",
        "",
        "",
    );
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code(), Some(0));
    let line: Value = serde_json::from_str(&read(&log)).expect("one object");
    assert_eq!(line["target"], "/topics/a?poll=0&token=***");
    assert_eq!(
        (&line["method"], &line["status"]),
        (&"GET".into(), &200.into())
    );
    assert_eq!(line["address"], "127.0.0.1");
    assert!(
        line["bytes"].as_u64() > Some(10) && line["seconds"].is_f64(),
        "{line}"
    );
    assert!(
        line["time"].as_str().is_some_and(|it| it.ends_with('Z')),
        "{line}"
    );
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error() {
    let outcome = run(&["serve", "--access-log", "/nowhere/access.log"]);
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome
            .stderr
            .contains("--access-log /nowhere/access.log: "),
        "{}",
        outcome.stderr
    );
}
