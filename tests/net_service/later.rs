//! Requests that are answered later.

use super::{Loop, Told, ended, last_peer, serve, text, told, with_last};
use wirebell::http::Status;
use wirebell::net;
use wirebell::net::testing::Peer;
use wirebell::net::{Cause, Response, Sent};

/// A server, and a connection on which these requests have been sent.
fn ask(requests: &str) -> (Loop, Peer) {
    let mut server = serve(net::Limits::default());
    let mut peer = server.connect();
    peer.send(requests.as_bytes());
    server.run();
    (server, peer)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn respond(server: &mut Loop, text: &'static str) -> Sent {
    with_last(server, |cx, peer| {
        cx.respond(peer, Response::text(Status::OK, text))
    })
}

fn requests(told: &[Told]) -> Vec<&str> {
    let paths = told.iter().filter_map(|told| match told {
        Told::Request(path) => Some(path.as_str()),
        _ => None,
    });
    paths.collect()
}

/// The bodies of responses, all of them texts of this test.
fn bodies(answer: &str) -> Vec<&str> {
    answer
        .split("HTTP/1.1 ")
        .filter_map(|one| Some(one.split_once("\r\n\r\n")?.1))
        .collect()
}

#[test]
fn responses_keep_the_order_of_pipelined_requests() {
    let (mut server, mut peer) =
        ask(&[get("/a"), get("/later"), get("/b"), get("/later")].concat());
    assert_eq!(requests(&told(&mut server)), ["/a", "/later"]);
    assert_eq!(bodies(&text(&mut peer)), ["/a"]);
    assert_eq!(with_last(&mut server, |cx, peer| cx.tag(peer)), Some(7));
    assert!(respond(&mut server, "first").is_taken());
    assert_eq!(requests(&told(&mut server)), ["/b", "/later"]);
    assert!(respond(&mut server, "second").is_taken());
    assert_eq!(respond(&mut server, "one too many"), Sent::Closed);
    assert_eq!(bodies(&text(&mut peer)), ["first", "/b", "second"]);
    assert_eq!(told(&mut server), [], "no end: the connection is kept");
    peer.send(get("/c").as_bytes());
    server.run();
    assert_eq!(bodies(&text(&mut peer)), ["/c"]);
}

#[test]
fn a_client_that_waits_too_long_gets_504() {
    let limits = net::Limits::default();
    let (mut server, mut peer) = ask(&[get("/later"), get("/a")].concat());
    server.advance(u64::from(limits.answer_ms) - 1);
    assert_eq!(text(&mut peer), "");
    let _ = told(&mut server);
    server.advance(200);
    let end = ended(&mut server);
    assert!(!end.clean && end.cause == Cause::Stalled);
    assert_eq!(respond(&mut server, "too late"), Sent::Closed);
    let answer = text(&mut peer);
    assert!(answer.starts_with("HTTP/1.1 504 ") && answer.contains("Connection: close"));
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "nothing follows");
    server.advance(u64::from(limits.protocol.linger_ms) + 200);
    assert_eq!(server.with(|_, cx| cx.connections()), 0);
    assert_eq!(told(&mut server), [], "told once");
}

#[test]
fn a_head_request_gets_the_head_alone() {
    for path in ["/later", "/now"] {
        let (mut server, mut peer) = ask(&get(path).replace("GET", "HEAD"));
        if path == "/later" {
            assert!(respond(&mut server, "/now").is_taken());
        }
        let answer = text(&mut peer);
        assert!(
            answer.ends_with("\r\n\r\n") && answer.contains("Content-Length: 4"),
            "{answer}"
        );
    }
    let limits = net::Limits::default();
    let (mut server, mut peer) = ask(&get("/later").replace("GET", "HEAD"));
    server.advance(u64::from(limits.answer_ms) + 200);
    let answer = text(&mut peer);
    assert!(
        answer.starts_with("HTTP/1.1 504") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn what_wants_no_further_request_is_closed_after_the_answer() {
    let old = "GET /later HTTP/1.0\r\n\r\n".to_owned();
    let close = get("/later").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    for request in [old, close] {
        let (mut server, mut peer) = ask(&request);
        assert!(respond(&mut server, "done").is_taken());
        let answer = text(&mut peer);
        assert!(
            answer.contains("Connection: close") && answer.ends_with("done"),
            "{answer}"
        );
        assert!(peer.has_ended());
        let _ = told(&mut server);
        peer.shutdown();
        assert_eq!(told(&mut server), [], "it was answered");
        assert_eq!(server.with(|_, cx| cx.connections()), 0);
    }
}

#[test]
fn a_client_that_sends_no_more_still_gets_its_answer() {
    let (mut server, mut peer) = ask(&get("/later"));
    peer.shutdown();
    server.run();
    assert_eq!(requests(&told(&mut server)), ["/later"]);
    assert!(respond(&mut server, "here").is_taken());
    assert_eq!(bodies(&text(&mut peer)), ["here"]);
    assert!(peer.has_ended());
    assert_eq!(server.with(|_, cx| cx.connections()), 0);
}

#[test]
fn a_client_that_goes_is_noticed() {
    let (mut server, mut peer) = ask(&get("/later"));
    let _ = told(&mut server);
    peer.reset();
    assert_eq!(ended(&mut server).cause, Cause::Lost);
    assert_eq!(respond(&mut server, "nobody"), Sent::Closed);
}

#[test]
fn a_request_that_waits_is_answered_during_a_stop() {
    let (mut server, mut peer) = ask(&get("/later"));
    server.handle().stop();
    server.run();
    assert!(!server.has_ended());
    assert!(respond(&mut server, "still").is_taken());
    let answer = text(&mut peer);
    assert!(
        answer.contains("Connection: close") && answer.ends_with("still"),
        "{answer}"
    );
    peer.shutdown();
    server.run();
    assert!(server.has_ended());
}

#[test]
fn a_stop_does_not_wait_for_an_answer_for_ever() {
    let limits = net::Limits::default();
    let (mut server, mut peer) = ask(&get("/later"));
    let _ = last_peer(&mut server);
    server.handle().stop();
    server.advance(u64::from(limits.protocol.close_ms + limits.protocol.linger_ms) + 200);
    assert!(server.has_ended());
    assert_eq!(text(&mut peer), "");
    assert!(peer.has_ended());
}

#[test]
fn a_body_is_read_before_the_answer_is_put_off() {
    let post = "POST /later HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n";
    let (mut server, mut peer) = ask(post);
    assert_eq!(told(&mut server), []);
    peer.send(b"body");
    assert_eq!(requests(&told(&mut server)), ["/later"]);
    assert!(respond(&mut server, "read").is_taken());
    assert_eq!(bodies(&text(&mut peer)), ["read"]);
}
