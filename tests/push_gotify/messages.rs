//! Publishing, looking through what there was, deleting.

use super::{JSON, World, key, parsed, status};
use serde_json::{Value, json};
use std::sync::Arc;
use wirebell::push::{HubLimits, Limits, MemoryStore, Settings};

#[test]
// req: gotify-bodies-01 gotify-bodies-02 gotify-bodies-03 gotify-messages-03
fn a_message_comes_in_four_kinds_of_body() {
    let world = World::start();
    let token = &world.application;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let parts = "Content-Type: multipart/form-data; boundary=b\r\n";
    let body = "--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nm\r\n--b--\r\n";
    for (target, fields, body) in [
        (
            "/message",
            JSON,
            r#"{"message":"m","id":"x","appid":9,"date":"never","new":1}"#,
        ),
        ("/message", parts, body),
        ("//message", form, "message=m"),
        ("/message?message=m", "", ""),
    ] {
        let answer = world.ask("POST", target, &format!("{fields}{}", key(token)), body);
        assert_eq!(status(&answer), 200, "{answer:?}");
        let said = parsed(&answer);
        let id = world.shared.broker().head().sequence;
        let expected = json!({
            "id": id, "appid": 1, "title": "backup", "message": "m", "priority": 0,
            "date": "2026-11-27T23:30:00.000Z",
        });
        assert_eq!(said, expected);
    }
    let bad = world.ask("POST", "/message", &format!("{JSON}{}", key(token)), "{}");
    assert_eq!(status(&bad), 400);
    assert_eq!(
        parsed(&bad)["errorDescription"],
        "Field 'message' is required"
    );
}

#[test]
// req: gotify-messages-01
fn null_is_absent_and_zero_is_a_priority() {
    let world = World::start();
    let fields = format!("{JSON}{}", key(&world.client));
    let body = r#"{"name":"backup","defaultPriority":4}"#;
    assert_eq!(
        world.ask("PUT", "/application/1", &fields, body).status,
        200
    );
    let fields = format!("{JSON}{}", key(&world.application));
    for (body, priority) in [
        (
            r#"{"message":"m","priority":null,"title":null,"extras":null}"#,
            4,
        ),
        (r#"{"message":"m","priority":0}"#, 0),
        (r#"{"Message":"m","PRIORITY":-1}"#, -1),
    ] {
        let said = parsed(&world.ask("POST", "/message", &fields, body));
        assert_eq!(said["priority"], priority, "{said}");
        assert_eq!(
            (&said["title"], said.get("extras")),
            (&json!("backup"), None)
        );
    }
}

#[test]
// req: gotify-messages-04 gotify-messages-05
fn pages_lead_back_to_the_first_message() {
    let world = World::start();
    assert_eq!(
        world.get("/message"),
        json!({
            "paging": {"size": 0, "since": 0, "limit": 100}, "messages": [],
        })
    );
    for n in 1..=5 {
        world.publish(&n.to_string());
    }
    let first = world.get("/message?limit=2&since=0");
    assert_eq!(
        first["paging"]["next"],
        "http://localhost/message?limit=2&since=4"
    );
    assert_eq!(world.ids("/message?limit=2&since=4"), [3, 2]);
    let last = world.get("/message?limit=2&since=2");
    assert_eq!(last["paging"], json!({"size": 1, "since": 0, "limit": 2}));
    assert_eq!(world.ids("/application/1/message?limit=3"), [5, 4, 3]);
    for bad in ["/message?limit=0", "/message?limit=201", "/message?since=x"] {
        assert_eq!(status(&world.ask("GET", bad, &key(&world.client), "")), 400);
    }
}

#[test]
// req: gotify-messages-06
fn what_was_deleted_is_gone_and_its_ids_do_not_return() {
    let world = World::start();
    let admin = key(&world.client);
    let other = world.token("/application?name=other", &admin);
    for n in 1..=3 {
        world.publish(&n.to_string());
    }
    assert_eq!(
        world
            .ask("POST", "/message?message=o", &key(&other), "")
            .status,
        200
    );
    world.delete("/message/2");
    assert_eq!(world.ids("/message"), [4, 3, 1]);
    let again = world.ask("DELETE", "/message/2", &admin, "");
    assert_eq!(status(&again), 404);
    world.delete("/application/1/message");
    assert_eq!(world.ids("/message"), [4]);
    world.delete("/message");
    assert_eq!(world.ids("/message"), [0_u64; 0]);
    assert_eq!(world.publish("again"), 5);
    assert_eq!(world.shared.broker().topics(), 1);
    world.delete("/application/1");
    assert_eq!(
        (world.ids("/message"), world.shared.broker().topics()),
        (vec![], 0)
    );
    assert_eq!(world.shared.broker().history_bytes(), 0);
}

#[test]
// req: gotify-bodies-05
fn long_and_many_messages_pass() {
    let world = World::start();
    let mut client = world.turns.connect();
    let fields = format!("{JSON}{}", key(&world.application));
    for n in 0..300 {
        let body = format!(r#"{{"message":"{n}"}}"#);
        let answer = super::ask(&mut client, "POST", "/message", &fields, body);
        assert_eq!(status(&answer), 200);
    }
    let long = "x".repeat(131_000);
    let id = world.publish(&long);
    let page: Value = world.get("/message?limit=1");
    assert_eq!(
        (&page["messages"][0]["id"], &page["messages"][0]["message"]),
        (&json!(id), &json!(long))
    );
    let longer = format!(r#"{{"message":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    assert_eq!(status(&world.ask("POST", "/message", &fields, longer)), 413);
    let fields = format!("Content-Encoding: gzip\r\n{fields}");
    assert_eq!(status(&world.ask("POST", "/message", &fields, "x")), 415);
}

#[test]
// req: gotify-messages-07
fn a_message_that_is_no_longer_kept_was_published_nevertheless() {
    let hub = HubLimits::default().history_bytes(10);
    let settings = Settings::default().limits(Limits::default().hub(hub));
    let store = Arc::new(MemoryStore::default());
    let world = World::with(super::options(), settings, store);
    let mut stream = world.stream();
    let id = world.publish("more than ten bytes");
    let said = stream.message();
    assert_eq!(said["id"], id);
    assert_eq!(said["message"], "more than ten bytes");
    assert_eq!(world.ids("/message"), [0; 0]);
}
