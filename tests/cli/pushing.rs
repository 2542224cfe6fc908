//! `wirebell push` against the server, and against servers that fail.

use super::errors::expect_line;
use super::file;
use super::program::{Outcome, Program, command, run, run_command};
use crate::net_support::Client;
use crate::net_support::push::registration;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;

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
    expect_line(&push(address, &[""]), 2, &["no message"]);
    expect_line(&push(address, &[&"x".repeat(200)]), 3, &["413"]);
    let no_event = run(&["push", "--user", "a", "x"]);
    assert_eq!(no_event.status, Some(2));
    let rows = [
        ("https://a", "http://"),
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

/// Answers each connection with the next of these, to one request.
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

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 25\r\nConnection: close\r\n\r\n\
                    message sent to 7 clients";

/// Answers that look like success, or lead elsewhere: the message is not published, and that is
/// what is said.
#[test]
fn what_is_no_success_is_none() {
    let rows: [(&'static [&'static str], &[&str]); 9] = [
        (
            &["301 Moved\r\nLocation: https://b.example/push"],
            &["301", "to https://b.example/push", "--server"],
        ),
        (&["302 Found\r\nLocation: /login"], &["302", "/login"]),
        (&["303 See\r\nLocation: /login"], &["303", "/login"]),
        (
            &["307 Again\r\nLocation: http://b/x"],
            &["307", "not published"],
        ),
        (&["308 For ever"], &["308", "nowhere"]),
        (
            &["200 OK\r\nContent-Type: text/html\r\n\r\n<html>Log in"],
            &["no answer of a push server"],
        ),
        (
            &["200 OK\r\n\r\nok"],
            &["no answer of a push server", ": ok"],
        ),
        (&["204 No Content"], &["204", "no answer of a push server"]),
        (
            &["400 Bad\r\n\r\n\u{1b}]0;title\u{7} \u{1b}[2Jbad"],
            &["400", "u{1b}"],
        ),
    ];
    for (answer, parts) in rows {
        let full = answer.iter().map(|answer| {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
            let length = body.len();
            &*format!(
                "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .leak()
        });
        let full: &'static [&'static str] = full.chain([GOOD]).collect::<Vec<_>>().leak();
        let outcome = push(answers(full), &["x"]);
        assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:?}");
        expect_line(&outcome, 3, parts);
    }
}

#[test]
fn the_server_says_when_to_come_back() {
    const LATER: &str = "HTTP/1.1 429 Slow\r\nRetry-After: 2\r\nContent-Length: 0\r\n\
                         Connection: close\r\n\r\n";
    let began = std::time::Instant::now();
    let outcome = push(answers(&[LATER, GOOD]), &["x"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(began.elapsed() >= std::time::Duration::from_secs(2));
}

/// As `connect` does: a proxy of the environment is not asked for this machine.
#[test]
fn proxies_are_those_of_connect() {
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let server = format!("http://{address}");
    let to = ["push", "--user", "a", "--event", "b", "--attempts", "1"];
    for (server, proxy, status) in [
        (&*server, "http://127.0.0.1:9", 0),
        ("http://push.example", "http://127.0.0.1:9", 3),
        (&*server, "socks5://nonsense", 0),
    ] {
        let mut command = command(&[&to[..], &["--server", server, "x"]].concat());
        command.env("http_proxy", proxy).env("ALL_PROXY", proxy);
        assert_eq!(
            run_command(command).status,
            Some(status),
            "{server} {proxy}"
        );
    }
    let answers = "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\nmessage sent to 0 clients";
    let proxy = answers_one(answers);
    let mut command = command(&[&to[..], &["--server", "http://push.example", "x"]].concat());
    command.env("http_proxy", format!("http://u:p@{}", proxy.0));
    let outcome = run_command(command);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let request = proxy.1.recv().expect("the proxy was asked");
    assert!(request.contains("push.example"), "{request}");
    assert!(request.contains("Basic dTpw"), "{request}");
}

/// A proxy or server that answers one request after the other like this, and tells them.
fn answers_one(answer: &'static str) -> (SocketAddr, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, tells) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let (mut bytes, mut tunnel) = ([0; 1024], false);
        while let Ok(n @ 1..) = stream.read(&mut bytes) {
            request.extend_from_slice(&bytes[..n]);
            if !tunnel && request.starts_with(b"CONNECT") && request.ends_with(b"\r\n\r\n") {
                tunnel = true;
                let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n");
            } else if request.ends_with(b"}") {
                let _ = stream.write_all(answer.as_bytes());
                break;
            }
        }
        let _ = told.send(String::from_utf8_lossy(&request).into_owned());
    });
    (address, tells)
}

#[test]
fn what_may_pass_is_tried_again() {
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const BAD: &str = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let outcome = push(answers(&[BUSY, "", GOOD]), &["-v", "x"]);
    assert_eq!(
        (outcome.status, &*outcome.stdout),
        (Some(0), "message sent to 7 clients\n"),
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
