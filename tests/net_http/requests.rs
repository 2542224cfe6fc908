//! Requests that are understood: methods, paths, keep-alive, pipelining, HEAD.

use crate::net_support::{Probes, Push, Simulated, limits, options};

#[test]
fn each_path_answers_its_methods_and_refuses_others_by_name() {
    let push = Push::limited(limits());
    let mut client = push.connect();
    let rows = [
        ("GET /", 200, None),
        ("GET /healthz", 200, None),
        ("GET /healthz?verbose=1", 200, None),
        ("GET /nothing", 404, None),
        ("POST /nothing", 404, None),
        ("GET //", 404, None),
        ("POST /", 405, Some("GET, HEAD")),
        ("DELETE /healthz", 405, Some("GET, HEAD")),
        ("BREW /healthz", 405, Some("GET, HEAD")),
        ("get /healthz", 405, Some("GET, HEAD")),
        ("GET /push", 405, Some("POST")),
        ("PUT /push", 405, Some("POST")),
        ("GET /drop", 405, Some("POST")),
        ("POST /ws", 405, Some("GET")),
        ("POST /echo", 405, Some("GET")),
    ];
    for (line, status, allow) in rows {
        let response = client.ask(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(response.status, status, "{line}: {response:?}");
        assert_eq!(response.field("allow"), allow, "{line}");
        assert!(response.field("date").is_some(), "{line}");
        // None of these is a reason to end the connection.
        assert!(response.connection().is_empty(), "{line}: {response:?}");
    }
    assert_eq!(client.ask(get("/healthz")).body, "ok");
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let server = Probes::start(options());
    let mut client = crate::net_support::Client::connect(server.address());
    let requests: Vec<String> = (0..8)
        .map(|n| match n % 3 {
            0 => get(&format!("/http/{n}")),
            1 => format!("POST /http/{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"),
            _ => format!(
                "POST /http/{n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
            ),
        })
        .collect();
    let before = server.counters();
    client.send(requests.concat());
    for n in 0..8 {
        let (method, body) = [("GET", ""), ("POST", "body"), ("POST", "onetwo")][n % 3];
        let expected = format!("{method} /http/{n} - {body}");
        assert_eq!(client.response().body, expected);
    }
    let after = server.counters();
    assert_eq!(
        after.writes - before.writes,
        1,
        "all answers leave together"
    );
}

#[test]
fn a_request_after_the_last_one_is_not_answered() {
    let server = Probes::start(options());
    let mut client = crate::net_support::Client::connect(server.address());
    let last = "GET /http/last HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n";
    let response = client.ask(last.to_owned() + &get("/http/after"));
    assert_eq!(response.body, "GET /http/last - ");
    assert_eq!(response.connection(), ["close"]);
    client.expect_end();
}

#[test]
fn head_is_get_without_the_body() {
    let push = Push::limited(limits());
    let mut client = push.connect();
    for path in ["/", "/healthz"] {
        let whole = client.ask(get(path));
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = client.head();
        assert_eq!(head.status, 200);
        let length = whole.body.len().to_string();
        assert_eq!(head.field("content-length"), Some(&*length));
        assert_eq!(head.field("content-type"), whole.field("content-type"));
    }
    // Had a body been sent, it would precede this answer.
    assert_eq!(client.ask(get("/healthz")).body, "ok");
}

#[test]
fn http_1_0_gets_its_answer_and_the_end() {
    let push = Push::limited(limits());
    for more in ["", "Host: a\r\n", "Connection: keep-alive\r\n"] {
        let mut client = push.connect();
        let response = client.ask(format!("GET /healthz HTTP/1.0\r\n{more}\r\n"));
        assert_eq!((response.status, &*response.body), (200, "ok"), "{more}");
        client.expect_end();
    }
}

#[test]
fn targets_in_absolute_form_mean_their_path() {
    let server = Probes::start(options());
    let mut client = crate::net_support::Client::connect(server.address());
    let rows = [
        ("/http/a?b=c", "GET /http/a b=c "),
        ("http://example.org/http/a", "GET /http/a - "),
        ("http://example.org:80/http/a?b", "GET /http/a b "),
        (
            "HTTP://example.org/http/%2e%2e?x?y",
            "GET /http/%2e%2e x?y ",
        ),
        ("/http://a", "GET /http://a - "),
    ];
    for (target, body) in rows {
        assert_eq!(client.ask(get(target)).body, body, "{target}");
    }
    client.send(crate::net_support::client::upgrade(
        "ws://localhost/chat",
        "",
    ));
    client.expect_switch();
}

#[test]
fn empty_lines_before_a_request_are_ignored() {
    let server = Simulated::start(options());
    let mut client = server.connect();
    for lines in ["\r\n", "\r\n\r\n\r\n", "\r\n"] {
        let response = client.ask(lines.to_owned() + &get("/http"));
        assert_eq!(response.status, 200);
    }
    // Cut in the middle of an empty line, too.
    for piece in ["\r", "\n\r", "\n", &get("/http")] {
        client.send(piece);
    }
    assert_eq!(client.response().status, 200);
}

#[test]
fn a_client_that_ends_its_side_after_the_request_gets_the_answer() {
    let push = Push::limited(limits());
    let mut client = push.connect();
    client.send(get("/healthz") + &get("/"));
    client.end_writing();
    assert_eq!(client.response().body, "ok");
    assert_eq!(client.response().status, 200);
    client.expect_end();
}
