//! Long polls.

use super::{Native, ask, parsed};
use serde_json::json;
use std::time::Duration;

#[test]
// req: push-poll-01 push-poll-02 push-poll-05 push-since-05
fn what_is_there_is_answered_at_once() {
    let native = Native::start();
    let empty = json!({"messages": [], "gaps": [], "position": native.id(0), "recovered": true});
    assert_eq!(native.poll("/topics/a?poll=0"), empty);
    native.publish_all("a", 1..=2);
    for wait in ["0", "25s", "120"] {
        let answer = native.poll(&format!("/topics/a?poll={wait}&since={}", native.id(1)));
        assert_eq!(answer["messages"][0]["data"], "2");
        assert_eq!(answer["position"], native.id(2));
        assert_eq!(
            (&answer["recovered"], &answer["more"]),
            (&json!(true), &json!(null))
        );
    }
    let all = native.get("/topics/a?poll=0&since=all", "");
    assert_eq!(all.field("cache-control"), Some("no-store"));
    for wait in ["", "x", "-1", "1y"] {
        assert_eq!(
            native.get(&format!("/topics/a?poll={wait}"), "").status,
            400,
            "{wait}"
        );
    }
}

#[test]
// req: push-poll-03
fn without_anything_it_waits() {
    let native = Native::start();
    native.publish("a", "1");
    let mut client = native.connect();
    let request =
        |wait: &str| format!("GET /topics/a,b.*?poll={wait} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.send(request("25s"));
    client.expect_silence(Duration::from_millis(24_000));
    native.publish("c", "not for it");
    assert_eq!(native.post("/topics/b.x", "", "2").status, 201);
    let answer = parsed(&client.response().body);
    assert_eq!(answer["messages"][0]["data"], "2");
    assert_eq!(answer["position"], native.id(3));
    // On the same connection again, until the time is over.
    client.send(request("1500ms"));
    client.expect_silence(Duration::from_millis(1_499));
    let answer = parsed(&client.response().body);
    assert_eq!(
        (&answer["messages"], &answer["position"]),
        (&json!([]), &json!(native.id(3)))
    );
    assert_eq!(
        native.post("/topics/b.x", "", "4").status,
        202,
        "nobody waits"
    );
    let resumed = format!("/topics/a,b.*?poll=9s&since={}", native.id(3));
    let answer = parsed(&ask(&mut client, "GET", &resumed, "", "").body);
    assert_eq!(answer["messages"][0]["data"], "4");
}

#[test]
// req: push-poll-04
fn nobody_waits_longer_than_two_minutes() {
    let native = Native::start();
    let mut client = native.connect();
    client.send("GET /topics/a?poll=1d HTTP/1.1\r\nHost: localhost\r\n\r\n");
    native.advance(119_999);
    client.expect_silence(Duration::ZERO);
    native.advance(1);
    assert_eq!(client.response().status, 200);
}

#[test]
// req: push-bounds-09
fn a_client_that_goes_no_longer_waits() {
    let native = Native::start();
    let mut client = native.connect();
    client.send("GET /topics/a?poll=25s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(
        native
            .shared
            .broker()
            .presence(&"a".parse().unwrap())
            .connections,
        1
    );
    client.stream_mut().reset();
    native.advance(1);
    assert_eq!(native.post("/topics/a", "", "x").status, 202);
}

#[test]
// req: push-poll-06 push-poll-07
fn an_answer_has_a_number_of_messages() {
    let native = Native::with(super::keeping(2_500));
    native.publish_all("a", 1..=2_200);
    let mut position = native.id(0);
    let mut next = 1;
    for (count, more) in [
        (1_000, json!(true)),
        (1_000, json!(true)),
        (200, json!(null)),
    ] {
        let answer = native.poll(&format!("/topics/a?poll=5s&since={position}"));
        let messages = answer["messages"].as_array().expect("a list");
        assert_eq!((messages.len(), &answer["more"]), (count, &more));
        for message in messages {
            assert_eq!(message["data"], next.to_string());
            next += 1;
        }
        position = answer["position"].as_str().expect("a position").to_owned();
        assert_eq!(position, native.id(next - 1));
    }
}

#[test]
fn a_client_that_has_gone_does_not_count() {
    let native = Native::start();
    let request = "GET /topics/a?poll=25s HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for late in [true, false] {
        let mut client = native.connect();
        client.send(request);
        if late {
            client.expect_silence(Duration::from_millis(1_000));
        }
        client.end_writing();
        assert!(client.rest().is_empty());
        assert_eq!(
            native.post("/topics/a", "", "x").status,
            202,
            "nobody waits"
        );
        assert_eq!(native.shared.broker().connections(), 0);
    }
}
