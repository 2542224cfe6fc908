//! `wirebell.v1`: messages and their answers.

use super::{BEGIN_TEXT, Native};
use crate::support::frames::binary;
use serde_json::json;

#[test]
// req: push-subscribe-03 push-v1-02 push-v1-03 push-v1-05 push-v1-06 push-v1-07
fn subscribe_message_unsubscribe() {
    let native = Native::start();
    native.publish("orders.eu", "1");
    let mut client = native.envelopes("/topics");
    let answer = client.say(r#"{"type":"subscribe","ref":1,"topics":["orders.*"]}"#);
    let subscribed = json!({
        "type": "subscribed", "ref": 1, "topics": ["orders.*"], "position": native.id(1),
        "recovered": true,
    });
    assert_eq!(answer, subscribed);
    native.publish("orders.eu", "shipped");
    let message = json!({
        "type": "message", "topic": "orders.eu", "id": native.id(2), "time": BEGIN_TEXT,
        "data": "shipped",
    });
    assert_eq!(client.json(), message);
    native.post("/topics/orders.us", "Content-Type: image/png\r\n", b"\xFF");
    let message = client.json();
    assert_eq!(
        (&message["base64"], &message["data"]),
        (&json!("/w=="), &json!(null))
    );
    let answer = client.say(r#"{"type":"unsubscribe","ref":{"n":[2]},"topics":["orders.*"]}"#);
    let unsubscribed = json!({
        "type": "unsubscribed", "ref": {"n": [2]}, "topics": ["orders.*"],
    });
    assert_eq!(answer, unsubscribed);
    assert_eq!(native.post("/topics/orders.eu", "", "x").status, 202);
    client.expect_nothing();
}

#[test]
// req: push-publish-10 push-v1-08
fn publish_has_the_answer_of_a_request() {
    let native = Native::start();
    let mut client = native.envelopes("/topics");
    let publish = r#"{"type":"publish","ref":"p","topic":"a","data":"x","ttl":60,"key":"k1"}"#;
    let published = json!({
        "type": "published", "ref": "p", "topic": "a", "id": native.id(1), "subscribers": 0,
    });
    assert_eq!(client.say(publish), published);
    assert_eq!(client.say(publish), published, "the same key");
    let (error, _) = client.wrong(&publish.replace("\"x\"", "\"y\""));
    assert_eq!(error, "key_reused");
    let replayed = native.post("/topics/a", "Idempotency-Key: k1\r\n", "x");
    assert_eq!(replayed.field("idempotency-replayed"), Some("true"));
    client.subscribed(r#"["a"]"#);
    client.send_text(r#"{"type":"publish","ref":null,"topic":"a","base64":"/w=="}"#);
    let mut answers = [client.json(), client.json()];
    answers.sort_by_key(|it| it["type"].to_string());
    assert_eq!(answers[0]["base64"], "/w==");
    assert_eq!(answers[1]["subscribers"], 1);
    assert!(
        answers[1]
            .as_object()
            .is_some_and(|it| it.contains_key("ref"))
    );
}

#[test]
// req: push-v1-09
fn presence_counts_connections_and_names() {
    let native = Native::start();
    let mut client = native.envelopes("/topics/a");
    client.json();
    let _lines = native.lines("/topics/*");
    let answer = client.say(r#"{"type":"presence","ref":4,"topic":"a"}"#);
    let presence = json!({
        "type": "presence", "ref": 4, "topic": "a", "connections": 2, "names": {},
    });
    assert_eq!(answer, presence);
}

#[test]
// req: push-names-11 push-v1-14
fn patterns_of_the_url_are_answered_without_ref() {
    let native = Native::start();
    native.publish_all("a", 1..=2);
    let mut client = native.envelopes("/topics/a,b.*?since=all");
    let replay = client.json();
    assert_eq!(
        (&replay["type"], &replay["ref"]),
        (&json!("replay"), &json!(null))
    );
    assert_eq!(replay["messages"].as_array().map(Vec::len), Some(2));
    let subscribed = json!({
        "type": "subscribed", "topics": ["a", "b.*"], "position": native.id(2),
        "recovered": true,
    });
    assert_eq!(client.json(), subscribed);
}

#[test]
// req: push-v1-07 push-v1-15
fn overlapping_patterns_deliver_once() {
    let native = Native::start();
    let mut client = native.envelopes("/topics/a.b,a.*?since=all");
    client.json();
    client.subscribed(r#"["**", "a.b"]"#);
    native.publish("a.b", "1");
    assert_eq!(client.json()["data"], "1");
    client.expect_nothing();
    let answer = client.say(r#"{"type":"subscribe","topics":["a.b","*.b"],"since":"all"}"#);
    assert_eq!(
        answer["messages"].as_array().map(Vec::len),
        Some(1),
        "{answer}"
    );
    client.json();
    // Without one of them the others still deliver.
    client.say(r#"{"type":"unsubscribe","topics":["a.b","a.*"]}"#);
    native.publish("a.b", "2");
    assert_eq!(client.json()["data"], "2");
    client.expect_nothing();
}

#[test]
// req: push-v1-03 push-v1-17
fn subscribing_again_replays_again() {
    let native = Native::start();
    native.publish("a", "1");
    let mut client = native.envelopes("/topics/a");
    client.json();
    for n in 0..2 {
        let all = format!(r#"{{"type":"subscribe","ref":{n},"topics":["a"],"since":"all"}}"#);
        let replay = client.say(&all);
        assert_eq!(
            (&replay["ref"], &replay["type"]),
            (&json!(n), &json!("replay"))
        );
        assert_eq!(client.json()["type"], "subscribed");
    }
    native.publish("a", "2");
    assert_eq!(client.json()["data"], "2");
    client.expect_nothing();
}

#[test]
// req: push-v1-01 push-v1-12
fn errors_are_not_the_end() {
    let native = Native::start();
    let mut client = native.envelopes("/topics");
    let rows = [
        ("", "malformed"),
        ("nonsense", "malformed"),
        ("{}", "malformed"),
        ("[]", "malformed"),
        (r#"{"type":"shout"}"#, "malformed"),
        (r#"{"type":"subscribe"}"#, "malformed"),
        (r#"{"type":"subscribe","topics":[]}"#, "malformed"),
        (r#"{"type":"subscribe","topics":["a..b"]}"#, "malformed"),
        (r#"{"type":"subscribe","topics":"a"}"#, "malformed"),
        (
            r#"{"type":"subscribe","topics":["a"],"since":"never"}"#,
            "malformed",
        ),
        (
            r#"{"type":"subscribe","topics":["a"],"data":"x"}"#,
            "malformed",
        ),
        (r#"{"type":"publish","topic":"a"}"#, "malformed"),
        (
            r#"{"type":"publish","topic":"a","data":"x","base64":""}"#,
            "malformed",
        ),
        (
            r#"{"type":"publish","topic":"a","base64":"?"}"#,
            "malformed",
        ),
        (r#"{"type":"publish","topic":"a.*","data":""}"#, "malformed"),
        (
            r#"{"type":"publish","topic":"a","data":"","ttl":-1}"#,
            "malformed",
        ),
        (
            r#"{"type":"publish","topic":"a","data":"","key":""}"#,
            "malformed",
        ),
        (
            r#"{"type":"publish","topic":"$stats","data":""}"#,
            "forbidden",
        ),
        (r#"{"type":"presence","topic":"a.*"}"#, "malformed"),
        (r#"{"type":"auth","token":"x"}"#, "malformed"),
    ];
    for (message, word) in rows {
        let (error, text) = client.wrong(message);
        assert_eq!(error, word, "{message}");
        assert!(!text.is_empty(), "{message}");
    }
    let answer = client.say(r#"{"ref":[1],"type":"shout"}"#);
    assert_eq!(answer["ref"], json!([1]));
    client.send_frame(&binary(b"{}"));
    assert_eq!(client.json()["error"], "malformed");
    client.expect_nothing();
}

#[test]
// req: push-v1-16
fn a_subscribe_is_all_or_nothing() {
    let native = Native::start();
    let mut client = native.envelopes("/topics");
    client.wrong(r#"{"type":"subscribe","topics":["a","b..c"]}"#);
    let many: Vec<_> = (0..1_001).map(|n| format!("\"t{n}\"")).collect();
    let many = format!(r#"{{"type":"subscribe","topics":[{}]}}"#, many.join(","));
    let (error, _) = client.wrong(&many);
    assert_eq!(error, "malformed");
    assert_eq!(native.post("/topics/a", "", "x").status, 202);
    assert_eq!(native.post("/topics/t1", "", "x").status, 202);
    client.subscribed(r#"["a"]"#);
}

/// A message of the client that comes during the replay of its URL is answered after it.
#[test]
// req: push-v1-14
fn the_replay_of_the_url_comes_before_other_answers() {
    let native = Native::with(super::keeping(1_000));
    native.publish_all("a", 1..=1_000);
    let mut client = native.connect();
    let fields = "Sec-WebSocket-Protocol: wirebell.v1\r\n";
    let opening = crate::net_support::client::upgrade("/topics/a?since=all", fields);
    let message = crate::support::frames::text(r#"{"type":"subscribe","ref":1,"topics":["b"]}"#);
    client.send([opening.as_bytes(), &message.to(wirebell::Role::Server)].concat());
    client.expect_switch();
    let mut replayed = 0;
    let subscribed = loop {
        let answer = client.json();
        match answer["messages"].as_array() {
            Some(messages) => replayed += messages.len(),
            None => break answer,
        }
    };
    assert_eq!((replayed, &subscribed["topics"]), (1_000, &json!(["a"])));
    assert_eq!(client.json()["ref"], 1);
    native.publish("a", "x");
    native.publish("b", "y");
    assert_eq!(client.json()["data"], "x");
    assert_eq!(client.json()["data"], "y");
}
