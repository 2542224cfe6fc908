//! Input that is meant to hurt: a clear error, and nobody else is harmed.

use super::{Native, Socket, parsed};
use crate::net_support::{limits, options_with};
use serde_json::Value;

/// Nearly a mebibyte, so that it fits into a message.
const MANY: usize = 1_000_000;

/// A server, and a subscriber that must not be harmed.
fn start() -> (Native, Socket) {
    let native = Native::start();
    let mut other = native.envelopes("/topics/a");
    other.json();
    (native, other)
}

#[track_caller]
fn expect_unharmed(native: &Native, other: &mut Socket) {
    native.publish("a", "still here");
    loop {
        let message = other.json();
        if message["data"] == "still here" {
            return;
        }
    }
}

/// The answer, which is an error that is not long.
#[track_caller]
fn short_error(answer: &Value) {
    assert_eq!(answer["error"], "malformed", "{answer}");
    let message = answer["message"].as_str().expect("a text");
    assert!((1..400).contains(&message.len()), "{} bytes", message.len());
}

fn hostile() -> Vec<String> {
    let long = "x".repeat(MANY);
    let digits = "1".repeat(MANY);
    vec![
        "[".repeat(MANY),
        "{\"type\":".repeat(MANY / 8),
        format!("{{\"type\":{}", "[".repeat(MANY)),
        format!("{{\"type\":\"publish\",\"topic\":{}", "[".repeat(MANY)),
        digits.clone(),
        format!("{{\"type\":{digits}}}"),
        format!("{{\"type\":\"publish\",\"topic\":\"a\",\"data\":{digits}}}"),
        format!("{{\"type\":\"publish\",\"topic\":\"a\",\"data\":\"\",\"ttl\":{digits}}}"),
        format!("{{\"type\":\"publish\",\"topic\":\"a\",\"data\":\"\",\"ttl\":-{digits}}}"),
        format!("{{\"type\":\"publish\",\"topic\":\"a\",\"data\":\"\",\"ttl\":1e{digits}}}"),
        format!("{{\"type\":\"publish\",\"topic\":\"a\",\"data\":\"\",\"ttl\":\"{long}\"}}"),
        format!("{{\"type\":\"publish\",\"topic\":\"a\",\"data\":\"\",\"key\":\"{long}\"}}"),
        format!("{{\"type\":\"publish\",\"topic\":\"a\",\"data\":\"\",\"{long}\":1}}"),
        format!("{{\"type\":\"publish\",\"topic\":\"{long}\",\"data\":\"\"}}"),
        format!("{{\"type\":\"subscribe\",\"topics\":\"{long}\"}}"),
        format!("{{\"type\":\"subscribe\",\"topics\":[\"{long}\"]}}"),
        format!("{{\"type\":\"subscribe\",\"topics\":[\"a\"],\"since\":\"{long}\"}}"),
        format!("{{\"type\":\"{long}\"}}"),
        long,
    ]
}

#[test]
// req: push-v1-12
fn large_nonsense_is_a_short_error() {
    let (native, mut other) = start();
    let mut client = native.envelopes("/topics");
    for message in hostile() {
        let answer = client.say(&message);
        short_error(&answer);
    }
    client.expect_nothing();
    for message in hostile() {
        let answer = native.post(
            "/topics",
            "",
            message.replacen("\"type\":\"publish\",", "", 1),
        );
        assert_eq!(answer.status, 200);
        short_error(&parsed(&answer.body));
    }
    assert_eq!(native.shared.broker().head().sequence, 0);
    expect_unharmed(&native, &mut other);
}

#[test]
fn keys_that_are_there_twice_are_refused() {
    let (native, mut other) = start();
    let mut client = native.envelopes("/topics");
    for message in [
        r#"{"type":"publish","topic":"a","topic":"b","data":"x"}"#,
        r#"{"type":"publish","topic":"a","data":"x","data":"x"}"#,
        r#"{"type":"auth","type":"publish","topic":"a","data":"x"}"#,
        r#"{"ref":1,"ref":2,"type":"publish","topic":"a","data":"x"}"#,
    ] {
        short_error(&client.say(message));
    }
    let line = r#"{"topic":"a","data":"x","data":"y"}"#;
    short_error(&parsed(&native.post("/topics", "", line).body));
    expect_unharmed(&native, &mut other);
}

#[test]
fn lone_surrogates_are_replaced() {
    let (native, mut other) = start();
    let mut client = native.envelopes("/topics");
    let message = r#"{"type":"publish","topic":"a","data":"a\ud83d\ude00\ud83db"}"#;
    assert_eq!(client.say(message)["type"], "published");
    assert_eq!(other.json()["data"], "a\u{1F600}\u{FFFD}b");
    let line = r#"{"topic":"a","data":"\ude00"}"#;
    assert_eq!(native.post("/topics", "", line).status, 200);
    assert_eq!(other.json()["data"], "\u{FFFD}");
}

#[test]
// req: push-names-01
fn names_have_255_bytes() {
    let (native, mut other) = start();
    let mut client = native.envelopes("/topics");
    for (length, is_good) in [(255, true), (256, false)] {
        let name = "é".repeat(length / 2) + &"x".repeat(length % 2);
        assert_eq!(name.len(), length);
        for message in [
            format!(r#"{{"type":"subscribe","topics":["{name}"]}}"#),
            format!(r#"{{"type":"publish","topic":"{name}","data":""}}"#),
        ] {
            let answer = client.say(&message);
            assert_eq!(answer["type"] != "error", is_good, "{length} {answer}");
            if is_good && message.contains("publish") {
                client.json();
            }
        }
        let name = "x".repeat(length);
        let expected = if is_good { 200 } else { 400 };
        assert_eq!(
            native.get(&format!("/topics/{name}?poll=0"), "").status,
            expected
        );
    }
    expect_unharmed(&native, &mut other);
}

#[test]
// req: push-bounds-05
fn ten_thousand_topics_in_one_subscribe() {
    let (native, mut other) = start();
    let mut client = native.envelopes("/topics");
    for pattern in ["t{}", "t{}.*", "t.*.{}.**"] {
        let names: Vec<_> = (0..10_000)
            .map(|n| format!("\"{}\"", pattern.replace("{}", &n.to_string())))
            .collect();
        let message = format!(
            r#"{{"type":"subscribe","ref":7,"topics":[{}]}}"#,
            names.join(",")
        );
        let answer = client.say(&message);
        short_error(&answer);
        assert_eq!(answer["ref"], 7);
    }
    client.subscribed(r#"["a"]"#);
    expect_unharmed(&native, &mut other);
    expect_unharmed(&native, &mut client);
}

/// It would have to come back in each answer.
#[test]
// req: push-bounds-10
fn a_ref_has_a_number_of_bytes() {
    let options = options_with(limits().queued_bytes(64 * 1024));
    let native = Native::with_options(options, wirebell::push::Settings::default());
    let mut other = native.envelopes("/topics/a");
    other.json();
    let mut client = native.envelopes("/topics");
    let reference = "[".repeat(MANY / 2) + &"]".repeat(MANY / 2);
    let presence =
        |reference: &str| format!(r#"{{"ref":{reference},"type":"presence","topic":"a"}}"#);
    short_error(&client.say(&presence(&reference)));
    short_error(&client.say(&presence(&"1".repeat(1_025))));
    client.send_text(&presence(&"1".repeat(1_024)));
    assert!(client.text().contains(&"1".repeat(1_024)));
    client.expect_nothing();
    expect_unharmed(&native, &mut other);
}
