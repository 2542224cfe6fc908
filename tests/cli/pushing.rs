//! `wirebell push` against the server, and against servers that fail.

use super::errors::expect_line;
use super::file;
use super::program::{Outcome, Program, command, run, run_command};
use crate::net_support::Client;
use crate::net_support::push::registration;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

fn push(address: SocketAddr, args: &[&str]) -> Outcome {
    let server = format!("http://{address}");
    let to = [
        "push", "--user", "alice", "--event", "orders", "--server", &server,
    ];
    run(&[&to, args].concat())
}

fn subscriber(address: SocketAddr) -> Client {
    let mut client = Client::open_at(address, "/ws");
    client.register(&registration("alice", "orders"));
    client
}

#[test]
fn an_argument_stdin_and_lines() {
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let mut client = subscriber(address);
    let outcome = push(address, &["--verbose", "order \"17\" ü"]);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    assert_eq!(outcome.stdout, "message sent to 1 clients\n");
    client.expect_text("order \"17\" ü");
    let server = format!("http://{address}/");
    for (lines, input, messages) in [
        (&[][..], "two\nlines\n", &["two\nlines"][..]),
        (
            &["--lines"],
            "one\n\ntwo\r\nthree",
            &["one", "two", "three"],
        ),
    ] {
        let path = file("push-stdin", input);
        let to = [
            "push", "--user", "alice", "--event", "orders", "--server", &server,
        ];
        let mut command = command(&[&to, lines].concat());
        command.stdin(std::fs::File::open(path).unwrap());
        let outcome = run_command(command);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert_eq!((&*outcome.stdout, &*outcome.stderr), ("", ""));
        for message in messages {
            client.expect_text(message);
        }
    }
}

#[test]
fn lines_are_pushed_as_they_come() {
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let mut client = subscriber(address);
    let server = format!("http://{address}");
    let mut command = command(&["push", "--user", "alice", "--event", "orders", "--lines"]);
    let mut child = command
        .env("WIREBELL_SERVER", server)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for line in ["one", "two"] {
        writeln!(stdin, "{line}").unwrap();
        client.expect_text(line);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_key() {
    let key = file("push-key", "s3cret\n");
    let key = key.to_str().unwrap();
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0", "--push-key-file", key]);
    expect_line(&push(address, &["x"]), 3, &["401", "--key-file"]);
    assert_eq!(push(address, &["--key-file", key, "x"]).status, Some(0));
    let server = format!("http://{address}");
    let mut command = command(&["push", "--user", "a", "--event", "b", "x"]);
    command
        .env("WIREBELL_PUSH_KEY", "s3cret")
        .env("WIREBELL_SERVER", server);
    assert_eq!(run_command(command).status, Some(0));
}

#[test]
fn what_cannot_be_pushed() {
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0", "--max-body", "100"]);
    expect_line(&push(address, &[""]), 2, &["message is empty"]);
    expect_line(&push(address, &[&"x".repeat(200)]), 3, &["413"]);
    let no_event = run(&["push", "--user", "a", "x"]);
    assert_eq!(no_event.status, Some(2));
    let rows = [
        ("ws://a", "https://"),
        ("ftp://a", "http://"),
        ("127.0.0.1:8080", "http://"),
    ];
    for (server, part) in rows {
        let outcome = run(&[
            "push", "--user", "a", "--event", "b", "--server", server, "x",
        ]);
        expect_line(&outcome, 2, &["--server", part]);
    }
}

/// Answers one request per connection, with the next of these.
fn answers(answers: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                let mut bytes = [0; 1024];
                match stream.read(&mut bytes) {
                    Ok(n @ 1..) => request.extend_from_slice(&bytes[..n]),
                    _ => break,
                }
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn what_may_pass_is_tried_again() {
    const GOOD: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nmessage sent to 3 clients";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const BAD: &str = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let outcome = push(answers(&[BUSY, "", GOOD]), &["-v", "x"]);
    assert_eq!(
        (outcome.status, &*outcome.stdout),
        (Some(0), "message sent to 3 clients\n"),
        "{outcome:?}"
    );
    assert_eq!(outcome.stderr.matches("trying again").count(), 2);
    let outcome = push(answers(&[BUSY, BUSY, GOOD]), &["--attempts", "2", "x"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 2);
    expect_line(&push(answers(&[BAD, GOOD]), &["x"]), 3, &["400"]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let outcome = push(address, &["--attempts", "1", "--timeout", "200ms", "x"]);
    expect_line(&outcome, 4, &["timeout"]);
}

/// One response of a server, and how `push` reports it.
fn told(answer: &'static str) -> Outcome {
    let answers = answers(Box::leak(Box::new([answer])));
    push(answers, &["--attempts", "1", "--timeout", "2s", "x"])
}

#[test]
fn redirects_are_not_followed() {
    for status in [300, 301, 302, 303, 307, 308] {
        let answer =
            format!("HTTP/1.1 {status} Go\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n");
        let outcome = told(Box::leak(answer.into_boxed_str()));
        let status = status.to_string();
        expect_line(&outcome, 3, &[&status, "/login", "--server"]);
    }
}

#[test]
fn only_the_answer_of_a_push_server_counts() {
    let rows: [(&str, &[&str]); 6] = [
        (
            "Content-Type: text/html\r\n\r\n<html>Please log in",
            &["200", "<html>Please"],
        ),
        ("\r\n", &["200", "--server"]),
        ("\r\nmessage sent to many clients", &["to many"]),
        ("\r\nmessage sent to 1 clients, not", &["not"]),
        (
            "\r\n\u{1b}[2J words to pass\u{9b}y",
            &["\\u{1b}[2J", "\\u{9b}"],
        ),
        (
            "Content-Encoding: gzip\r\n\r\n\u{1f}x",
            &["compressed with gzip"],
        ),
    ];
    for (rest, parts) in rows {
        let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{rest}");
        let outcome = told(Box::leak(answer.into_boxed_str()));
        expect_line(&outcome, 3, parts);
        assert!(!outcome.stderr.trim_end().contains(char::is_control));
    }
}

#[test]
fn retry_after_is_waited_for_within_a_bound() {
    const LATER: &str = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\
                         Connection: close\r\n\r\n";
    const MUCH_LATER: &str = "HTTP/1.1 503 No\r\nRetry-After: 86400\r\n\r\n";
    const GOOD: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nmessage sent to 0 clients";
    let begun = Instant::now();
    let outcome = push(answers(&[LATER, GOOD]), &["x"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    expect_line(
        &push(answers(&[MUCH_LATER]), &["x"]),
        1,
        &["503", "86400 s"],
    );
}

/// Runs `push` against this server with these variables.
fn push_in(server: &str, variables: &[(&str, &str)]) -> Outcome {
    let mut command = command(&["push", "--user", "a", "--event", "b", "x"]);
    command.args(["--server", server, "--attempts", "1", "--timeout", "700ms"]);
    command.envs(variables.iter().copied());
    run_command(command)
}

#[test]
fn proxies_are_those_of_connect() {
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let server = format!("http://{address}");
    for name in ["http_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY"] {
        // No proxy listens there: this machine itself needs none.
        let outcome = push_in(&server, &[(name, "http://127.0.0.1:1")]);
        assert_eq!(outcome.status, Some(0), "{name}: {outcome:?}");
    }
    let proxy = ("http_proxy", "http://127.0.0.1:1");
    let outcome = push_in("http://192.0.2.1", &[proxy]);
    expect_line(&outcome, 3, &["proxy 127.0.0.1:1"]);
    let direct = ("no_proxy", "192.0.2.0/24");
    let outcome = push_in("http://192.0.2.1", &[proxy, direct]);
    assert!(!outcome.stderr.contains("proxy"), "{outcome:?}");
    let outcome = push_in("http://192.0.2.1", &[("all_proxy", "socks5://x")]);
    expect_line(&outcome, 2, &["all_proxy", "http://"]);
}
