//! Who may come in, and do what.

use super::{BEGIN, Native, Socket, ask, bearer, keeping, parsed};
use crate::net_support::client::{HttpResponse, upgrade};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use wirebell::push::{Auth, Digest, JwtKey, PushKey, Settings, Tokens};

/// An entry of a token file.
pub fn entry(name: &str, token: &str, more: &str) -> String {
    let digest = Digest::of(token.as_bytes());
    format!("[[token]]\nname = '{name}'\nsha256 = '{digest}'\n{more}\n")
}

const RIGHTS: &str = "publish = ['orders.**']\nsubscribe = ['orders.**', 'news']";

pub fn alice() -> String {
    entry("alice", "secret", RIGHTS)
}

pub fn guarded(text: &str) -> (Native, Tokens) {
    let tokens = Tokens::parse(text).expect("tokens");
    let auth = Auth::default().tokens(tokens.clone());
    (Native::with(Settings::default().auth(Some(auth))), tokens)
}

#[test]
// req: push-errors-04
fn without_a_token_nothing_is_done() {
    let (native, _) = guarded(&alice());
    for (method, target) in [
        ("POST", "/topics/orders.eu"),
        ("POST", "/topics"),
        ("GET", "/topics/orders.eu?poll=0"),
        ("GET", "/topics/orders.eu?format=raw"),
        ("GET", "/topics/orders.eu?format=ndjson"),
        ("GET", "/topics/news?format=ndjson&token=wrong"),
    ] {
        for fields in ["", &bearer("wrong")] {
            let answer = ask(&mut native.connect(), method, target, fields, "");
            assert_eq!(answer.status, 401, "{target} {fields}");
            assert_eq!(answer.field("www-authenticate"), Some("Bearer"));
            assert_eq!(parsed(&answer.body)["error"], "unauthorized");
        }
    }
    assert_eq!(native.handshake("/topics/news", "").status, 401);
    assert_eq!(
        native.handshake("/topics", "").status,
        401,
        "no subprotocol"
    );
}

/// Its tokens are only names, so it would be open to all.
#[test]
fn the_wserver_dialect_is_closed_unless_it_has_secrets_of_its_own() {
    let push = r#"{"userId":"a","event":"e","message":"m"}"#;
    let (native, _) = guarded(&alice());
    for fields in ["", &bearer("secret")] {
        let answer = ask(&mut native.connect(), "POST", "/push", fields, push);
        assert_eq!(answer.status, 403);
    }
    assert_eq!(native.handshake("/ws", "").status, 403);
    let settings = Settings::default().auth(Some(Auth::default()));
    let native = Native::with(settings.push_key(PushKey::new("key")));
    let answer = ask(&mut native.connect(), "POST", "/push", &bearer("key"), push);
    assert_eq!(answer.status, 200);
}

#[test]
// req: push-errors-05 push-raw-03 push-auth-15 push-auth-17
fn a_token_allows_what_its_patterns_allow() {
    let (native, _) = guarded(&alice());
    let token = bearer("secret");
    assert_eq!(native.post("/topics/orders.eu", &token, "x").status, 202);
    assert_eq!(
        native
            .get("/topics/orders.*,news?poll=0&token=secret", "")
            .status,
        200
    );
    assert_eq!(native.post("/topics/news", &token, "x").status, 403);
    for topics in ["orders", "**", "*.eu", "orders.**,other", "new*"] {
        let answer = native.get(&format!("/topics/{topics}?poll=0"), &token);
        let expected = if topics == "new*" { 400 } else { 403 };
        assert_eq!(answer.status, expected, "{topics}");
    }
    let lines = "{\"topic\":\"news\",\"data\":\"\"}\n{\"topic\":\"orders.a\",\"data\":\"\"}\n";
    let answer = native.post("/topics", &token, lines);
    let answers: Vec<_> = answer.body.lines().map(parsed).collect();
    assert_eq!(answers[0]["error"], "forbidden");
    assert_eq!(answers[1]["id"], native.id(2));
    // It listens, but may not publish.
    let mut raw = native.raw("/topics/news?token=secret");
    raw.send_text("x");
    raw.expect_close(1008);
}

#[test]
// req: push-publish-10
fn keys_are_those_of_the_token() {
    let bob = entry("bob", "other", RIGHTS);
    let (native, _) = guarded(&(alice() + &bob));
    let publish = |token: &str, text: &str| {
        let fields = format!("{}Idempotency-Key: k\r\n", bearer(token));
        native.post("/topics/orders.a", &fields, text)
    };
    let first = publish("secret", "x");
    assert_eq!(publish("other", "y").field("idempotency-replayed"), None);
    assert_eq!(publish("secret", "x").body, first.body);
    let mut client = native.envelopes_with("/topics", &bearer("secret"));
    let say = r#"{"type":"publish","topic":"orders.a","data":"x","key":"k"}"#;
    assert_eq!(client.say(say)["id"], parsed(&first.body)["id"]);
}

/// A connection that has not said who it is.
fn unknown(native: &Native) -> Socket {
    let mut client = native.envelopes("/topics");
    let (error, _) = client.wrong(r#"{"type":"subscribe","topics":["news"]}"#);
    assert_eq!(error, "unauthorized");
    client
}

#[test]
// req: push-v1-09 push-v1-10 push-v1-11
fn a_message_may_bring_the_token() {
    let (native, _) = guarded(&(alice() + &entry("bob", "bobs", RIGHTS)));
    let mut client = unknown(&native);
    let (error, _) = client.wrong(r#"{"type":"auth","ref":1,"token":"wrong"}"#);
    assert_eq!(error, "unauthorized");
    let answer = client.say(r#"{"type":"auth","ref":2,"token":"secret"}"#);
    assert_eq!(
        answer,
        json!({"type": "authenticated", "ref": 2, "name": "alice"})
    );
    client.subscribed(r#"["orders.*"]"#);
    let (error, _) = client.wrong(r#"{"type":"subscribe","topics":["orders.*","other"]}"#);
    assert_eq!(error, "forbidden");
    let (error, _) = client.wrong(r#"{"type":"presence","topic":"other"}"#);
    assert_eq!(error, "forbidden");
    let (error, _) = client.wrong(r#"{"type":"publish","topic":"news","data":""}"#);
    assert_eq!(error, "forbidden");
    let (error, _) = client.wrong(r#"{"type":"auth","token":"bobs"}"#);
    assert_eq!(error, "forbidden", "another name");
    let answer = client.say(r#"{"type":"presence","topic":"orders.eu"}"#);
    assert_eq!(answer["names"], json!({"alice": 1}));
    native.advance(20_000);
    assert_eq!(
        client.say(r#"{"type":"auth","token":"secret"}"#)["name"],
        "alice"
    );
}

#[test]
// req: push-auth-16
fn a_connection_waits_ten_seconds_for_its_token() {
    let (native, _) = guarded(&alice());
    let mut client = unknown(&native);
    native.advance(9_999);
    client.expect_nothing();
    native.advance(1);
    assert_eq!(client.expect_close(1008), "no token came");
}

#[test]
// req: push-auth-19
fn wrong_tokens_end_the_connection() {
    let (native, _) = guarded(&alice());
    let mut client = unknown(&native);
    let mut wrong = 0;
    loop {
        client.send_text(r#"{"type":"auth","token":"wrong"}"#);
        let frame = client.frame();
        if frame.first == 0x88 {
            assert_eq!(frame.payload[..2], 1008_u16.to_be_bytes());
            break;
        }
        wrong += 1;
        assert!(wrong < 100, "it may guess for ever");
    }
}

#[test]
// req: push-auth-21
fn a_wrong_token_is_answered_after_a_second() {
    let (native, _) = guarded(&alice());
    let mut client = native.connect();
    let wrong = bearer("wrong");
    for _ in 1..=2 {
        let (answer, after) = timed(&native, &mut client, &wrong, b"short");
        assert_eq!((answer.status, answer.connection().len()), (401, 0));
        assert!(is_second(after), "{after}");
    }
    let began = native.now();
    assert_eq!(native.get("/topics/news?poll=0", &wrong).status, 401);
    assert!(is_second(native.now() - began));
    // A body that is long, or may be, is not read: the connection ends. It is the fourth guess.
    let (answer, after) = timed(&native, &mut client, &wrong, &[b'x'; 2_000]);
    assert_eq!((answer.status, after), (401, 0));
    assert_eq!(answer.connection(), ["close"]);
    // The fifth one ends its connection.
    let mut client = native.connect();
    let (answer, after) = timed(&native, &mut client, &wrong, b"short");
    assert_eq!((answer.status, is_second(after)), (401, true));
    assert_eq!(answer.connection(), ["close"]);
    // A request without one is no guess, and the right one is never slow.
    let mut client = native.connect();
    let (answer, after) = timed(&native, &mut client, "", b"short");
    assert_eq!((answer.status, after), (401, 0));
    let (answer, after) = timed(&native, &mut client, &bearer("secret"), b"short");
    assert_eq!((answer.status, after), (202, 0));
}

/// A publication, its answer, and the milliseconds between them.
#[track_caller]
fn timed(native: &Native, client: &mut Socket, fields: &str, body: &[u8]) -> (HttpResponse, u64) {
    let began = native.now();
    let answer = ask(client, "POST", "/topics/orders.a", fields, body);
    (answer, native.now() - began)
}

/// Timers are coarse, and never early.
fn is_second(ms: u64) -> bool {
    (1_000..1_100).contains(&ms)
}

#[test]
// req: push-auth-21
fn a_client_that_leaves_before_the_answer_is_forgotten() {
    let (native, _) = guarded(&alice());
    let mut client = native.connect();
    let wrong = bearer("wrong");
    client.send(format!(
        "GET /topics/news?poll=0 HTTP/1.1\r\nHost: a\r\n{wrong}\r\n"
    ));
    drop(client);
    native.advance(500);
    assert_eq!(
        native.get("/topics/news?poll=0&token=secret", "").status,
        200
    );
    native.advance(1_000);
    assert_eq!(
        native.get("/topics/news?poll=0&token=secret", "").status,
        200
    );
}

#[test]
// req: push-auth-16 push-auth-21
fn a_wrong_token_in_a_message_holds_up_its_connection_and_no_deadline() {
    let (native, _) = guarded(&alice());
    let mut client = native.envelopes("/topics");
    native.advance(8_500);
    let wrong = r#"{"type":"auth","ref":1,"token":"wrong"}"#;
    client.send_text(wrong);
    client.send_text(r#"{"type":"auth","ref":2,"token":"secret"}"#);
    assert_eq!(client.json()["error"], "unauthorized");
    assert!(is_second(native.now() - 8_500));
    assert_eq!(client.json()["ref"], 2);
    // Later, too, and what is subscribed to goes on.
    client.subscribed(r#"["news","orders.a"]"#);
    native.advance(20_000);
    client.send_text(wrong);
    native.post("/topics/orders.a", &bearer("secret"), "x");
    assert_eq!(client.json()["data"], "x");
    assert_eq!(client.json()["error"], "unauthorized");
    native.advance(20_000);
    client.say(r#"{"type":"presence","topic":"news"}"#);
    // Without a right one, the ten seconds are those since the beginning.
    let mut other = native.envelopes("/topics");
    let began = native.now();
    native.advance(8_500);
    other.wrong(wrong);
    assert_eq!(other.expect_close(1008), "no token came");
    let after = native.now() - began;
    assert!((10_000..10_100).contains(&after), "{after}");
}

#[test]
// req: push-since-06 push-auth-21
fn a_wrong_token_during_a_replay_loses_nothing_of_it() {
    let settings = keeping(2_000).auth(Some(
        Auth::default().tokens(Tokens::parse(&alice()).expect("tokens")),
    ));
    let native = Native::with(settings);
    let lines = (1..=1_000).map(|n| format!("{{\"topic\":\"orders.a\",\"data\":\"{n}\"}}\n"));
    let lines = lines.collect::<String>();
    assert_eq!(native.post("/topics", &bearer("secret"), lines).status, 200);
    let wrong = r#"{"type":"auth","ref":1,"token":"wrong"}"#;
    for by_url in [false, true] {
        let target = if by_url {
            "/topics/orders.a?since=all"
        } else {
            "/topics"
        };
        let mut client = native.envelopes_with(target, &bearer("secret"));
        if !by_url {
            client.send_text(r#"{"type":"subscribe","topics":["orders.a"],"since":"all"}"#);
        }
        client.send_text(wrong);
        let mut seen = 0;
        let mut told = 0;
        loop {
            let answer = client.json();
            if answer["type"] == "subscribed" {
                break;
            }
            if answer["type"] == "error" {
                told += 1;
                continue;
            }
            client.send_text(wrong);
            for message in answer["messages"].as_array().expect("a replay") {
                seen += 1;
                assert_eq!(message["id"], native.id(seen));
            }
        }
        assert_eq!((seen, told), (1_000, 0));
        assert_eq!(client.json()["error"], "unauthorized");
    }
}

/// A JWT of these claims.
fn jwt(claims: &serde_json::Value) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let header = encode(br#"{"alg":"HS256"}"#);
    let signed = format!("{header}.{}", encode(claims.to_string().as_bytes()));
    let mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("a key");
    let mac = mac.chain_update(signed.as_bytes()).finalize();
    format!("{signed}.{}", encode(&mac.into_bytes()))
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[test]
// req: push-v1-11 push-auth-11 push-auth-13 push-auth-14
fn a_jwt_is_a_token_until_it_expires() {
    let key = JwtKey::new(KEY).expect("a key");
    let tokens = Tokens::parse("revoked = ['mallory']").expect("tokens");
    let auth = Auth::default().tokens(tokens.clone()).jwt_key(key);
    let native = Native::with(Settings::default().auth(Some(auth)));
    let seconds = BEGIN / 1000;
    let claims = |name: &str, from: u64, until: u64| {
        jwt(&json!({
            "sub": name, "nbf": seconds + from, "exp": seconds + until,
            "publish": "a", "subscribe": ["a", "b.*"],
        }))
    };
    let poll = |token: &str| native.get("/topics/b.*?poll=0", &bearer(token)).status;
    let good = claims("alice", 0, 20);
    assert_eq!(native.post("/topics/a", &bearer(&good), "x").status, 202);
    assert_eq!(native.post("/topics/b.c", &bearer(&good), "x").status, 403);
    assert_eq!(poll(&good), 200);
    assert_eq!(poll(&claims("mallory", 0, 60)), 401);
    assert_eq!(poll(&claims("alice", 30, 60)), 401);
    assert_eq!(poll(&good[..good.len() - 2]), 401);
    assert_eq!(poll(&jwt(&json!({"sub": "alice"}))), 401);
    let mut client = native.envelopes_with("/topics/a", &bearer(&good));
    client.json();
    let mut other = native.envelopes("/topics");
    let auth = format!(r#"{{"type":"auth","token":"{}"}}"#, claims("bob", 0, 20));
    assert_eq!(other.say(&auth)["name"], "bob");
    native.advance(15_000 - native.now());
    client.expect_nothing();
    // A fresh token in time.
    let auth = format!(r#"{{"type":"auth","token":"{}"}}"#, claims("bob", 0, 90));
    assert_eq!(other.say(&auth)["name"], "bob");
    native.advance(6_000);
    assert_eq!(client.expect_close(4001), "token revoked");
    assert_eq!(poll(&good), 401);
    other.expect_nothing();
    tokens.replace("revoked = ['bob']").expect("tokens");
    native.advance(1_000);
    other.expect_close(4001);
}

#[test]
// req: push-auth-15
fn a_token_given_twice_is_refused() {
    let (native, _) = guarded(&alice());
    let answer = native.get("/topics/news?poll=0&token=secret", &bearer("other"));
    assert_eq!(answer.status, 400, "{answer:?}");
    let mut client = native.connect();
    client.send(upgrade("/topics/news?token=secret&token=x", ""));
    assert_eq!(client.head().status, 400);
}
