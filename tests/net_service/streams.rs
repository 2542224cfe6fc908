//! Bodies that are sent in parts.

use super::{Loop, Told, drain, ended, serve_with, text, told, with_last};
use wirebell::net;
use wirebell::net::testing::Peer;
use wirebell::net::{Cause, Options, Overflow, Sent, SharedChunk};

/// A server, and a connection on which these requests have been sent. What was told is forgotten.
fn ask_with(requests: &str, overflow: Overflow) -> (Loop, Peer) {
    let mut server = serve_with(Options::default().overflow(overflow));
    let mut peer = server.connect();
    peer.send(requests.as_bytes());
    let _ = told(&mut server);
    (server, peer)
}

fn ask(requests: &str) -> (Loop, Peer) {
    ask_with(requests, Overflow::Disconnect)
}

const GET: &str = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
const NEXT: &str = "GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn write(server: &mut Loop, part: &str) -> Sent {
    write_keyed(server, part, 0)
}

fn write_keyed(server: &mut Loop, part: &str, key: u32) -> Sent {
    let part = SharedChunk::new(part.as_bytes());
    with_last(server, |cx, peer| cx.write(peer, &part, key))
}

fn finish(server: &mut Loop) -> Sent {
    with_last(server, |cx, peer| cx.finish(peer))
}

/// Head and body.
fn split(answer: &str) -> (&str, &str) {
    answer.split_once("\r\n\r\n").expect("a head")
}

#[test]
fn a_body_in_chunks_and_the_next_request_after_it() {
    let (mut server, mut peer) = ask(&[GET, NEXT].concat());
    let answer = text(&mut peer);
    let (head, body) = split(&answer);
    assert!(
        head.starts_with("HTTP/1.1 200") && body.is_empty(),
        "{answer}"
    );
    assert!(head.contains("Transfer-Encoding: chunked") && head.contains("text/plain"));
    assert!(!head.contains("Content-Length"));
    assert_eq!(with_last(&mut server, |cx, peer| cx.tag(peer)), Some(8));
    assert!(write(&mut server, "hello").is_taken());
    assert!(
        write(&mut server, "").is_taken(),
        "nothing, and not the end"
    );
    assert_eq!(text(&mut peer), "5\r\nhello\r\n");
    assert!(write(&mut server, "0123456789abcdefg").is_taken());
    assert_eq!(text(&mut peer), "11\r\n0123456789abcdefg\r\n");
    assert_eq!(told(&mut server), [], "the next request waits");
    assert!(finish(&mut server).is_taken());
    assert_eq!(told(&mut server), [Told::Request("/next".into())]);
    let rest = text(&mut peer);
    assert!(
        rest.starts_with("0\r\n\r\nHTTP/1.1 200") && rest.ends_with("/next"),
        "{rest}"
    );
    assert_eq!(write(&mut server, "late"), Sent::Closed);
    assert_eq!(finish(&mut server), Sent::Closed);
    assert_eq!((text(&mut peer).as_str(), told(&mut server)), ("", vec![]));
}

#[test]
fn without_chunks_the_end_of_the_connection_ends_the_body() {
    let (mut server, mut peer) = ask("GET /stream HTTP/1.0\r\n\r\n");
    assert!(write(&mut server, "hello ").is_taken());
    assert!(write(&mut server, "world").is_taken());
    assert!(finish(&mut server).is_taken());
    let answer = text(&mut peer);
    let (head, body) = split(&answer);
    assert!(
        !head.contains("chunked") && body == "hello world",
        "{answer}"
    );
    assert!(peer.has_ended());
}

#[test]
fn a_head_request_is_complete_at_once() {
    let (mut server, mut peer) = ask(&[&GET.replace("GET", "HEAD"), NEXT].concat());
    let answer = text(&mut peer);
    let (head, rest) = split(&answer);
    assert!(head.contains("Transfer-Encoding: chunked"), "{answer}");
    assert!(
        rest.starts_with("HTTP/1.1 200") && rest.ends_with("/next"),
        "{answer}"
    );
    assert_eq!(write(&mut server, "no body"), Sent::Closed);
    assert_eq!(finish(&mut server), Sent::Closed);
    assert_eq!(text(&mut peer), "");
}

#[test]
fn no_deadline_ends_a_quiet_stream() {
    let (mut server, mut peer) = ask(GET);
    server.advance(u64::from(net::Limits::default().answer_ms) * 3);
    assert_eq!(told(&mut server), []);
    assert!(write(&mut server, "still here").is_taken());
    assert!(text(&mut peer).ends_with("still here\r\n"));
}

#[test]
fn a_client_that_goes_is_told_once() {
    for reset in [false, true] {
        let (mut server, mut peer) = ask(GET);
        match reset {
            true => peer.reset(),
            false => peer.shutdown(),
        }
        let end = ended(&mut server);
        assert!(!end.clean && end.cause == Cause::Lost);
        assert_eq!(write(&mut server, "nobody"), Sent::Closed);
        assert_eq!(server.with(|_, cx| cx.connections()), 0);
    }
}

#[test]
fn a_stop_ends_the_body_well() {
    let (mut server, mut peer) = ask(GET);
    assert!(write(&mut server, "hello").is_taken());
    server.handle().stop();
    assert_eq!(told(&mut server), [Told::Closing]);
    let answer = text(&mut peer);
    assert!(answer.ends_with("5\r\nhello\r\n0\r\n\r\n"), "{answer}");
    peer.shutdown();
    server.run();
    assert!(server.has_ended());
}

/// Writes parts of 50 000 bytes, each its own letter, until one is not simply taken.
fn fill(server: &mut Loop, key: u32) -> (u8, Sent) {
    for number in 0..100 {
        let part = ((b'a' + number % 26) as char).to_string().repeat(50_000);
        match write_keyed(server, &part, key) {
            Sent::Taken { .. } => {}
            other => return (number, other),
        }
    }
    panic!("a bound");
}

fn drain_text(server: &mut Loop, peer: &mut Peer) -> String {
    String::from_utf8(drain(server, peer)).expect("text")
}

#[test]
fn a_slow_client_is_cut_off_without_the_last_chunk() {
    let (mut server, mut peer) = ask_with(GET, Overflow::Disconnect);
    let (_, sent) = fill(&mut server, 0);
    assert_eq!(sent, Sent::Closed);
    assert_eq!(ended(&mut server).cause, Cause::Overflow);
    let answer = drain_text(&mut server, &mut peer);
    assert!(!answer.ends_with("0\r\n\r\n"));
    assert_eq!(server.counters().overflowed, 1);
}

#[test]
fn older_parts_are_dropped_whole() {
    let (mut server, mut peer) = ask_with(GET, Overflow::DropOldest);
    let (number, sent) = fill(&mut server, 0);
    assert_eq!(sent, Sent::Overflow);
    assert!(finish(&mut server).is_taken());
    let answer = drain_text(&mut server, &mut peer);
    let (_, mut body) = split(&answer);
    let mut letters = String::new();
    while let Some(rest) = body.strip_prefix("c350\r\n") {
        letters.push_str(&rest[..1]);
        assert!(
            rest[..50_000]
                .bytes()
                .all(|byte| byte == rest.as_bytes()[0])
        );
        body = rest[50_000..]
            .strip_prefix("\r\n")
            .expect("the end of a chunk");
    }
    assert_eq!(body, "0\r\n\r\n");
    let dropped = server.counters().dropped;
    assert_eq!(letters.len() as u64 + dropped, u64::from(number) + 1);
    assert!(
        letters.ends_with((b'a' + number % 26) as char) && dropped > 0,
        "{letters}"
    );
    assert!(told(&mut server).contains(&Told::Writable));
}

#[test]
fn of_a_key_the_latest_part_is_kept() {
    let (mut server, mut peer) = ask_with(GET, Overflow::KeepLatest);
    // The network is full from here on.
    assert!(write(&mut server, &"-".repeat(100_000)).is_taken());
    for number in 0..100_u32 {
        let part = format!("<{} {number}>", number % 3);
        assert!(write_keyed(&mut server, &part, 1 + number % 3).is_taken());
    }
    assert!(finish(&mut server).is_taken());
    let answer = drain_text(&mut server, &mut peer);
    let parts: Vec<&str> = answer
        .lines()
        .filter(|line| line.starts_with('<'))
        .collect();
    assert_eq!(parts, ["<1 97>", "<2 98>", "<0 99>"]);
    assert!(answer.ends_with("\r\n0\r\n\r\n"));
}
