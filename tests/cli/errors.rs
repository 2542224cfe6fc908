//! Mistakes: one clear line on stderr, status 2 for wrong usage, 1 for failures.

use super::file;
use super::program::{Outcome, Program, command, run, run_command};
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;

/// One line, which names what it is about, and nothing on stdout.
#[track_caller]
pub fn expect_line(outcome: &Outcome, status: i32, parts: &[&str]) {
    assert_eq!(outcome.status, Some(status), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "{outcome:?}");
    assert!(outcome.stderr.starts_with("wirebell: "), "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    for part in parts {
        assert!(outcome.stderr.contains(part), "{part}: {outcome:?}");
    }
}

#[test]
fn unknown_flags_commands_and_values_are_wrong_usage() {
    let rows: [(&[&str], &str); 11] = [
        (&["serve", "--subprotocol", "a"], "--subprotocol"),
        (&["echo", "--echo"], "--echo"),
        (&["--nonsense"], "--nonsense"),
        (&["serve", "--nonsense"], "--nonsense"),
        (&["echo", "--push-key-file", "x"], "--push-key-file"),
        (&["nonsense"], "nonsense"),
        (&["serve", "nonsense"], "nonsense"),
        (&["--workers", "many"], "many"),
        (&["--max-message", "1parsec"], "64KiB"),
        (&["--ping-interval", "soon"], "30s"),
        (&["--overflow", "explode"], "drop-oldest"),
    ];
    for (args, part) in rows {
        let outcome = run(args);
        assert_eq!(outcome.status, Some(2), "{args:?}: {outcome:?}");
        assert!(outcome.stderr.contains(part), "{args:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "");
        assert!(!outcome.stderr.contains('\u{1b}'), "no colours into a pipe");
    }
}

#[test]
fn bad_values_are_told_in_one_line() {
    let rows: [(&[&str], &[&str]); 9] = [
        (
            &["--listen", "nonsense"],
            &["--listen nonsense", "127.0.0.1:8080"],
        ),
        (&["--listen", "127.0.0.1"], &["--listen 127.0.0.1"]),
        (&["--listen", "127.0.0.1:99999"], &["--listen"]),
        (
            &["--origin", "example.org"],
            &["--origin example.org", "https://"],
        ),
        (
            &["--origin", "any", "--origin", "https://a.example"],
            &["--origin any"],
        ),
        (
            &["--deflate-level", "10"],
            &["--deflate-level 10", "from 1 to 9"],
        ),
        (
            &["--deflate-window-bits", "8"],
            &["--deflate-window-bits 8", "from 9 to 15"],
        ),
        (&["--log", "loud"], &["--log loud", "debug"]),
        (&["--check", "--log", "loud"], &["--log loud", "debug"]),
    ];
    for (args, parts) in rows {
        for command in ["serve", "echo"] {
            expect_line(&run(&[&[command], args].concat()), 2, parts);
        }
    }
    for name in ["a b", "a/b", ""] {
        let outcome = run(&["echo", "--subprotocol", "a", "--subprotocol", name]);
        expect_line(&outcome, 2, &[&format!("--subprotocol {name}"), "token"]);
    }
}

#[test]
fn a_port_in_use_is_told_however_many_workers_the_other_has() {
    for (theirs, ours) in [("1", "1"), ("1", "4"), ("4", "1"), ("4", "4")] {
        let (_other, address) = Program::serve(&["--listen", "127.0.0.1:0", "--workers", theirs]);
        let listen = address.to_string();
        for command in ["serve", "echo"] {
            let outcome = run(&[command, "--listen", &listen, "--workers", ours]);
            expect_line(&outcome, 1, &[&listen, "in use", "--listen"]);
        }
    }
    let foreign = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listen = foreign.local_addr().expect("bound").to_string();
    for workers in ["1", "4"] {
        let outcome = run(&["--listen", &listen, "--workers", workers]);
        expect_line(&outcome, 1, &[&listen, "in use"]);
    }
}

#[test]
fn an_address_of_another_machine_is_told() {
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
    expect_line(
        &run(&["--listen", "192.0.2.1:8080", "--open"]),
        1,
        &["192.0.2.1:8080", "does not have"],
    );
}

#[test]
fn files_that_cannot_be_read_are_named() {
    for flag in [
        "--config",
        "--push-key-file",
        "--token-file",
        "--tokens",
        "--jwt-key-file",
    ] {
        expect_line(
            &run(&[flag, "/nothing/here"]),
            1,
            &[flag, "/nothing/here", "No such file"],
        );
    }
    let empty = file("cli-empty-key", "\n");
    let empty = empty.to_str().expect("a path");
    expect_line(
        &run(&["--push-key-file", empty]),
        1,
        &["--push-key-file", "no key"],
    );
    let tokens = file("cli-bad-tokens", "a b\nnonsense\n");
    let tokens = tokens.to_str().expect("a path");
    expect_line(
        &run(&["--token-file", tokens]),
        1,
        &["--token-file", "line 2"],
    );
}

#[test]
fn a_push_key_that_is_blank_or_no_text_is_a_mistake() {
    for key in [&b" \n"[..], b"\xff"] {
        let mut command = command(&["serve", "--check"]);
        command.env("WIREBELL_PUSH_KEY", OsStr::from_bytes(key));
        expect_line(&run_command(command), 2, &["WIREBELL_PUSH_KEY"]);
    }
}

#[test]
fn mistakes_in_a_settings_file_are_told_with_their_line() {
    let rows = [
        (
            "unknown",
            "# first\nworkers = 2\nnonsense = 7\n",
            3,
            "nonsense",
        ),
        ("type", "\n\nworkers = \"two\"\n", 3, "two"),
        ("size", "workers = 2\nmax_message = \"large\"\n", 2, "64KiB"),
        (
            "time",
            "workers = 2\n\n\nping_interval = \"soon\"\nlog = \"off\"\n",
            4,
            "30s",
        ),
        ("number", "max_body = -1\n", 1, "64KiB"),
        (
            "policy",
            "log = \"off\"\noverflow = \"explode\"\n",
            2,
            "explode",
        ),
        (
            "several",
            "log = \"off\"\nzzz = 1\naaa = 2\nworkers = -1\n",
            2,
            "zzz",
        ),
        (
            "list",
            "workers = 2\n\norigin = [\n  \"any\",\n  1,\n]\n",
            3,
            "integer",
        ),
        ("last", "workers = 2\n\"log\" = 1", 2, "integer"),
        ("syntax", "workers = 2\nlog = \n", 2, ""),
        ("twice", "workers = 2\nworkers = 3\n", 2, "duplicate"),
    ];
    for (name, text, line, part) in rows {
        let path = file(&format!("cli-{name}.toml"), text);
        let path = path.to_str().expect("a path");
        let outcome = run(&["--config", path]);
        expect_line(&outcome, 2, &[path, &format!("line {line}:"), part]);
    }
}

#[test]
fn a_full_disk_is_no_success() {
    for args in [
        &["verify", "--list"][..],
        &["completions", "bash"],
        &["man"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full");
        let mut command = command(args);
        command.stdout(full.expect("the device that is always full"));
        let output = command.output().expect("the program runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {errors}");
        assert!(errors.contains("stdout: "), "{args:?}: {errors}");
    }
}
