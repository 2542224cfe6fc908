//! Failures of a server are counted and reported, and usage errors are one line.

use super::{Context, Message, PeerId, Program, Reply, Request, Server, Service, Value};
use super::{bench, check, expect_line, number, one_worker, run};
use std::net::TcpListener;
use wirebell::CloseCode;

/// Closes each connection after some echoes, the first one included.
struct Leaving(u32);

impl Service for Leaving {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        match self.0.checked_sub(1) {
            None => context.close(peer, CloseCode::TRY_AGAIN_LATER, "enough"),
            Some(left) => {
                self.0 = left;
                let _ = context.send(peer, message);
            }
        }
    }
}

#[test]
fn connections_that_are_lost_are_told() {
    let server = Server::bind("127.0.0.1:0", one_worker(), |_| Leaving(1003)).expect("a free port");
    let url = format!("ws://{}/", server.local_addr());
    let args = [
        "bench",
        "--format",
        "json",
        "--warm-up",
        "0",
        "-c",
        "3",
        &url,
    ];
    let outcome = run(&args);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    for part in ["3 connections were lost", "3 messages were lost", "1013"] {
        assert!(outcome.stderr.contains(part), "{outcome:?}");
    }
    let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    check(&report);
    assert_eq!(number(&report, "/answered"), 1000.0);
    server.stop();
    server.join().unwrap();
}

#[test]
fn connections_beyond_what_the_server_takes_are_told() {
    let args = [
        "echo",
        "--listen",
        "127.0.0.1:0",
        "--workers",
        "1",
        "--max-connections",
        "5",
    ];
    let (_server, address) = Program::serve(&args);
    let outcome = bench(
        &format!("ws://{address}/"),
        &["-c", "8", "--format", "json"],
    );
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains("3 of 8 connections were refused"),
        "{outcome:?}"
    );
    let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    check(&report);
    assert_eq!(report["connections"]["opened"], 5);
    assert!(number(&report, "/answered") > 5.0);
}

#[test]
fn no_server_and_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let silent = format!("ws://{address}/");
    for mode in ["echo", "idle", "handshake", "fan-out"] {
        let args = ["-m", mode, "--timeout", "200ms", "--size", "64B"];
        expect_line(&bench(&silent, &args), 4, &[&silent, "timed out"]);
    }
    drop(listener);
    for mode in ["echo", "idle", "handshake", "fan-out"] {
        let outcome = bench(&silent, &["-m", mode, "--size", "64B"]);
        expect_line(&outcome, 3, &[&silent, "refused"]);
    }
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let nothing = format!("ws://{address}/nothing");
    expect_line(&bench(&nothing, &[]), 3, &[&nothing, "404"]);
}

/// Reads everything and sends nothing.
struct Mute;

impl Service for Mute {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {}
}

#[test]
fn a_server_that_never_answers_loses_every_message() {
    let server = Server::bind("127.0.0.1:0", one_worker(), |_| Mute).expect("a free port");
    let url = format!("ws://{}/", server.local_addr());
    let args = ["--rate", "100", "--timeout", "200ms", "--format", "json"];
    let outcome = bench(&url, &args);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains("40 messages were lost"),
        "{outcome:?}"
    );
    let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(number(&report, "/lost"), 40.0);
    server.stop();
    server.join().unwrap();
}

#[test]
fn mistakes_are_told_in_one_line() {
    let url = "ws://127.0.0.1:9/";
    let rows: [(&[&str], &[&str]); 10] = [
        (&["--size", "100MiB", url], &["--size"]),
        (
            &["--size", "64KiB", "--depth", "16", url],
            &["--depth 16", "at most 4"],
        ),
        (&["--duration", "0", url], &["--duration 0"]),
        (
            &["-m", "fan-out", "--size", "8", url],
            &["--size 8", "37 bytes"],
        ),
        (&["-m", "idle", "--rate", "5", url], &["--rate", "idle"]),
        (
            &["-m", "handshake", "--threads", "2", url],
            &["--threads", "handshake"],
        ),
        (&["--touch", url], &["--touch", "echo"]),
        (&["--pid", "4194305", url], &["--pid 4194305"]),
        (
            &["-H", "nonsense", url],
            &["--header nonsense", "Name: value"],
        ),
        (&["https://127.0.0.1:9/"], &["wss://"]),
    ];
    for (args, parts) in rows {
        expect_line(&run(&[&["bench"], args].concat()), 2, parts);
    }
    for (args, part) in [
        (&["--rate", "0", url][..], "above 0"),
        (&["--rate", "many", url], "above 0"),
        (&["--connections", "0", url], "1..=1000000"),
        (&["--mode", "nonsense", url], "fan-out"),
        (&[], "URL"),
    ] {
        let outcome = run(&[&["bench"], args].concat());
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(part), "{outcome:?}");
    }
}
