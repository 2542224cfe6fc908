//! `POST /push`: statuses and texts to the byte, delivery to the byte.

use crate::net_support::client::HttpResponse;
use crate::net_support::push::publication;
use crate::net_support::{Client, Push, limits, options_with};
use wirebell::push::{PushKey, Settings};

const ILLEGAL: &str = "request data illegal";

fn outcome(response: &HttpResponse) -> (u16, &str) {
    (response.status, &response.body)
}

#[test]
fn the_answer_counts_the_receivers() {
    let push = Push::start(options_with(limits()).workers(3), Settings::default());
    let mut publisher = push.connect();
    let body = publication("a", "e", "hello");
    let mut clients: Vec<Client> = Vec::new();
    for count in 0..10 {
        let response = publisher.post("/push", "", &body);
        let expected = format!("message sent to {count} clients");
        assert_eq!(outcome(&response), (200, &*expected));
        for client in &mut clients {
            client.expect_text("hello");
        }
        clients.push(push.subscribe("a", "e"));
    }
}

#[test]
fn the_message_arrives_as_it_is() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("a", "e");
    let mut publisher = push.connect();
    let long = "long ".repeat(60_000);
    let rows = [
        ("plain", "plain"),
        (r#"line\nbreak\ttab"#, "line\nbreak\ttab"),
        (r#"\"quoted\" \\ \/"#, "\"quoted\" \\ /"),
        (r"\u00e9\u0000\ud83d\ude00", "é\0😀"),
        ("é😀", "é😀"),
        (r#"{\"json\":true}"#, r#"{"json":true}"#),
        (" ", " "),
        // As encoding/json of Go mends it.
        (r"order \ud83d shipped", "order \u{FFFD} shipped"),
        (&long, &long),
    ];
    for (written, read) in rows {
        let response = publisher.post("/push", "", &publication("a", "e", written));
        assert_eq!(outcome(&response), (200, "message sent to 1 clients"));
        client.expect_text(read);
    }
    client.expect_nothing();
}

#[test]
fn spelling_and_content_type_do_not_matter() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("a", "e");
    let mut publisher = push.connect();
    let bodies = [
        r#"{"userId":"a","event":"e","message":"m"}"#,
        r#"{"UserId":"a","Event":"e","Message":"m"}"#,
        r#"{"USERID":"a","EVENT":"e","MESSAGE":"m","other":[{}]}"#,
        r#"{"message":"m","event":"e","userid":"a"} and so on"#,
    ];
    let types = [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/json\r\n",
    ];
    for body in bodies {
        for content_type in types {
            let response = publisher.post("/push", content_type, body);
            assert_eq!(
                outcome(&response),
                (200, "message sent to 1 clients"),
                "{body}"
            );
            client.expect_text("m");
        }
    }
}

#[test]
fn what_is_no_publication_is_illegal() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("a", "e");
    let mut publisher = push.connect();
    let rows = [
        "",
        "hello",
        "{",
        "[]",
        "null",
        r#"{"userId":"a","event":"e"}"#,
        r#"{"userId":"a","message":"m"}"#,
        r#"{"event":"e","message":"m"}"#,
        r#"{"userId":"","event":"e","message":"m"}"#,
        r#"{"userId":"a","event":"","message":"m"}"#,
        r#"{"userId":"a","event":"e","message":""}"#,
        r#"{"userId":"a","event":"e","message":null}"#,
        r#"{"userId":"a","event":"e","message":7}"#,
        r#"{"userId":"a","event":["e"],"message":"m"}"#,
        r#"{"userId":"a","event":"e","message":"m""#,
        r#"{"userId":"a","event":"e","message":"\x"}"#,
    ];
    for row in rows {
        let response = publisher.post("/push", "", row);
        assert_eq!(outcome(&response), (400, ILLEGAL), "{row}");
    }
    client.expect_nothing();
    // And not UTF-8.
    let request = b"POST /push HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\"\xff\"";
    assert_eq!(outcome(&publisher.ask(request)), (400, ILLEGAL));
}

#[test]
fn a_body_with_a_byte_order_mark_or_bytes_that_are_not_utf_8_is_mended() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("a", "e");
    let mut publisher = push.connect();
    let body = b"\xEF\xBB\xBF{\"userId\":\"a\",\"event\":\"e\",\"message\":\"caf\xE9\"}";
    let head = format!("Content-Length: {}\r\n\r\n", body.len());
    let request = [b"POST /push HTTP/1.1\r\nHost: a\r\n", head.as_bytes(), body].concat();
    let sent = (200, "message sent to 1 clients");
    assert_eq!(outcome(&publisher.ask(request)), sent);
    client.expect_text("caf\u{FFFD}");
}

#[test]
fn an_encoded_body_is_not_guessed_at() {
    let settings = Settings::default().push_key(PushKey::new("secret"));
    let push = Push::start(options_with(limits()), settings);
    let mut client = push.subscribe("a", "e");
    let mut publisher = push.connect();
    let key = "Authorization: Bearer secret\r\n";
    let body = publication("a", "e", "m");
    for path in ["/push", "/drop"] {
        for encoding in ["gzip", "GZip", "identity, gzip", "br", "unknown"] {
            let fields = format!("{key}Content-Encoding: {encoding}\r\n");
            let response = publisher.post(path, &fields, &body);
            assert_eq!(response.status, 415, "{path} {encoding}");
            assert_eq!(response.field("accept-encoding"), Some("identity"));
            // Strangers learn nothing.
            let fields = format!("Content-Encoding: {encoding}\r\n");
            assert_eq!(publisher.post(path, &fields, &body).status, 401);
        }
    }
    client.expect_nothing();
    for encoding in ["identity", "Identity", ""] {
        let fields = format!("{key}Content-Encoding: {encoding}\r\n");
        assert_eq!(publisher.post("/push", &fields, &body).status, 200);
        client.expect_text("m");
    }
}

#[test]
fn method_then_key_then_body() {
    let settings = Settings::default().push_key(PushKey::new("secret"));
    let push = Push::start(options_with(limits()), settings);
    let mut publisher = push.connect();
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let request = format!("{method} /push HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(outcome(&publisher.ask(request)), (405, ""), "{method}");
    }
    let key = "Authorization: Bearer secret\r\n";
    let good = publication("a", "e", "m");
    assert_eq!(outcome(&publisher.post("/push", "", "nonsense")), (401, ""));
    assert_eq!(outcome(&publisher.post("/push", "", &good)), (401, ""));
    assert_eq!(
        outcome(&publisher.post("/push", key, "nonsense")),
        (400, ILLEGAL)
    );
    let sent = (200, "message sent to 0 clients");
    assert_eq!(outcome(&publisher.post("/push", key, &good)), sent);
}

#[test]
fn a_body_over_the_limit_is_too_large_and_reaches_nobody() {
    let push = Push::limited(limits().body_bytes(1000));
    let mut client = push.subscribe("a", "e");
    let rest = publication("a", "e", "").len();
    let fits = publication("a", "e", &"x".repeat(1000 - rest));
    assert_eq!(push.post("/push", "", &fits).status, 200);
    client.expect_text(&"x".repeat(1000 - rest));
    let long = publication("a", "e", &"x".repeat(1001 - rest));
    assert_eq!(push.post("/push", "", &long).status, 413);
    let chunk = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    let request =
        format!("POST /push HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(push.connect().ask(request).status, 413);
    client.expect_nothing();
}

#[test]
fn a_program_pushes_from_any_thread() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("a", "e");
    std::thread::scope(|scope| {
        let server = push.server();
        let sent = scope.spawn(move || server.push("a", "e", "from a thread"));
        assert_eq!(sent.join().expect("pushed"), Ok(1));
    });
    client.expect_text("from a thread");
}
