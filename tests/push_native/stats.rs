//! `$stats`: reports of the server.

use super::tokens::{alice, entry, guarded};
use super::{BEGIN_TEXT, Native, bearer, parsed};
use serde_json::{Value, json};

/// What a message of the topic reports.
#[track_caller]
fn report(message: &Value) -> Value {
    assert_eq!(
        (&message["topic"], &message["id"]),
        (&json!("$stats"), &json!(null))
    );
    parsed(message["data"].as_str().expect("a text"))
}

#[test]
// req: push-names-06 push-names-07 push-auth-20 push-bounds-04
fn each_second_has_a_report() {
    let native = Native::start();
    let mut stats = native.envelopes("/topics/$stats");
    stats.json();
    let mut all = native.envelopes("/topics/**,*");
    all.json();
    native.advance(1_000);
    let first = report(&stats.json());
    assert_eq!(
        (&first["uptime"], &first["topics"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(first["time"], BEGIN_TEXT.replace("00.000", "01.000"));
    native.publish_all("a", 1..=3);
    native.advance(1_000);
    let second = report(&stats.json());
    for (name, value) in [
        ("uptime", 2.0),
        ("connections", 2.0),
        ("subscribers", 2.0),
        ("published", 3.0),
        ("delivered", 3.0),
        ("topics_total", 1.0),
    ] {
        assert_eq!(second[name].as_f64(), Some(value), "{name}: {second}");
    }
    let topic = json!({
        "topic": "a", "published": 3.0, "subscribers": 1, "messages": 3, "bytes": 3
    });
    assert_eq!(second["topics"], json!([topic]));
    assert_eq!(
        second["dropped"],
        json!({"overflow": 0, "slow": 0, "memory": 0})
    );
    let memory = |name: &str| second["memory"][name].as_u64().expect("a number");
    assert!(
        (1..=memory("used")).contains(&memory("history")),
        "{second}"
    );
    assert!(memory("used") < memory("budget"), "{second}");
    stats.expect_nothing();
    for _ in 0..3 {
        assert_eq!(all.json()["topic"], "a");
    }
    all.expect_nothing();
    assert_eq!(native.post("/topics/$stats", "", "{}").status, 403);
}

#[test]
// req: push-auth-20
fn only_admins_see_reports() {
    let root = entry(
        "root",
        "rooted",
        "admin = true\npublish = ['**']\nsubscribe = ['**']",
    );
    let (native, _) = guarded(&(alice() + &root));
    let token = bearer("secret");
    assert_eq!(native.get("/topics/$stats?poll=0", &token).status, 403);
    let token = bearer("rooted");
    assert_eq!(native.post("/topics/$stats", &token, "{}").status, 403);
    let mut lines = native.stream("/topics/$stats?format=ndjson", &token);
    lines.json();
    native.advance(1_000);
    assert_eq!(report(&lines.json())["subscribers"], 1);
}
