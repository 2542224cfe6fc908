//! The messages of gotify applications in the other dialects.

use super::{Socket, World, key, share, status};
use crate::net_support::client::upgrade;
use crate::net_support::options;
use serde_json::{Value, json};
use std::sync::Arc;
use wirebell::net::Worker;
use wirebell::push::{Auth, Digest, MemoryStore, PushService, Settings, Store, Tokens};

fn poll(world: &World, topics: &str, token: &str) -> (u16, Value) {
    let target = format!("/topics/{topics}?poll=0&since=all");
    let fields = match token {
        "" => String::new(),
        token => format!("Authorization: Bearer {token}\r\n"),
    };
    let answer = world.ask("GET", &target, &fields, "");
    (answer.status, super::parsed(&answer))
}

/// The messages of the user, for the client.
fn target(world: &World) -> String {
    format!("/topics/$gotify.1.*?token={}", world.client)
}

/// A WebSocket that reads them.
#[track_caller]
fn reading(world: &World, fields: &str) -> Socket {
    let mut client = world.turns.connect();
    client.send(upgrade(&target(world), fields));
    client.expect_switch();
    client
}

#[test]
// req: gotify-topics-01 gotify-topics-02
fn messages_are_for_their_user_also_on_an_open_server() {
    let world = World::start();
    world.publish("m");
    for (topics, token, expected) in [
        ("$gotify.1.1", "", 403),
        ("$gotify.**", "", 403),
        ("$gotify.1.*", world.application.as_str(), 403),
        ("$gotify.1.1", &world.client, 200),
        ("$gotify.1.*", &world.client, 200),
        ("$gotify.**", &world.client, 403),
        ("$gotify.2.*", &world.client, 403),
        ("a", "", 200),
        ("a", &world.client, 200),
    ] {
        assert_eq!(poll(&world, topics, token).0, expected, "{topics} {token}");
    }
    let (_, said) = poll(&world, "$gotify.1.*", &world.client);
    assert_eq!(said["messages"][0]["topic"], "$gotify.1.1");
    let payload: Value =
        serde_json::from_str(said["messages"][0]["data"].as_str().unwrap()).unwrap();
    assert_eq!(
        payload,
        json!({"title": "backup", "message": "m", "priority": 0})
    );
    world.delete("/message");
    let (_, said) = poll(&world, "$gotify.1.*", &world.client);
    assert_eq!((&said["messages"], &said["gaps"]), (&json!([]), &json!([])));
    let target = format!("/topics/$gotify.1.1?token={}", world.client);
    assert_eq!(world.ask("POST", &target, "", "x").status, 403);
}

#[test]
// req: gotify-topics-02
fn with_tokens_it_is_for_administrators_too() {
    let entry = |name: &str, more: &str| {
        let digest = Digest::of(name.as_bytes());
        format!("[[token]]\nname = '{name}'\nsha256 = '{digest}'\n{more}\n")
    };
    let text = entry("root", "admin = true") + &entry("eve", "subscribe = ['**']");
    let auth = Auth::default().tokens(Tokens::parse(&text).expect("tokens"));
    let settings = Settings::default().auth(Some(auth));
    let world = World::with(options(), settings, Arc::new(MemoryStore::default()));
    world.publish("m");
    for (topics, token, expected) in [
        ("$gotify.**", "root", 200),
        ("$gotify.1.*", "eve", 403),
        ("$gotify.1.*", world.client.as_str(), 200),
        ("a", &world.client, 403),
        ("a", &world.application, 401),
    ] {
        assert_eq!(poll(&world, topics, token).0, expected, "{topics} {token}");
    }
}

#[test]
// req: gotify-topics-03
fn a_deleted_client_stops_reading_there() {
    let world = World::start();
    let mut client = reading(&world, "");
    world.publish("m");
    assert!(client.text().contains("\"m\""));
    let answer = world.ask("DELETE", "/client/1", &key(&world.client), "");
    assert_eq!(status(&answer), 200);
    world.turns.advance(1_000);
    client.expect_close(4001);
}

#[test]
// req: push-rates-02
fn a_client_that_reads_there_counts() {
    let settings = Settings::default().connections_per_token(2);
    let world = World::with(options(), settings, Arc::new(MemoryStore::default()));
    let first = reading(&world, "");
    let _stream = world.stream();
    let answer = world.handshake(&target(&world), "");
    assert_eq!(
        (answer.status, answer.field("retry-after")),
        (429, Some("5"))
    );
    drop(first);
    world.turns.run();
    reading(&world, "");
}

/// Streams and subscriptions of one client count together, whatever their addresses are.
#[test]
fn a_client_that_reads_there_has_the_rate_of_its_token() {
    let settings = Settings::default().handshake_rate("2/m".parse().ok());
    let proxies = vec!["127.0.0.0/8".parse().expect("a proxy")];
    let options = options().trusted_proxies(proxies);
    let world = World::with(options, settings, Arc::new(MemoryStore::default()));
    let from = |host: u8| format!("X-Forwarded-For: 192.0.2.{host}\r\n");
    let _stream = world.stream();
    let _reading = reading(&world, &from(1));
    let answer = world.handshake(&target(&world), &from(2));
    assert_eq!(
        (answer.status, answer.field("retry-after")),
        (429, Some("30"))
    );
}

/// Another process takes over, with the same users.
#[test]
#[cfg(feature = "take-over")]
// req: push-upgrade-01
fn a_client_that_reads_there_goes_on_in_another_process() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let settings = || Settings::default().connections_per_token(1);
    let mut world = World::with(options(), settings(), Arc::clone(&store));
    let mut client = reading(&world, "");
    let (shared, _) = share(settings(), store, 1, Arc::default());
    let make = |worker: &Worker<_>| PushService::new(&shared, &worker.mailboxes);
    assert_eq!(world.turns.replace(options(), make), 1);
    world.shared = shared;
    world.publish("m");
    assert!(client.text().contains("\"m\""));
    let answer = world.handshake(&target(&world), "");
    assert_eq!(answer.status, 429, "it counts");
    let answer = world.ask("DELETE", "/client/1", &key(&world.client), "");
    assert_eq!(status(&answer), 200);
    world.turns.advance(1_000);
    client.expect_close(4001);
}
