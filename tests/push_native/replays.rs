//! Where a subscriber begins, what it gets of the past, and what it learns of what is missing.

use super::{Native, keeping};
use serde_json::{Value, json};

/// The data of a replay.
fn data(answer: &Value) -> Vec<String> {
    let messages = answer["messages"].as_array().expect("a list");
    let data = messages.iter().map(|it| it["data"].as_str().expect("text"));
    data.map(str::to_owned).collect()
}

#[test]
// req: push-since-01 push-since-02 push-since-03 push-since-04
fn since_has_many_forms() {
    let native = Native::start();
    for n in 1..=3 {
        native.publish("a", &n.to_string());
        native.advance(60_000);
    }
    let all = ["1", "2", "3"];
    let rows = [
        ("new", 0),
        ("all", 3),
        ("0", 0),
        ("60", 1),
        ("59", 0),
        ("120s", 2),
        ("2m", 2),
        ("119999ms", 1),
        ("1h", 3),
        ("1d", 3),
        ("9999999d", 3),
        ("2026-11-27T23:30:00Z", 3),
        ("2026-11-27T23:30:00.001Z", 2),
        ("2026-11-28T00:32:00%2B01:00", 1),
        ("2026-11-28T00:32:00+01:00", 1),
        ("2030-01-01T00:00:00Z", 0),
        (&*native.id(0), 3),
        (&*native.id(2), 1),
        (&*native.id(3), 0),
    ];
    for (since, count) in rows {
        let answer = native.poll(&format!("/topics/a?poll=0&since={since}"));
        assert_eq!(data(&answer), all[3 - count..], "{since}");
        assert_eq!(
            (&answer["recovered"], &answer["gaps"]),
            (&json!(true), &json!([]))
        );
    }
    for since in [
        "",
        "x",
        "-5m",
        "5 m",
        "5y",
        "2026-11-27",
        "a-01",
        "A-1",
        "a-",
    ] {
        let answer = native.get(&format!("/topics/a?poll=0&since={since}"), "");
        assert_eq!(answer.status, 400, "{since} {answer:?}");
    }
}

#[test]
// req: push-order-03 push-since-09
fn what_history_has_let_go_is_a_gap() {
    let native = Native::with(keeping(2));
    native.publish_all("a", 1..=2);
    native.publish_all("b", 3..=3);
    native.publish_all("a", 4..=6);
    let gap = |after: u64| json!({"topic": "a", "after": native.id(after), "next": native.id(5)});
    for (after, is_gap) in [(0, true), (1, true), (3, true), (4, false), (5, false)] {
        let answer = native.poll(&format!("/topics/a,b?poll=0&since={}", native.id(after)));
        let gaps = if is_gap { vec![gap(after)] } else { vec![] };
        assert_eq!(answer["gaps"], json!(gaps), "{after}");
        assert_eq!(answer["recovered"], !is_gap);
        let kept: Vec<_> = [3, 5, 6].into_iter().filter(|it| *it > after).collect();
        let kept: Vec<_> = kept.iter().map(u64::to_string).collect();
        assert_eq!(data(&answer), kept, "{after}");
    }
    // Of another topic nothing is missing.
    let answer = native.poll(&format!("/topics/b?poll=0&since={}", native.id(0)));
    assert_eq!(
        (data(&answer), &answer["recovered"]),
        (vec!["3".into()], &json!(true))
    );
}

#[test]
// req: push-since-09 push-bounds-02
fn what_is_too_old_is_a_gap() {
    let native = Native::start();
    native.publish("a", "1");
    native.advance(12 * 3_600_000);
    native.publish("b", "2");
    let answer = native.poll(&format!("/topics/a?poll=0&since={}", native.id(0)));
    assert_eq!(answer["recovered"], false, "{answer}");
    assert_eq!(answer["gaps"].as_array().map(Vec::len), Some(1));
    let answer = native.poll(&format!("/topics/a?poll=0&since={}", native.id(1)));
    assert_eq!(answer["recovered"], true, "{answer}");
}

#[test]
// req: push-ndjson-03 push-since-07 push-since-08 push-since-10 push-v1-04
fn a_position_of_another_log_is_a_gap_of_each_pattern() {
    let native = Native::start();
    native.publish_all("a", 1..=2);
    for position in ["other-1".to_owned(), native.id(3)] {
        let gap = |topic: &str| json!({"topic": topic, "after": position, "next": null});
        let gaps = json!([gap("*.x"), gap("a")]);
        let answer = native.poll(&format!("/topics/a,*.x?poll=5s&since={position}"));
        assert_eq!(
            (data(&answer), &answer["gaps"]),
            (vec!["1".into(), "2".into()], &gaps)
        );
        assert_eq!(
            (&answer["recovered"], &answer["position"]),
            (&json!(false), &json!(native.id(2)))
        );
        let mut client = native.envelopes(&format!("/topics/a,*.x?since={position}"));
        let replay = client.json();
        assert_eq!(
            (data(&replay), &replay["gaps"]),
            (vec!["1".into(), "2".into()], &gaps)
        );
        assert_eq!(client.json()["recovered"], false);
        let mut lines = native.lines(&format!("/topics/a,*.x?since={position}"));
        assert_eq!(lines.json()["recovered"], false);
        for topic in ["*.x", "a"] {
            let mut gap = gap(topic);
            gap["type"] = json!("gap");
            assert_eq!(lines.json(), gap);
        }
        assert_eq!(lines.json()["data"], "1");
    }
}

/// A replay longer than a page, on each transport; what is published meanwhile comes after it.
#[test]
// req: push-since-06
fn replays_longer_than_a_page_are_complete_and_in_order() {
    let native = Native::with(keeping(3_000));
    for _ in 0..10 {
        native.publish_all("a", 1..=50);
        native.publish_all("b", 1..=60);
    }
    let mut lines = native.lines("/topics/*?since=all");
    let mut events = native.events("/topics/*?since=all&format=raw");
    let mut client = native.envelopes("/topics/*?since=all");
    let mut raw = native.raw("/topics/*?since=all");
    native.publish("a", "last");
    lines.json();
    events.event();
    let mut seen = 0;
    while seen < 1_101 {
        seen += 1;
        let id = native.id(seen);
        assert_eq!(lines.json()["id"], id);
        assert!(events.event().starts_with(&format!("id: {id}\n")));
        raw.text();
    }
    let mut seen = 0;
    let mut pages = 0;
    let subscribed = loop {
        let answer = client.json();
        let Some(messages) = answer["messages"].as_array() else {
            break answer;
        };
        pages += 1;
        assert!(messages.len() <= 250);
        for message in messages {
            seen += 1;
            assert_eq!(message["id"], native.id(seen));
        }
    };
    assert!(pages >= 5, "{pages} pages");
    assert_eq!(subscribed["position"], native.id(seen));
    if seen == 1_100 {
        assert_eq!(client.json()["id"], native.id(1_101));
    }
    native.publish("b", "live");
    assert_eq!(lines.json()["data"], "live");
    assert!(events.event().ends_with("data: live"));
    assert_eq!(client.json()["data"], "live");
    raw.expect_text("live");
}
