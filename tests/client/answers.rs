//! HTTP answers other than 101: redirects, refusals, their bodies, interim answers.

use crate::net_support::MOMENT;
use crate::net_support::scripted::{Server, switch};
use std::sync::mpsc::channel;
use std::thread;
use wirebell::client::{Answer, Client, Error, MAX_ANSWER_BODY, Options};
use wirebell::{BadResponse, client};

/// What comes of an answer that is sent in steps of so many bytes. With `end` no more can follow.
fn answered(answer: &[u8], step: usize, end: bool, open_ms: u32) -> Error {
    let answer = answer.to_vec();
    let server = Server::once(move |peer| {
        peer.head();
        for part in answer.chunks(step) {
            peer.try_send(part);
            if step < answer.len() {
                thread::sleep(MOMENT);
            }
        }
        if end {
            peer.end_writing();
        }
        // Neither a second request nor an open connection is left.
        peer.expect_gone();
    });
    let options = Options::default().limits(client::Limits::default().open_ms(open_ms));
    let error = Client::connect(&server.uri(), options).expect_err("no 101");
    server.finish();
    error
}

#[track_caller]
fn answer(bytes: impl AsRef<[u8]>) -> Answer {
    match answered(bytes.as_ref(), usize::MAX, false, 10_000) {
        Error::Answer(answer) => *answer,
        other => panic!("{other:?}"),
    }
}

#[test]
// req: 6455-4.1-02 6455-7.2.1-01
fn a_redirect_and_a_refusal_are_handed_over() {
    let redirect = answer(
        "HTTP/1.1 302 Found\r\nLocation: ws://other.example/\r\nContent-Length: 0\r\n\
         location: second\r\n\r\n",
    );
    assert_eq!(redirect.status, 302);
    assert_eq!(redirect.field("location"), Some("ws://other.example/"));
    assert_eq!(redirect.field("Set-Cookie"), None);
    assert_eq!(
        redirect.to_string(),
        "HTTP 302, look at ws://other.example/"
    );
    assert_eq!(redirect.body, b"");

    let refusal = answer(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"caf\u{e9}\"\r\n\
         Content-Length: 9\r\n\r\nwho's it?and what is more",
    );
    let fields = [
        ("WWW-Authenticate", "Basic realm=\"caf\u{e9}\""),
        ("Content-Length", "9"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let expected = Answer {
        status: 401,
        fields: fields.to_vec(),
        body: b"who's it?".to_vec(),
    };
    assert_eq!(refusal, expected);
}

#[test]
fn a_body_is_as_long_as_it_says() {
    // What is sent, and what is a body of it, each as fast and as slow as can be.
    let rows = [
        ("200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("200 OK\r\nContent-Length: 0\r\n\r\nhello", ""),
        ("204 No Content\r\n\r\nhello", ""),
        ("304 Not Modified\r\nContent-Length: 9\r\n\r\n", ""),
        ("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""),
        (
            "404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nnot\r\n6;x=y\r\n found\r\n0\r\n\r\n",
            "not found",
        ),
        (
            "503 Busy\r\nTransfer-Encoding: Chunked\r\nContent-Length: 1\r\n\r\n\
             0A\r\n0123456789\r\n1\r\nx\r\n0\r\nTrailer: y\r\n\r\n",
            "0123456789x",
        ),
        // No chunk: what came before it is all there is.
        (
            "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n",
            "ab",
        ),
    ];
    for (sent, body) in rows {
        for step in [1, 7, usize::MAX] {
            let sent = format!("HTTP/1.1 {sent}");
            match answered(sent.as_bytes(), step, false, 10_000) {
                Error::Answer(answer) => assert_eq!(answer.body, body.as_bytes(), "{sent}"),
                other => panic!("{sent}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_body_without_a_length_goes_to_the_end() {
    for head in [
        "HTTP/1.1 500 Oops\r\n\r\n",
        "HTTP/1.0 200 OK\r\nServer: old\r\n\r\n",
        "HTTP/1.1 500 Oops\r\nContent-Length: many\r\n\r\n",
    ] {
        for step in [1, usize::MAX] {
            let sent = format!("{head}to the end");
            match answered(sent.as_bytes(), step, true, 10_000) {
                Error::Answer(answer) => assert_eq!(answer.body, b"to the end", "{head}"),
                other => panic!("{head}: {other:?}"),
            }
        }
    }
}

#[test]
fn half_a_body_is_better_than_none() {
    for framing in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
        let body = if framing.starts_with('C') {
            "half"
        } else {
            "9\r\nhalf"
        };
        let sent = format!("HTTP/1.1 403 Forbidden\r\n{framing}\r\n\r\n{body}");
        // The server ends in the midst of it, or says no more.
        for (end, open_ms) in [(true, 10_000), (false, 500)] {
            match answered(sent.as_bytes(), usize::MAX, end, open_ms) {
                Error::Answer(answer) => {
                    assert_eq!((answer.status, &answer.body[..]), (403, &b"half"[..]));
                }
                other => panic!("{sent}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_long_body_is_cut() {
    let body = "x".repeat(3 * MAX_ANSWER_BODY);
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let small = format!("5\r\n{}\r\n", &body[..5]).repeat(MAX_ANSWER_BODY);
    // A line for the length of a chunk that does not end.
    let padded = format!("1;{body}");
    for (framing, sent, kept) in [
        ("Content-Length: 196608", &body, MAX_ANSWER_BODY),
        (
            "Content-Length: 18446744073709551615",
            &body,
            MAX_ANSWER_BODY,
        ),
        ("X: y", &body, MAX_ANSWER_BODY),
        ("Transfer-Encoding: chunked", &chunks, MAX_ANSWER_BODY),
        ("Transfer-Encoding: chunked", &small, MAX_ANSWER_BODY),
        ("Transfer-Encoding: chunked", &padded, 0),
    ] {
        let sent = format!("HTTP/1.1 404 Not Found\r\n{framing}\r\n\r\n{sent}");
        assert_eq!(answer(sent).body.len(), kept, "{framing}");
    }
    let just = "x".repeat(MAX_ANSWER_BODY - 1);
    let length = just.len();
    let sent = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {length}\r\n\r\n{just}");
    assert_eq!(answer(sent).body, just.as_bytes());
}

#[test]
fn interim_answers_are_passed_over() {
    for (number, at_once) in [(1, true), (1, false), (16, true), (16, false)] {
        let server = Server::once(move |peer| {
            let head = peer.head();
            let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n".repeat(number);
            let last = switch(&head, "");
            if at_once {
                peer.send(interim + &last);
            } else {
                peer.send(interim);
                thread::sleep(MOMENT);
                peer.send(last);
            }
            peer.expect_gone();
        });
        drop(Client::connect(&server.uri(), Options::default()).unwrap());
        server.finish();
    }
    let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(17);
    match answered(many.as_bytes(), usize::MAX, false, 10_000) {
        Error::BadResponse(BadResponse::TooManyInterim) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_ends_the_wait_of_a_server_that_keeps_the_connection() {
    let (sender, seen) = channel();
    let server = Server::each(move |number, peer| {
        let head = peer.head();
        if number == 0 {
            peer.send("HTTP/1.1 503 Busy\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
        } else {
            peer.send(switch(&head, ""));
        }
        peer.expect_gone();
        sender.send(number).unwrap();
    });
    let refused = Client::connect(&server.uri(), Options::default());
    assert!(matches!(refused, Err(Error::Answer(_))), "{refused:?}");
    drop(Client::connect(&server.uri(), Options::default()).unwrap());
    server.finish();
    assert_eq!(seen.iter().count(), 2);
}
