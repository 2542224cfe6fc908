//! Server-sent events and NDJSON.

use super::{BEGIN_TEXT, Native, parsed};
use serde_json::json;
use wirebell::push::Settings;

#[test]
// req: push-sse-01 push-sse-02 push-sse-03
fn the_first_event_says_where_the_stream_begins() {
    let native = Native::start();
    native.publish_all("a", 1..=3);
    let mut events = native.events("/topics/a");
    assert_eq!(events.head.field("content-type"), Some("text/event-stream"));
    assert_eq!(events.head.field("cache-control"), Some("no-store"));
    assert_eq!(events.head.field("x-accel-buffering"), Some("no"));
    assert_eq!(events.event(), format!("retry: 2000\nid: {}", native.id(3)));
    let mut events = native.events_after("/topics/a", &native.id(1));
    assert_eq!(events.event(), format!("retry: 2000\nid: {}", native.id(1)));
    assert_eq!(events.event(), format!("id: {}\ndata: 2", native.id(2)));
    assert_eq!(events.event(), format!("id: {}\ndata: 3", native.id(3)));
    native.publish("a", "4");
    assert_eq!(events.event(), format!("id: {}\ndata: 4", native.id(4)));
}

#[test]
// req: push-sse-04 push-sse-06
fn texts_of_several_lines_and_binary_payloads() {
    let native = Native::start();
    let mut events = native.events("/topics/a");
    events.event();
    let rows = [
        ("", "data: "),
        ("a\nb", "data: a\ndata: b"),
        ("a\r\nb\rc\n", "data: a\ndata: b\ndata: c\ndata: "),
        (" a: b", "data:  a: b"),
    ];
    for (at, (text, lines)) in rows.into_iter().enumerate() {
        native.publish("a", text);
        assert_eq!(
            events.event(),
            format!("id: {}\n{lines}", native.id(at as u64 + 1))
        );
    }
    let field = "Content-Type: application/octet-stream\r\n";
    native.post("/topics/a", field, b"\xFF\n");
    assert_eq!(
        events.event(),
        format!("id: {}\nevent: binary\ndata: /wo=", native.id(5))
    );
}

#[test]
// req: push-subscribe-01 push-subscribe-02 push-sse-05 push-sse-07
fn several_topics_come_in_envelopes_unless_asked_otherwise() {
    let native = Native::start();
    let accept = "Accept: text/html, text/event-stream;q=0.5\r\n";
    let rows = [
        ("/topics/a", accept, false),
        ("/topics/*", accept, true),
        ("/topics/a,b", accept, true),
        ("/topics/a?format=json", "", true),
        ("/topics/*?format=raw", "", false),
    ];
    for (target, fields, is_envelope) in rows {
        let mut events = native.stream(target, fields);
        events.event();
        native.publish("a", "x");
        let event = events.event();
        let data = event.split_once("data: ").expect("data").1;
        assert_eq!(data != "x", is_envelope, "{target}");
        if is_envelope {
            assert_eq!(parsed(data)["data"], "x");
        }
    }
    for (target, status) in [("/topics/a?format=xml", 400), ("/topics/a", 406)] {
        let answer = native.get(target, "Accept: */*\r\n");
        assert_eq!(answer.status, status, "{target}");
    }
    let page = native.get("/topics/a", "Accept: text/html,*/*\r\n");
    assert_eq!(page.status, 200);
    assert!(
        page.field("content-type")
            .is_some_and(|it| it.starts_with("text/html"))
    );
}

#[test]
// req: push-ndjson-01 push-ndjson-02 push-ndjson-03
fn lines_begin_with_what_is_subscribed() {
    let native = Native::start();
    native.publish("a", "1");
    for (target, fields) in [
        ("/topics/a,b.*?since=all&format=ndjson", ""),
        (
            "/topics/a,b.*?since=all",
            "Accept: application/x-ndjson\r\n",
        ),
    ] {
        let mut lines = native.stream(target, fields);
        assert_eq!(
            lines.head.field("content-type"),
            Some("application/x-ndjson")
        );
        let first = json!({
            "type": "subscribed", "topics": ["a", "b.*"], "position": native.id(0),
            "recovered": true,
        });
        assert_eq!(lines.json(), first);
        let message = json!({
            "type": "message", "topic": "a", "id": native.id(1), "time": BEGIN_TEXT, "data": "1",
        });
        assert_eq!(lines.json(), message);
    }
}

#[test]
// req: push-sse-09 push-ndjson-04
fn silent_streams_are_kept_alive() {
    let native = Native::start();
    let mut events = native.events("/topics/a");
    let mut lines = native.lines("/topics/a");
    events.event();
    lines.json();
    native.advance(14_999);
    native.publish("a", "x");
    assert!(events.event().ends_with("data: x"));
    assert_eq!(lines.json()["data"], "x");
    for _ in 0..3 {
        native.advance(15_000);
        assert_eq!(events.event(), ": keepalive");
        assert_eq!(lines.json(), json!({"type": "keepalive"}));
    }
}

#[test]
// req: push-sse-10
fn an_id_that_cannot_be_read_is_a_gap() {
    let native = Native::start();
    native.publish_all("a", 1..=2);
    for id in ["nonsense", "x-y", "-", "12"] {
        // Where it was is not known, so only after the gap there is an id to resume from.
        let mut events = native.events_after("/topics/a?since=new", id);
        assert_eq!(events.event(), "retry: 2000");
        let gap = "event: gap\ndata: {\"topic\":\"a\",\"after\":null,\"next\":null}";
        assert_eq!(events.event(), gap, "{id}");
        assert_eq!(events.event(), format!("id: {}", native.id(0)));
        assert_eq!(events.event(), format!("id: {}\ndata: 1", native.id(1)));
    }
    // An empty one is none.
    let mut events = native.events_after("/topics/a", "");
    assert_eq!(events.event(), format!("retry: 2000\nid: {}", native.id(2)));
}

/// Cut before the gap was told, a client that resumes from the first id is told of it again.
#[test]
// req: push-sse-02 push-sse-08
fn a_cut_before_a_gap_does_not_hide_it() {
    let native = Native::with(super::keeping(2));
    native.publish_all("a", 1..=5);
    let mut events = native.events_after("/topics/a", &native.id(1));
    assert_eq!(events.event(), format!("retry: 2000\nid: {}", native.id(1)));
    let gap = format!(
        "event: gap\ndata: {{\"topic\":\"a\",\"after\":\"{}\",\"next\":\"{}\"}}",
        native.id(1),
        native.id(4)
    );
    assert_eq!(events.event(), gap);
    assert_eq!(events.event(), format!("id: {}\ndata: 4", native.id(4)));
    let mut events = native.events_after("/topics/a", "other-9");
    assert_eq!(events.event(), "retry: 2000");
    let gap = "event: gap\ndata: {\"topic\":\"a\",\"after\":\"other-9\",\"next\":null}";
    assert_eq!(events.event(), gap);
    assert_eq!(events.event(), format!("id: {}", native.id(3)));
}

#[test]
fn a_head_request_has_no_body() {
    let native = Native::with(Settings::default());
    let mut client = native.connect();
    client.send("HEAD /topics/a?format=ndjson HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(
        native.post("/topics/a", "", "x").status,
        202,
        "nobody listens"
    );
}
