//! A log that does not simply go on: another server keeps it, or it has lost something.

use super::{Native, parsed};
use serde_json::json;
use wirebell::push::{Break, Entry, Epoch};

const OTHER: &str = "other";

fn go_on(native: &Native, end: u64, begin: u64, lost: bool) {
    let at = Break {
        end,
        epoch: OTHER.parse().expect("an epoch"),
        begin,
        lost,
    };
    let broker = native.shared.broker();
    broker.committed(vec![(None, vec![Ok(Entry::Break(at))])]);
    native.advance(1);
}

fn epoch(native: &Native) -> Epoch {
    native.shared.broker().head().epoch
}

#[test]
// req: push-nodes-03
fn who_may_have_missed_something_is_to_resume_and_is_told() {
    let native = Native::start();
    let mut lines = native.lines("/topics/a");
    lines.json();
    let mut raw = native.raw("/topics/a");
    let mut client = native.envelopes("/topics/a");
    client.json();
    let mut idle = native.envelopes("/topics");
    let mut poll = native.connect();
    poll.send("GET /topics/b?poll=60s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    native.publish("a", "1");
    let last = lines.json()["id"].clone();
    assert_eq!((raw.text().as_str(), &client.json()["id"]), ("1", &last));
    go_on(&native, 1, 5, true);
    let reason = "messages were lost: resume";
    assert_eq!(client.expect_close(1012), reason);
    assert_eq!(raw.expect_close(1012), reason);
    lines.expect_end();
    let polled = parsed(&poll.response().body);
    assert_eq!(
        (&polled["messages"], &polled["recovered"]),
        (&json!([]), &json!(true))
    );
    // It had subscribed to nothing.
    let answer = idle.say(r#"{"type":"subscribe","topics":["a"]}"#);
    assert_eq!(
        (&answer["type"], &answer["position"]),
        (&json!("subscribed"), &json!("other-5"))
    );
    let last = last.as_str().expect("a position");
    let resumed = native.poll(&format!("/topics/a?poll=0&since={last}"));
    let gaps = json!([{"topic": "a", "after": last, "next": null}]);
    assert_eq!(
        (&resumed["gaps"], &resumed["recovered"]),
        (&gaps, &json!(false))
    );
}

#[test]
// req: push-nodes-02
fn another_epoch_without_a_loss_is_not_noticed() {
    let native = Native::start();
    let mut client = native.envelopes("/topics/a");
    client.json();
    let mut poll = native.connect();
    poll.send("GET /topics/a?poll=60s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    native.publish("b", "1");
    let before = epoch(&native).at(1);
    go_on(&native, 1, 1, false);
    native.publish("a", "2");
    assert_eq!(client.json()["id"], "other-2");
    let polled = parsed(&poll.response().body);
    assert_eq!(polled["position"], "other-2");
    let resumed = native.poll(&format!("/topics/**?poll=0&since={before}"));
    assert_eq!(
        (&resumed["recovered"], &resumed["gaps"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(resumed["messages"][0]["id"], "other-2");
}
