//! Readers that are too slow: they are ended, others are not harmed, and a resume loses nothing.

use super::{Body, Native, Socket, keeping};
use crate::net_support::{limits, options_with};
use wirebell::net::Overflow;
use wirebell::push::{Bounds, HistoryRules, Settings};

/// Bytes of each message.
const BYTES: usize = 2_000;

/// Messages: far more than what fits into a queue and a socket.
const COUNT: usize = 200;

/// A server of short queues, of whose messages all are kept.
fn narrow() -> Native {
    let options = options_with(limits().queued_bytes(20_000));
    Native::with_options(options, keeping(1_000))
}

/// Publishes numbered messages while `reads` reads them.
fn publish(native: &Native, mut reads: impl FnMut(usize)) {
    for n in 1..=COUNT {
        native.publish("a", &format!("{n} {}", "x".repeat(BYTES)));
        reads(n);
    }
}

/// The number of a message.
fn number(text: &str) -> usize {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

/// A subscriber that reads, and sees all.
fn quick(native: &Native) -> Socket {
    let mut quick = native.envelopes("/topics/a");
    quick.json();
    quick
}

fn expect(quick: &mut Socket, n: usize) {
    assert_eq!(number(quick.json()["data"].as_str().expect("text")), n);
}

/// What comes before the end of a body that was cut, with the sizes of its chunks.
fn rest(body: &mut Body) -> String {
    String::from_utf8_lossy(&body.client.rest()).into_owned()
}

#[test]
// req: push-order-09 push-v1-18
fn a_slow_websocket_is_closed_and_resumes() {
    let native = narrow();
    let mut quick = quick(&native);
    let mut slow = native.envelopes("/topics/a");
    let mut position = slow.json()["position"].clone();
    publish(&native, |n| expect(&mut quick, n));
    let mut last = 0;
    loop {
        let frame = slow.frame();
        if frame.first == 0x88 {
            assert_eq!(frame.payload[..2], 1013_u16.to_be_bytes());
            break;
        }
        let text = String::from_utf8(frame.payload).expect("UTF-8");
        let message = super::parsed(&text);
        last += 1;
        assert_eq!(number(message["data"].as_str().expect("text")), last);
        position = message["id"].clone();
    }
    assert!(last < COUNT, "it was too slow");
    let position = position.as_str().expect("a position");
    let mut slow = native.envelopes(&format!("/topics/a?since={position}"));
    loop {
        let answer = slow.json();
        let Some(messages) = answer["messages"].as_array() else {
            assert_eq!(answer["recovered"], true);
            break;
        };
        for message in messages {
            last += 1;
            assert_eq!(number(message["data"].as_str().expect("text")), last);
        }
    }
    assert_eq!(last, COUNT);
}

#[test]
fn a_slow_stream_ends_and_resumes() {
    for accept in ["text/event-stream", "application/x-ndjson"] {
        let native = narrow();
        let mut quick = quick(&native);
        let field = format!("Accept: {accept}\r\n");
        let mut slow = native.stream("/topics/a", &field);
        publish(&native, |n| expect(&mut quick, n));
        native.advance(60_000);
        let text = rest(&mut slow);
        let ids = |text: &str| {
            let epoch = native.id(0).trim_end_matches('0').to_owned();
            let ids = text.split(&epoch).skip(1);
            let ids = ids.map(|it| it.chars().take_while(char::is_ascii_digit).collect());
            ids.map(|it: String| it.parse().expect("a number"))
                .collect::<Vec<u64>>()
        };
        let seen = ids(&text);
        let last = *seen.last().expect("it says where it begins");
        assert!(seen.iter().copied().eq(0..=last), "{seen:?}");
        assert!(last < COUNT as u64, "it was too slow: {last}");
        // An event that was cut is not one.
        let whole = text.ends_with("\n\r\n");
        let from = native.id(if whole { last } else { last - 1 });
        let mut again = native.stream(&format!("/topics/a?since={from}"), &field);
        let first = if whole { last + 1 } else { last };
        match accept {
            "text/event-stream" => {
                again.event();
                for n in first..=COUNT as u64 {
                    let id = format!("id: {}\n", native.id(n));
                    assert!(again.event().starts_with(&id), "{n}");
                }
            }
            _ => {
                assert_eq!(again.json()["recovered"], true);
                for n in first..=COUNT as u64 {
                    assert_eq!(again.json()["id"], native.id(n));
                }
            }
        }
    }
}

#[test]
// req: push-bounds-11
fn a_replay_does_not_outrun_its_reader() {
    let native = narrow();
    publish(&native, |_| {});
    let mut lines = native.lines("/topics/a?since=all");
    let mut client = native.envelopes("/topics/a?since=all");
    native.advance(1_000);
    assert_eq!(lines.json()["recovered"], true);
    for n in 1..=COUNT as u64 {
        assert_eq!(lines.json()["id"], native.id(n));
    }
    let mut seen = 0;
    while let Some(messages) = client.json()["messages"].as_array() {
        seen += messages.len();
    }
    assert_eq!(seen, COUNT);
}

/// A message that alone is as long as what may wait, and texts that JSON makes much longer.
#[test]
fn a_replay_of_large_messages_comes_to_its_end() {
    let native = Native::start();
    let texts = [
        "x".repeat(1 << 20),
        "\u{1}".repeat(250_000),
        "\u{1}".repeat(100_000),
    ];
    for (topic, text) in ["a", "b", "c"].into_iter().zip(&texts) {
        native.publish(topic, text);
    }
    let mut client = native.envelopes("/topics/*?since=all");
    let mut seen = 0;
    while let Some(messages) = client.json()["messages"].as_array() {
        seen += messages.len();
    }
    assert_eq!(seen, texts.len());
}

#[test]
// req: push-bounds-03
fn a_topic_may_keep_the_latest_alone() {
    for (overflow, all) in [(Overflow::KeepLatest, 1), (Overflow::DropOldest, 2)] {
        let bounds = Bounds::default().overflow(overflow);
        let rules = vec![("a".parse().expect("a pattern"), bounds)];
        let rules = HistoryRules::new(rules, Bounds::default());
        let options = options_with(limits().queued_bytes(20_000));
        let native = Native::with_options(options, Settings::default().history(rules));
        let mut quick = quick(&native);
        let mut slow = native.envelopes("/topics/a");
        slow.json();
        publish(&native, |n| expect(&mut quick, n));
        let mut seen = vec![0];
        while seen.last() != Some(&COUNT) {
            let n = number(slow.json()["data"].as_str().expect("text"));
            assert!(Some(&n) > seen.last(), "{n} after {seen:?}");
            seen.push(n);
        }
        assert!(seen.len() < COUNT, "it was too slow");
        // What waited when the last one came.
        let last: Vec<_> = (1..=COUNT).rev().take(all).collect();
        assert!(seen.iter().rev().take(all).eq(&last), "{seen:?}");
        assert_eq!(seen.contains(&(COUNT - 1)), all == 2, "{overflow:?}");
        native.publish("a", "201");
        assert_eq!(slow.json()["data"], "201");
    }
}
