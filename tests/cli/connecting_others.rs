//! `wirebell connect` with misbehaving servers, proxies and pipes.

use super::connecting::{echo, pipe, serve};
use super::errors::expect_line;
use crate::net_support::scripted::Server;
use crate::support::frames::{close, text};
use std::time::Duration;

#[test]
fn line_ends_of_other_systems_are_no_part_of_a_message() {
    let server = Server::opened(|peer| {
        // Only one carriage return belongs to the end of a line, and none without a line feed.
        for message in ["one", "two", "", "three\r", "four\r"] {
            peer.expect(&text(message));
        }
        peer.expect_close(1000);
        peer.send_frames(&[close(1000, "")]);
    });
    let input = b"one\r\ntwo\n\r\nthree\r\r\nfour\r";
    let outcome = pipe(input, &["--deflate", "off", &server.uri()]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    server.finish();
    let (_server, address) = serve();
    let outcome = pipe(b"0a 0b\r\n", &["--binary", "hex", &echo(address)]);
    assert_eq!(outcome.stdout, "0a0b\n", "{outcome:?}");
}

#[test]
fn json_lines_keep_line_ends_apart() {
    let (_server, address) = serve();
    let input = "\"two\\nlines\"\r\n {\"base64\":\"AAr/\"}\n\"\\u001b\"\n\"\"";
    let outcome = pipe(input.as_bytes(), &["--json-lines", &echo(address)]);
    let expected = "\"two\\nlines\"\n{\"base64\":\"AAr/\"}\n\"\\u001b\"\n\"\"\n";
    assert_eq!(
        (outcome.status, &*outcome.stdout),
        (Some(0), expected),
        "{outcome:?}"
    );
    for line in ["word\n", "1\n", "{\"base64\":\"%\"}\n"] {
        let outcome = pipe(line.as_bytes(), &["--json-lines", &echo(address)]);
        expect_line(&outcome, 1, &["stdin line 1"]);
    }
    let outcome = pipe(b"", &["--json-lines", "--binary", "hex", &echo(address)]);
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
}

#[test]
fn fields_that_are_refused_say_what_to_do() {
    let rows = [
        ("Sec-WebSocket-Protocol: a", "--subprotocol"),
        ("sec-websocket-extensions: a", "--deflate"),
        ("ORIGIN: a", "--origin"),
        ("Upgrade: a", "itself"),
        ("Connection: close", "itself"),
        ("Sec-WebSocket-Key: a", "itself"),
        ("Sec-WebSocket-Version: 13", "itself"),
        ("Content-Length: 1", "no body"),
        ("Transfer-Encoding: chunked", "no body"),
        (": a", "name"),
        ("X: \u{fc}", "ASCII"),
        ("X: a\u{1b}b", "control"),
        ("a b: c", "token"),
        ("Host: a/b", "host"),
        ("Host:", "host"),
    ];
    for (header, part) in rows {
        let outcome = pipe(b"", &["-H", header, "ws://127.0.0.1:1/"]);
        expect_line(&outcome, 2, &[part]);
        assert!(!outcome.stderr.contains('\u{1b}'));
    }
    let two = ["-H", "Host: a", "-H", "Host: b", "ws://127.0.0.1:1/"];
    expect_line(&pipe(b"", &two), 2, &["host"]);
}

#[test]
fn another_host_can_be_named() {
    let server = Server::opened(|peer| {
        let request = String::from_utf8_lossy(&peer.received).into_owned();
        assert!(
            request.contains("\r\nHost: virtual.example:1\r\n"),
            "{request}"
        );
        assert_eq!(request.matches("Host").count(), 1, "{request}");
        peer.send_frames(&[close(1000, "")]);
        while peer.next_frame().is_some() {}
    });
    let outcome = pipe(b"", &["-n", "-H", "host: virtual.example:1", &server.uri()]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    server.finish();
}

#[test]
fn a_server_that_opens_and_closes_at_once_is_not_asked_for_ever() {
    let server = Server::each(|_, peer| {
        peer.open();
        peer.send_frames(&[close(1001, "")]);
        while peer.next_frame().is_some() {}
    });
    let outcome = pipe(b"", &["-n", "--reconnect=1", &server.uri()]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stderr.matches("trying again").count(), 1);
    assert_eq!(server.accepted(), 2);
}

/// What `connect` reports of a server that responds like this and keeps the connection open.
fn told(answer: &'static [u8], status: i32, parts: &[&str]) {
    let server = Server::each(move |_, peer| {
        peer.head();
        peer.send(answer);
        while peer.next_frame().is_some() {}
    });
    let began = std::time::Instant::now();
    let outcome = pipe(b"", &["-n", "--timeout", "20s", &server.uri()]);
    expect_line(&outcome, status, parts);
    assert!(!outcome.stderr.trim_end().contains(char::is_control));
    assert!(began.elapsed() < Duration::from_secs(5), "{answer:?}");
}

#[test]
fn what_is_settled_is_told_without_waiting_for_more() {
    told(b"HTTP/1.1 401 No\r\n\r\n", 3, &["401"]);
    told(
        b"HTTP/1.1 401 No\r\n\r\nlog in first",
        3,
        &["401", "log in first"],
    );
    told(
        b"HTTP/1.1 200 OK\r\n\r\n<html>portal",
        3,
        &["200", "<html>portal"],
    );
    told(
        b"SSH-2.0-OpenSSH_9.9\r\n",
        3,
        &["SSH", "not an HTTP server"],
    );
    told(b"\x15\x03\x01\x00\x02\x02\x46", 3, &["TLS", "wss://"]);
    told(b"<html>Hello", 3, &["HTTP/0.9"]);
    told(b"+OK", 3, &["mail"]);
    told(b"\x1b[2J\x00\xff\xfe!!", 3, &["not an HTTP server"]);
    let docker = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\r\n/ # ";
    told(docker, 1, &["response", "websocket"]);
    told(b"HTTP/1.1\r\n\r\n", 1, &["head is malformed"]);
}

#[test]
fn what_a_server_says_is_shown_as_text() {
    told(
        b"HTTP/1.1 403 No\r\nContent-Length: 10\r\n\r\n\x1b[2Jsecret",
        3,
        &["403", "\\u{1b}[2Jsecret"],
    );
    told(
        b"HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
        3,
        &["403", "compressed with gzip"],
    );
    told(
        b"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\n\x00\xff\xfe\x01",
        3,
        &["403", "not text, 4 bytes"],
    );
    told(
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        3,
        &["302", "/login"],
    );
    let server = Server::opened(|peer| {
        peer.send_frames(&[close(4000, "\u{1b}]0;x\u{7}\n\u{9b}end")]);
        while peer.next_frame().is_some() {}
    });
    let outcome = pipe(b"", &["-n", &server.uri()]);
    expect_line(&outcome, 1, &["4000", "\\u{1b}]0;x\\u{7}\\n\\u{9b}end"]);
}
