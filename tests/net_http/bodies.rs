//! Bodies of requests: RFC 9112 sections 6 and 7. A request has one body, or it is refused. On
//! simulated sockets: each piece that is sent is read in a turn of its own.

use crate::net_support::{Simulated, limits, options, options_with};
use std::time::Duration;

const CHUNKED: &str = "POST /http HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                       5;ext=\"1\"\r\nhello\r\n06\r\n world\r\n0\r\nX: y\r\n\r\n";

#[test]
fn a_chunked_body_is_the_same_in_every_cut() {
    let server = Simulated::start(options());
    let mut client = server.connect();
    for cut in 1..CHUNKED.len() {
        client.send(&CHUNKED[..cut]);
        client.send(&CHUNKED[cut..]);
        assert_eq!(client.response().body, "POST /http - hello world", "{cut}");
    }
    for byte in CHUNKED.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.response().body, "POST /http - hello world");
}

#[test]
fn a_body_with_a_length_is_the_same_in_every_cut() {
    let server = Simulated::start(options());
    let mut client = server.connect();
    let request = "PUT /http HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for cut in 1..request.len() {
        client.send(&request[..cut]);
        client.send(&request[cut..]);
        assert_eq!(client.response().body, "PUT /http - hello", "{cut}");
    }
}

/// What follows the body would be a second request to a peer that reads the length differently;
/// there must be one answer, a refusal, and the end.
#[test]
fn ambiguous_lengths_are_refused_and_nothing_after_them_is_read() {
    let server = Simulated::start(options());
    let rows = [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", 400),
        ("Content-Length: 5\r\ncontent-length: 6\r\n", 400),
        ("Content-Length: 5, 5\r\n", 400),
        ("Content-Length: +5\r\n", 400),
        ("Content-Length: -5\r\n", 400),
        ("Content-Length: 0x5\r\n", 400),
        ("Content-Length: 5 5\r\n", 400),
        ("Content-Length:\r\n", 400),
        ("Content-Length: 0x0\r\n", 400),
        ("Content-Length: 99999999999999999999\r\n", 413),
        // The last coding must be chunked, once; which others there are is only unknown to us.
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        (
            "Transfer-Encoding: gzip\r\ntransfer-encoding: Chunked\r\n",
            501,
        ),
        ("Transfer-Encoding: gzip\r\n", 400),
        ("Transfer-Encoding: chunked, gzip\r\n", 400),
        ("Transfer-Encoding: chunked, gzip, chunked\r\n", 400),
        ("Transfer-Encoding: chunked, chunked\r\n", 400),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            400,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: \u{b}\r\n",
            400,
        ),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", 400),
        ("Transfer-Encoding: identity\r\n", 400),
        ("Transfer-Encoding: x-chunked\r\n", 400),
        ("Transfer-Encoding: chunked;a=b\r\n", 400),
        ("Transfer-Encoding:\r\n", 400),
        ("Transfer-Encoding: ,\r\n", 400),
    ];
    for (fields, status) in rows {
        let mut client = server.connect();
        let response = client.ask(format!(
            "POST /http HTTP/1.1\r\nHost: a\r\n{fields}\r\n\
             0\r\n\r\nGET /http/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        ));
        assert_eq!(response.status, status, "{fields}");
        assert_eq!(response.connection(), ["close"], "{fields}");
        client.expect_end();
    }
}

#[test]
fn http_1_0_has_no_chunks() {
    let server = Simulated::start(options());
    let mut client = server.connect();
    let request = CHUNKED.replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(client.ask(request).status, 400);
    client.expect_end();
}

#[test]
fn malformed_chunks_are_refused_at_once() {
    let server = Simulated::start(options());
    let head = "POST /http HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for chunks in [
        "x",
        "\r\n",
        "5\n",
        "5\r\nhelloX",
        "5\r\nhello\n",
        "-1",
        "0\r\nx: y\n",
    ] {
        let mut client = server.connect();
        let response = client.ask(format!("{head}{chunks}"));
        assert_eq!(response.status, 400, "{chunks:?}");
        client.expect_end();
    }
}

#[test]
fn a_body_over_the_limit_is_refused_and_the_answer_survives_the_rest_of_it() {
    let server = Simulated::start(options_with(limits().body_bytes(1000)));
    let head = "POST /http HTTP/1.1\r\nHost: a\r\n";
    let fits = format!("{head}Content-Length: 1000\r\n\r\n{}", "x".repeat(1000));
    let mut client = server.connect();
    assert_eq!(client.ask(fits).status, 200);
    let long = format!("{head}Content-Length: 1001\r\n\r\n");
    let endless = format!("{head}Transfer-Encoding: chunked\r\n\r\nfffff\r\n");
    let sum = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n{}",
        "1\r\nx\r\n".repeat(1001)
    );
    let huge = format!("{head}Content-Length: {}\r\n\r\n", u64::MAX);
    for request in [&long, &endless, &sum, &huge] {
        let mut client = server.connect();
        client.send(request);
        // A client that does not listen while it sends must find the answer all the same.
        client.send("x".repeat(500_000));
        let response = client.response();
        assert_eq!(response.status, 413, "{request:.200}");
        assert_eq!(response.connection(), ["close"]);
        client.expect_end();
    }
}

#[test]
fn only_who_asks_for_it_is_told_to_continue() {
    let server = Simulated::start(options_with(limits().body_bytes(1000)));
    let mut client = server.connect();
    let asking = |version: &str, length: usize| {
        format!(
            "POST /http HTTP/1.{version}\r\nHost: a\r\nExpect: 100-Continue\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    for _ in 0..2 {
        client.send(asking("1", 5));
        let interim = client.head();
        assert_eq!((interim.status, interim.fields.len()), (100, 0));
        assert_eq!(client.ask("hello").body, "POST /http - hello");
    }
    // The body is here already, or there is none.
    let response = client.ask(asking("1", 5) + "hello");
    assert_eq!(
        (response.status, &*response.body),
        (200, "POST /http - hello")
    );
    assert_eq!(client.ask(asking("1", 0)).status, 200);
    // A body that would be refused is not requested.
    assert_eq!(client.ask(asking("1", 1001)).status, 413);
    client.expect_end();
    let mut old = server.connect();
    old.send(asking("0", 5));
    old.expect_silence(Duration::from_millis(100));
    assert_eq!(old.ask("hello").status, 200);
}

/// A service is told of both in one call if both have come, and may not answer otherwise.
#[test]
fn a_body_that_comes_with_its_head_is_answered_as_one_that_comes_after_it() {
    let server = Simulated::start(options_with(limits().body_bytes(1000)));
    for (path, length, status) in [
        ("/http", 5, 200),
        ("/http", 1000, 200),
        ("/http", 1001, 413),
        ("/http/refused", 9, 403),
    ] {
        let body = "x".repeat(length);
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        let mut at_once = server.connect();
        let mut answers = vec![at_once.ask(format!("{head}{body}"))];
        let mut later = server.connect();
        later.send(&head);
        if status == 200 {
            later.send(&body);
        }
        answers.push(later.response());
        for answer in &answers {
            assert_eq!(answer.status, status, "{path} {length}");
            assert_eq!(answer.body, answers[0].body);
            assert_eq!(answer.connection(), answers[0].connection());
        }
        match status {
            413 => at_once.expect_end(),
            _ => assert_eq!(
                at_once.ask("GET /http HTTP/1.1\r\nHost: a\r\n\r\n").status,
                200
            ),
        }
    }
}

/// A byte now and then keeps no body open: the time for it counts from its head.
#[test]
fn a_slow_body_is_cut() {
    let server = Simulated::start(options_with(limits().body_ms(300)));
    for (fields, pieces) in [
        ("Content-Length: 1000", ["x", "y"]),
        ("Transfer-Encoding: chunked", ["1\r\nx", "\r\n"]),
    ] {
        let mut client = server.connect();
        client.send(format!(
            "POST /http HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"
        ));
        for piece in pieces.iter().cycle().take(14) {
            client.send(piece);
            client.expect_silence(Duration::from_millis(20));
        }
        client.send(pieces[0]);
        assert!(
            client.answers_within(Duration::from_millis(100)),
            "{fields}"
        );
        let response = client.response();
        assert_eq!(response.status, 408, "{fields}");
        assert_eq!(response.connection(), ["close"]);
        client.expect_gone();
    }
}

/// Nor does one that is passed over, and it is not answered twice.
#[test]
fn a_slow_body_that_was_refused_is_cut_without_a_word() {
    let server = Simulated::start(options_with(limits().body_ms(200)));
    let mut client = server.connect();
    client.send("POST /http/refused HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
    assert_eq!(client.response().status, 403);
    client.expect_silence(Duration::from_millis(190));
    client.expect_end();
}

/// An answer to HEAD has no content, not even if the request is refused: it would stand where the
/// client expects the next answer.
#[test]
fn refusals_of_head_requests_have_no_content() {
    let server = Simulated::start(options());
    let host = "Host: a\r\n";
    for (fields, status) in [
        ("".to_owned(), 400),
        (format!("{host}Content-Length: x\r\n"), 400),
        (format!("{host}Content-Length: 2000000\r\n"), 413),
        (format!("{host}Transfer-Encoding: chunked\r\n"), 400),
        (format!("{host}X\n"), 400),
        (format!("{host}{}", "X: y\r\n".repeat(100)), 431),
    ] {
        let mut client = server.connect();
        client.send(format!("\r\nHEAD /http HTTP/1.1\r\n{fields}\r\nno chunk"));
        let head = client.head();
        assert_eq!(head.status, status, "{fields:.100}");
        assert_ne!(head.field("content-length"), Some("0"));
        assert_eq!(client.rest(), b"", "{fields:.100}");
    }
}

/// A server may refuse other expectations than the one that it knows; it ignores them, so that
/// nothing fails for the want of them (RFC 9110 section 10.1.1).
#[test]
fn other_expectations_are_ignored() {
    let server = Simulated::start(options());
    let mut client = server.connect();
    for expectation in ["a-miracle", "100-continued", "\"100-continue\"", ""] {
        for body in ["", "hello"] {
            let response = client.ask(format!(
                "POST /http HTTP/1.1\r\nHost: a\r\nExpect: {expectation}\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            ));
            assert_eq!(response.body, format!("POST /http - {body}"));
        }
    }
    // It may be one of several.
    client.send(
        "POST /http HTTP/1.1\r\nHost: a\r\nExpect: x=\"y\", 100-continue\r\n\
         Content-Length: 5\r\n\r\n",
    );
    assert_eq!(client.head().status, 100);
    assert_eq!(client.ask("hello").body, "POST /http - hello");
}

/// The same answers however the bytes are cut, and the requests after a refused one are answered.
#[test]
fn a_service_may_refuse_a_body_from_the_head() {
    let server = Simulated::start(options());
    let chunked = "4\r\nbody\r\n0\r\n\r\n";
    let requests = format!(
        "POST /http/refused HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody\
         POST /http/refused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}\
         POST /http/small HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody\
         POST /http/small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"
    );
    for step in [1, 7, 60, requests.len()] {
        let mut client = server.connect();
        for piece in requests.as_bytes().chunks(step) {
            client.send(piece);
        }
        let answers: Vec<_> = (0..4).map(|_| client.response()).collect();
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [403, 403, 200, 413], "{step}");
        assert_eq!(answers[2].body, "POST /http/small - body");
        client.expect_end();
    }
}

#[test]
fn a_long_body_that_is_refused_is_not_read() {
    let server = Simulated::start(options());
    for fields in [
        "Content-Length: 900000",
        "Content-Length: 4\r\nExpect: 100-continue",
    ] {
        let mut client = server.connect();
        let head = format!("POST /http/refused HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
        client.send(head);
        let response = client.response();
        assert_eq!(
            (response.status, response.body.as_str()),
            (403, "no body here")
        );
        assert_eq!(response.connection(), ["close"]);
        client.expect_end();
    }
    // A chunked one that turns out to be too long to be passed over ends the connection too, and
    // is not answered twice.
    let mut client = server.connect();
    client.send("POST /http/refused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.response().status, 403);
    client.send("20000\r\n");
    client.expect_end();
}
