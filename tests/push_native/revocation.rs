//! Tokens that end or change while they are in use.

use super::tokens::{alice, entry, guarded};
use super::{Native, bearer, parsed};
use serde_json::json;
use wirebell::push::{Answer, Publication};

/// A change of the tokens, and the milliseconds after which all must be gone.
#[track_caller]
fn all_end(native: &Native, change: impl FnOnce()) {
    let token = bearer("secret");
    let mut raw = native.raw("/topics/news?token=secret");
    let mut client = native.envelopes_with("/topics/news", &token);
    client.json();
    let event = format!("Accept: text/event-stream\r\n{token}");
    let mut events = native.stream("/topics/news", &event);
    events.event();
    let mut lines = native.stream("/topics/news?format=ndjson", &token);
    lines.json();
    let mut poll = native.connect();
    poll.send(format!(
        "GET /topics/news?poll=60s HTTP/1.1\r\nHost: localhost\r\n{token}\r\n"
    ));
    let presence = || {
        native
            .shared
            .broker()
            .presence(&"news".parse().expect("a name"))
    };
    assert_eq!(presence().connections, 5);
    change();
    native.advance(1_000);
    assert_eq!(presence().connections, 0);
    assert_eq!(raw.expect_close(4001), "token revoked");
    assert_eq!(client.expect_close(4001), "token revoked");
    events.expect_end();
    lines.expect_end();
    let answer = poll.response();
    assert_eq!(
        (answer.status, &parsed(&answer.body)["error"]),
        (401, &json!("unauthorized"))
    );
    assert_eq!(native.post("/topics/orders.a", &token, "").status, 401);
}

#[test]
// req: push-auth-07
fn a_removed_token_is_gone_within_a_second() {
    let (native, tokens) = guarded(&alice());
    native.advance(333);
    all_end(&native, || tokens.replace("").expect("tokens"));
}

#[test]
fn a_token_of_another_name_is_gone() {
    let (native, tokens) = guarded(&alice());
    let renamed = alice().replace("alice", "bob");
    let token = bearer("secret");
    let mut client = native.envelopes_with("/topics/news", &token);
    client.json();
    tokens.replace(&renamed).expect("tokens");
    native.advance(1_000);
    client.expect_close(4001);
    assert_eq!(native.post("/topics/orders.a", &token, "").status, 202);
}

#[test]
// req: push-auth-08
fn an_expired_token_is_gone_within_a_second() {
    let (native, _) =
        guarded(&alice().replace("publish", "expires = 2026-11-27T23:30:10Z\npublish"));
    native.advance(3_000);
    all_end(&native, || native.advance(7_000));
}

#[test]
// req: push-auth-09
fn a_narrowed_token_keeps_what_it_still_allows() {
    let (native, tokens) = guarded(&alice());
    let token = bearer("secret");
    let mut client = native.envelopes_with("/topics/news,orders.*", &token);
    client.json();
    let mut lines = native.stream("/topics/news,orders.*?format=ndjson", &token);
    lines.json();
    let mut gone = native.stream("/topics/news?format=ndjson", &token);
    gone.json();
    let mut raw = native.raw("/topics/news?token=secret");
    let narrow = alice().replace(", 'news'", "");
    tokens.replace(&narrow).expect("tokens");
    native.advance(1_000);
    assert_eq!(
        client.json(),
        json!({"type": "unsubscribed", "topics": ["news"]})
    );
    gone.expect_end();
    raw.expect_close(4001);
    let news = Publication::new("news".parse().expect("a name"), "x".into());
    let published = native
        .shared
        .broker()
        .publish(vec![news], Answer::Mail { worker: 0, tag: 0 });
    assert!(published.is_ok());
    assert_eq!(native.post("/topics/orders.eu", &token, "y").status, 201);
    assert_eq!(client.json()["data"], "y");
    assert_eq!(lines.json()["data"], "y");
    // Without any subscription it stays, as it can subscribe again.
    let other = entry("alice", "secret", "subscribe = ['other']");
    tokens.replace(&other).expect("tokens");
    native.advance(1_000);
    assert_eq!(client.json()["type"], "unsubscribed");
    client.subscribed(r#"["other"]"#);
    lines.expect_end();
}

#[test]
// req: push-auth-06
fn an_unchanged_token_lives_on() {
    let (native, tokens) = guarded(&alice());
    let mut client = native.envelopes_with("/topics/news", &bearer("secret"));
    client.json();
    let rotated = alice() + &entry("alice", "next", "subscribe = ['**']");
    tokens.replace(&rotated).expect("tokens");
    native.advance(5_000);
    client.expect_nothing();
    assert_eq!(
        client.say(r#"{"type":"auth","token":"next"}"#)["name"],
        "alice"
    );
    tokens
        .replace(&entry("alice", "next", "subscribe = ['**']"))
        .expect("tokens");
    native.advance(5_000);
    client.subscribed(r#"["anything"]"#);
}
