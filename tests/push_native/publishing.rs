//! `POST /topics/NAME`.

use super::{Native, ask, parsed};
use crate::net_support::{limits, options_with};
use crate::support::frames::binary;
use serde_json::json;
use wirebell::push::Settings;

#[test]
// req: push-publish-01 push-publish-14 push-publish-15
fn the_answer_says_whether_somebody_was_listening() {
    let native = Native::start();
    let answer = native.post("/topics/orders.eu", "", "shipped");
    let body = json!({"topic": "orders.eu", "id": native.id(1), "subscribers": 0});
    assert_eq!((answer.status, parsed(&answer.body)), (202, body));
    let _raw = native.raw("/topics/orders.eu");
    let _events = native.events("/topics/orders.*");
    let _lines = native.lines("/topics/**");
    let answer = ask(&mut native.connect(), "PUT", "/topics/orders.eu", "", "");
    let body = json!({"topic": "orders.eu", "id": native.id(2), "subscribers": 3});
    assert_eq!((answer.status, parsed(&answer.body)), (201, body));
    assert_eq!(answer.field("content-type"), Some("application/json"));
}

#[test]
// req: push-publish-01 push-publish-02 push-publish-03 push-publish-04 push-publish-05
// req: push-errors-09
fn content_types_say_whether_it_is_text() {
    let native = Native::start();
    let mut raw = native.raw("/topics/a");
    let texts = [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
        "Content-Type: Application/JSON\r\n",
        "Content-Type: application/cloudevents+json\r\n",
        "Content-Type: application/xml\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
    ];
    for field in texts {
        assert_eq!(native.post("/topics/a", field, "é").status, 201, "{field}");
        raw.expect_text("é");
        let answer = native.post("/topics/a", field, b"\xFF");
        assert_eq!(answer.status, 400, "{field}");
        assert!(
            answer.body.contains("application/octet-stream"),
            "{answer:?}"
        );
    }
    for field in ["application/octet-stream", "image/png", "application/cbor"] {
        let field = format!("Content-Type: {field}\r\n");
        assert_eq!(native.post("/topics/a", &field, b"\xFF\0").status, 201);
        assert_eq!(raw.frame(), binary(b"\xFF\0"));
    }
    let parts = "Content-Type: multipart/form-data; boundary=x\r\n";
    let answer = native.post("/topics/a", parts, "x");
    assert_eq!(answer.status, 415);
    assert!(answer.body.contains("--data-binary"), "{answer:?}");
    let encoded = native.post("/topics/a", "Content-Encoding: gzip\r\n", "x");
    assert_eq!(encoded.status, 415);
    raw.expect_nothing();
}

#[test]
// req: push-order-06 push-publish-06 push-publish-07
fn a_message_is_not_replayed_after_its_ttl() {
    let native = Native::start();
    let mut raw = native.raw("/topics/a");
    for (ttl, text) in [
        ("0", "now"),
        ("2", "soon"),
        ("99999999999999999999", "ever"),
    ] {
        let field = format!("TTL: {ttl}\r\n");
        assert_eq!(native.post("/topics/a", &field, text).status, 201);
        raw.expect_text(text);
    }
    let texts = || {
        let all = native.poll("/topics/a?poll=0&since=all");
        let all = all["messages"].as_array().expect("a list").clone();
        all.iter().map(|it| it["data"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(texts(), ["soon", "ever"]);
    native.advance(1_999);
    assert_eq!(texts(), ["soon", "ever"]);
    native.advance(1);
    assert_eq!(texts(), ["ever"]);
    // What has expired is not missing.
    let answer = native.poll(&format!("/topics/a?poll=0&since={}", native.id(0)));
    assert_eq!(answer["recovered"], true, "{answer}");
    for ttl in ["-1", "1.5", "", "x", "1, 2"] {
        let field = format!("TTL: {ttl}\r\n");
        assert_eq!(native.post("/topics/a", &field, "x").status, 400, "{ttl}");
    }
}

#[test]
// req: push-publish-08 push-publish-09 push-publish-12 push-errors-11
fn a_key_publishes_once() {
    let native = Native::start();
    let mut raw = native.raw("/topics/a");
    let key = "Idempotency-Key: \"k 1\"\r\n";
    let first = native.post("/topics/a", key, "x");
    assert_eq!(
        (first.status, first.field("idempotency-replayed")),
        (400, None)
    );
    let key = "Idempotency-Key: \"k1\"\r\n";
    let first = native.post("/topics/a", key, "x");
    assert_eq!(
        (first.status, first.field("idempotency-replayed")),
        (201, None)
    );
    for key in [key, "Idempotency-Key: k1\r\n"] {
        let again = native.post("/topics/a", key, "x");
        assert_eq!((again.status, &again.body), (201, &first.body));
        assert_eq!(again.field("idempotency-replayed"), Some("true"));
    }
    let others = [
        ("/topics/b", "", "x"),
        ("/topics/a", "", "y"),
        (
            "/topics/a",
            "Content-Type: application/octet-stream\r\n",
            "x",
        ),
    ];
    for (target, fields, body) in others {
        let answer = native.post(target, &format!("{key}{fields}"), body);
        assert_eq!(answer.status, 422, "{target} {fields} {body}");
        assert_eq!(parsed(&answer.body)["error"], "key_reused");
    }
    raw.expect_text("x");
    raw.expect_nothing();
    native.advance(5 * 60_000 - 1);
    assert_eq!(native.post("/topics/a", key, "x").body, first.body);
    native.advance(2);
    let later = native.post("/topics/a", key, "x");
    assert_eq!(later.field("idempotency-replayed"), None);
    assert_eq!(parsed(&later.body)["id"], native.id(2));
}

#[test]
// req: push-names-02 push-names-03 push-names-04 push-names-05 push-names-06 push-errors-01
// req: push-errors-03
fn names_are_decoded_once_and_checked() {
    let native = Native::start();
    let answer = native.post("/topics/caf%C3%A9.%2541", "", "x");
    assert_eq!(parsed(&answer.body)["topic"], "café.%41", "{answer:?}");
    let longest = "x".repeat(255);
    assert_eq!(
        native.post(&format!("/topics/{longest}"), "", "").status,
        202
    );
    let bad = [
        "a..b",
        ".a",
        "a.",
        "a*",
        "*",
        "**",
        "a,b",
        "a/b",
        "a%20b",
        "a%0Ab",
        "%FF",
        "%zz",
        "%23",
        &"x".repeat(256),
    ];
    for name in bad {
        let answer = native.post(&format!("/topics/{name}"), "", "x");
        assert_eq!(answer.status, 400, "{name} {answer:?}");
        assert_eq!(parsed(&answer.body)["error"], "malformed");
    }
    let answer = native.post("/topics/$stats", "", "x");
    assert_eq!(answer.status, 403);
    assert_eq!(parsed(&answer.body)["error"], "forbidden");
}

#[test]
// req: push-errors-07 push-errors-08
fn methods_and_lengths_are_checked() {
    let native = Native::start();
    for (target, allow) in [
        ("/topics/a", "GET, HEAD, POST, PUT"),
        ("/topics", "GET, POST, PUT"),
    ] {
        let answer = ask(&mut native.connect(), "DELETE", target, "", "");
        assert_eq!((answer.status, answer.field("allow")), (405, Some(allow)));
    }
    let mut client = native.connect();
    client.send("POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n");
    assert_eq!(client.response().status, 413);
    let longest = "x".repeat(1 << 20);
    assert_eq!(native.post("/topics/a", "", longest).status, 202);
}

#[test]
// req: push-order-07 push-publish-16
fn ephemeral_topics_have_no_positions() {
    let native = Native::with(super::keeping(0));
    let mut events = native.events("/topics/a");
    events.event();
    let answer = native.post("/topics/a", "", "x");
    let body = json!({"topic": "a", "subscribers": 1});
    assert_eq!((answer.status, parsed(&answer.body)), (201, body));
    assert_eq!(events.event(), "data: x");
    let answer = native.poll("/topics/a?poll=0&since=all");
    assert_eq!(
        (&answer["messages"], &answer["recovered"]),
        (&json!([]), &json!(true))
    );
    let mut client = native.envelopes("/topics/a");
    client.json();
    let answer = client.say(r#"{"type":"publish","topic":"a","data":"y"}"#);
    let answers = [answer, client.json()];
    for answer in &answers {
        assert!(
            answer["type"] != "error" && answer["id"].is_null(),
            "{answer}"
        );
    }
}

#[test]
fn a_body_in_chunks_that_is_wrong_is_a_problem_in_json() {
    let native = Native::with_options(options_with(limits().body_bytes(100)), Settings::default());
    let origin = "Origin: http://localhost\r\n";
    for (body, status, word) in [
        (
            format!("c8\r\n{}\r\n0\r\n\r\n", "x".repeat(200)),
            413,
            "too_large",
        ),
        ("x\r\n".to_owned(), 400, "malformed"),
    ] {
        for target in ["/topics/a", "/topics"] {
            let mut client = native.connect();
            let answer = client.ask(format!(
                "POST {target} HTTP/1.1\r\nHost: localhost\r\n{origin}\
                 Transfer-Encoding: chunked\r\n\r\n{body}"
            ));
            assert_eq!(answer.status, status, "{target}");
            assert_eq!(answer.connection(), ["close"]);
            assert_eq!(answer.field("content-type"), Some("application/json"));
            let allowed = answer.field("access-control-allow-origin");
            assert_eq!(allowed, Some("http://localhost"));
            assert_eq!(parsed(&answer.body)["error"], word);
        }
    }
    assert_eq!(native.shared.broker().head().sequence, 0);
}

#[test]
// req: push-errors-02
fn a_body_that_takes_too_long_is_told_so_in_json() {
    let native = Native::start();
    let body_ms = u64::from(limits().body_ms);
    for (method, path) in [
        ("POST", "/topics/a"),
        ("POST", "/topics"),
        ("HEAD", "/topics/a"),
    ] {
        let mut client = native.connect();
        let origin = "Origin: http://localhost\r\n";
        client.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{origin}Content-Length: 9\r\n\r\nx"
        ));
        native.advance(body_ms + 100);
        let head = client.head();
        assert_eq!(head.status, 408, "{path}");
        assert_eq!(head.connection(), ["close"]);
        let page = head.field("access-control-allow-origin");
        assert_eq!(page, Some("http://localhost"));
        let body = client.rest();
        let expected = match method {
            "HEAD" => "",
            _ => r#"{"error":"timeout","message":"the request took too long"}"#,
        };
        assert_eq!(String::from_utf8_lossy(&body), expected);
    }
}
