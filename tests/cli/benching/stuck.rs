//! A run ends in bounded time, with a report, whatever the server or the system withholds.

use super::super::program::{command_with_files, command_with_soft_limit, run_command};
use super::{Program, QUICK, Value, bench, check, echo, expect_line, number, run};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};
use wirebell::handshake::accept_key;

#[test]
fn too_few_descriptors_are_told_at_once() {
    let (_server, address) = echo();
    let url = format!("ws://{address}/");
    for mode in ["echo", "idle", "handshake", "fan-out"] {
        let args = ["bench", "-m", mode, "--size", "64", "-c", "300", &url];
        let outcome = run_command(command_with_files(64, &args));
        let parts = ["-c 300 needs 3", "the limit is 64", "ulimit -n 3"];
        expect_line(&outcome, 1, &parts);
    }
}

#[test]
fn a_soft_limit_is_raised() {
    let (_server, address) = echo();
    let url = format!("ws://{address}/");
    let args = [&["bench"], &QUICK[..], &["-c", "150", &url]].concat();
    let outcome = run_command(command_with_soft_limit(64, &args));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("150 of 150 opened"), "{outcome:?}");
}

/// Exactly as many descriptors as a run says that it needs are enough for it.
#[test]
fn what_is_needed_is_enough() {
    let (_server, address) = echo();
    let url = format!("ws://{address}/");
    let load = ["-c", "200", "--threads", "3"];
    let args = [&["bench"], &QUICK[..], &load, &[&url]].concat();
    let told = run_command(command_with_files(64, &args)).stderr;
    let (_, needed) = told.split_once("needs ").expect("a number");
    let needed = needed.split(' ').next().and_then(|n| n.parse().ok());
    let outcome = run_command(command_with_files(needed.expect("a number"), &args));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
}

/// Opens this many WebSockets, and then accepts connections without answering.
fn falls_silent(after: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("bound"));
    thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            if held.len() < after {
                open(&mut stream);
                let copy = stream.try_clone().expect("a copy");
                thread::spawn(move || end_after_close(&copy));
            }
            held.push(stream);
        }
    });
    url
}

/// Sends nothing, but closes TCP after a Close, so that no one waits for its answer.
fn end_after_close(mut stream: &TcpStream) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).is_ok_and(|n| n > 0) && bytes[0] != 0x88 {}
    let _ = stream.shutdown(Shutdown::Both);
}

fn open(stream: &mut TcpStream) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let (_, key) = head.split_once("Sec-WebSocket-Key: ").expect("a key");
    let accept = accept_key(key.lines().next().unwrap_or_default());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept.as_str()
    );
    let _ = stream.write_all(answer.as_bytes());
}

#[test]
fn a_server_that_falls_silent_while_connections_open_ends_the_wait() {
    for mode in ["echo", "idle"] {
        let (url, began) = (falls_silent(3), Instant::now());
        let args = ["-m", mode, "-c", "1000", "--timeout", "200ms"];
        let outcome = bench(&url, &[&args[..], &["--format", "json"]].concat());
        // One by one, they would take 200 seconds.
        assert!(began.elapsed() < Duration::from_secs(20), "{outcome:?}");
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        let told = "of 1000 connections did not open in time";
        assert!(outcome.stderr.contains(told), "{outcome:?}");
        let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
        check(&report);
        let count = |name: &str| number(&report["connections"], name);
        assert_eq!(count("/opened"), 3.0);
        assert_eq!(count("/refused") + count("/unopened"), 997.0);
    }
}

#[test]
fn a_server_that_dies_ends_the_run() {
    thread::scope(|scope| {
        for mode in ["echo", "handshake", "fan-out", "idle"] {
            scope.spawn(move || dies(mode));
        }
    });
}

fn dies(mode: &str) {
    let (server, address) = Program::serve(&["--listen", "127.0.0.1:0", "--workers", "1"]);
    let path = if mode == "fan-out" { "ws" } else { "echo" };
    let url = format!("ws://{address}/{path}");
    let death = thread::spawn(move || {
        thread::sleep(Duration::from_millis(400));
        drop(server);
    });
    let began = Instant::now();
    let load = ["-m", mode, "-c", "8", "--size", "64", "--timeout", "1s"];
    let times = ["--warm-up", "0", "--duration", "1s", "--format", "json"];
    let outcome = run(&[&["bench"], &load[..], &times, &[&url]].concat());
    assert!(began.elapsed() < Duration::from_secs(10), "{outcome:?}");
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    death.join().expect("dead");
}
