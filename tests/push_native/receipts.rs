//! Receipts from Pongs: what a publisher is told of subscribers that know nothing of it.

use super::{Native, Socket, ask, parsed};
use crate::support::frames::{ping, pong};
use serde_json::{Value, json};
use std::time::Duration;

/// The counts of an answer.
fn counts(answer: &str) -> Value {
    let answer = parsed(answer);
    let names = ["matched", "written", "confirmed", "unsupported"];
    names.iter().map(|name| answer[name].clone()).collect()
}

/// A publisher that waits.
fn publish(native: &Native, target: &str) -> Socket {
    let mut publisher = native.connect();
    let head = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
    publisher.send(head);
    publisher
}

/// The payload of the next frame, which must be a Ping.
#[track_caller]
fn asked(client: &mut Socket) -> Vec<u8> {
    let frame = client.frame();
    assert_eq!(frame, ping(&frame.payload), "not a Ping");
    assert!(frame.payload.starts_with(b"w1:"), "{frame:?}");
    frame.payload
}

#[test]
// req: push-receipt-01 push-receipt-02
fn every_websocket_that_answers_has_confirmed() {
    let native = Native::start();
    let mut raw = native.raw("/topics/a");
    let mut envelopes = native.envelopes("/topics/a");
    envelopes.json();
    let mut publisher = publish(&native, "/topics/a?receipt=2s");
    raw.expect_text("x");
    let payload = asked(&mut raw);
    raw.send_frame(&pong(&payload));
    publisher.expect_silence(Duration::from_millis(100));
    envelopes.json();
    let payload = asked(&mut envelopes);
    envelopes.send_frame(&pong(&payload));
    let answer = publisher.response();
    assert_eq!(answer.status, 201);
    let expected = json!({
        "topic": "a", "id": native.id(1), "subscribers": 2,
        "matched": 2, "written": 2, "confirmed": 2, "unsupported": 0,
    });
    assert_eq!(parsed(&answer.body), expected);
    assert!(native.now() < 2_000, "it need not wait longer");
    // The connection goes on, and other publications are not asked about.
    let answer = ask(&mut publisher, "POST", "/topics/a", "", "y");
    assert_eq!(counts(&answer.body), json!([null, null, null, null]));
    raw.expect_text("y");
    raw.expect_silence(Duration::from_millis(100));
}

#[test]
// req: push-receipt-02
fn the_answer_comes_when_the_time_is_over() {
    let native = Native::start();
    let mut silent = native.raw("/topics/a");
    let mut publisher = publish(&native, "/topics/a?receipt=1500ms");
    publisher.expect_silence(Duration::from_millis(1_499));
    let answer = publisher.response();
    assert_eq!(answer.status, 201);
    assert_eq!(counts(&answer.body), json!([1, 1, 0, 0]));
    silent.expect_text("x");
    // A Pong that is late changes nothing, and the next publication is confirmed as usual.
    let payload = asked(&mut silent);
    silent.send_frame(&pong(&payload));
    let mut publisher = publish(&native, "/topics/a?receipt=2");
    loop {
        let frame = silent.frame();
        if frame == ping(&frame.payload) {
            silent.send_frame(&pong(&frame.payload));
            if frame.payload.ends_with(b":2") {
                break;
            }
        }
    }
    assert_eq!(counts(&publisher.response().body), json!([1, 1, 1, 0]));
}

#[test]
// req: push-receipt-03 push-receipt-04
fn one_ping_at_a_time_speaks_for_all_before_it() {
    let native = Native::start();
    let mut client = native.raw("/topics/a");
    let mut publishers: Vec<_> = (0..3)
        .map(|_| publish(&native, "/topics/a?receipt=30s"))
        .collect();
    client.expect_text("x");
    let first = asked(&mut client);
    client.expect_text("x");
    client.expect_text("x");
    client.expect_silence(Duration::from_millis(100));
    client.send_frame(&pong(&first));
    assert_eq!(counts(&publishers[0].response().body), json!([1, 1, 1, 0]));
    let newest = asked(&mut client);
    assert!(newest.ends_with(b":3"), "{newest:?}");
    publishers[1].expect_silence(Duration::from_millis(10));
    client.send_frame(&pong(&newest));
    for publisher in &mut publishers[1..] {
        assert_eq!(counts(&publisher.response().body), json!([1, 1, 1, 0]));
    }
}

#[test]
// req: push-receipt-05
fn a_ping_without_an_answer_is_repeated_after_a_second() {
    let native = Native::start();
    let mut client = native.raw("/topics/a");
    let mut publisher = publish(&native, "/topics/a?receipt=10s");
    client.expect_text("x");
    let first = asked(&mut client);
    client.expect_silence(Duration::from_millis(990));
    native.advance(600);
    assert_eq!(asked(&mut client), first);
    client.send_frame(&pong(&first));
    assert_eq!(counts(&publisher.response().body), json!([1, 1, 1, 0]));
    client.expect_silence(Duration::from_millis(3_000));
}

#[test]
// req: push-receipt-06
fn those_who_cannot_confirm_are_counted_apart() {
    let native = Native::start();
    let mut events = native.events("/topics/a");
    events.event();
    let mut poll = native.connect();
    poll.send("GET /topics/a?poll=25s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    poll.expect_silence(Duration::from_millis(10));
    let mut wrong = native.raw("/topics/a");
    let mut publisher = publish(&native, "/topics/a?receipt=20s");
    wrong.expect_text("x");
    asked(&mut wrong);
    // Neither a Pong that nothing asked for nor one before its time is an answer.
    wrong.send_frame(&pong(b""));
    publisher.expect_silence(Duration::from_millis(10));
    wrong.send_frame(&pong(b"something else"));
    assert_eq!(counts(&publisher.response().body), json!([3, 3, 0, 3]));
    assert!(native.now() < 2_000);
    // It is not asked again.
    let mut publisher = publish(&native, "/topics/a?receipt=20s");
    assert_eq!(counts(&publisher.response().body), json!([2, 2, 0, 2]));
    wrong.expect_text("x");
    wrong.expect_silence(Duration::from_millis(2_000));
}

#[test]
// req: push-receipt-02
fn who_leaves_is_not_waited_for() {
    let native = Native::start();
    let client = native.raw("/topics/a");
    let mut publisher = publish(&native, "/topics/a?receipt=20s");
    publisher.expect_silence(Duration::from_millis(100));
    drop(client);
    let answer = publisher.response();
    assert_eq!(counts(&answer.body), json!([1, 1, 0, 0]));
    assert!(native.now() < 2_000);
    // A publisher that leaves is forgotten.
    let mut client = native.raw("/topics/a");
    drop(publish(&native, "/topics/a?receipt=20s"));
    client.expect_text("x");
    let payload = asked(&mut client);
    client.send_frame(&pong(&payload));
    client.expect_silence(Duration::from_millis(2_000));
}

#[test]
// req: push-receipt-01 push-receipt-07
fn without_subscribers_and_for_repetitions_there_is_nothing_to_wait_for() {
    let native = Native::start();
    let answer = native.post("/topics/a?receipt=2s", "", "x");
    assert_eq!(
        (answer.status, counts(&answer.body)),
        (202, json!([0, 0, 0, 0]))
    );
    let mut client = native.raw("/topics/a");
    let key = "Idempotency-Key: k\r\n";
    native.post("/topics/a", key, "x");
    client.expect_text("x");
    let answer = native.post("/topics/a?receipt=2s", key, "x");
    assert_eq!(answer.field("idempotency-replayed"), Some("true"));
    assert_eq!(counts(&answer.body), json!([null, null, null, null]));
    for wait in ["", "0", "0s", "61s", "soon", "-1", "2s&receipt=2s"] {
        let answer = native.post(&format!("/topics/a?receipt={wait}"), "", "x");
        assert_eq!(answer.status, 400, "{wait}: {answer:?}");
        assert_eq!(parsed(&answer.body)["error"], "malformed");
    }
    client.expect_silence(Duration::from_millis(10));
}
