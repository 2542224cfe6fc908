//! `/stream`: messages as they come, and how it ends.

use super::{World, basic, key, status};
use crate::net_support::{limits, options, options_with};
use crate::support::frames::{close, text};
use std::sync::Arc;
use std::time::Duration;
use wirebell::net::Options;
use wirebell::push::{MemoryStore, Settings};

fn world(options: Options) -> World {
    World::with(
        options,
        Settings::default(),
        Arc::new(MemoryStore::default()),
    )
}

#[test]
// req: gotify-stream-01 gotify-stream-03
fn every_stream_of_a_user_gets_the_messages_and_nothing_else() {
    let world = world(options().workers(2));
    let mut all: Vec<_> = (0..4).map(|_| world.stream()).collect();
    for n in 1..=3 {
        world.publish(&n.to_string());
    }
    world.delete("/message/2");
    world.publish("4");
    for stream in &mut all {
        for n in 1..=4 {
            let message = stream.message();
            assert_eq!(
                (&message["id"], message["message"].as_str()),
                (&n.into(), Some(&*n.to_string()))
            );
        }
        stream.expect_silence(Duration::from_secs(1));
    }
}

#[test]
// req: gotify-stream-02
fn there_is_no_compression() {
    let world = World::start();
    let target = format!("/stream?token={}", world.client);
    let mut client = world.turns.connect();
    assert_eq!(client.negotiate(&target, "permessage-deflate"), None);
    world.publish(&"a".repeat(1_000));
    assert_eq!(client.message()["id"], 1);
}

#[test]
// req: gotify-stream-04
fn what_is_published_while_the_answer_is_on_its_way_is_not_lost() {
    let world = World::start();
    let mut client = world.turns.connect();
    let upgrade = crate::net_support::client::upgrade;
    client.send(upgrade(&format!("//stream?token={}", world.client), ""));
    world.publish("1");
    client.expect_switch();
    assert_eq!(client.message()["id"], 1);
    let upgrade = upgrade(&format!("/stream?token={}", world.client), "");
    client = world.turns.connect();
    client.send(upgrade);
    world.delete("/client/1");
    client.expect_switch();
    client.expect_end();
}

#[test]
// req: gotify-stream-05
fn only_a_client_may_listen() {
    let world = World::start();
    let of_app = format!("/stream?token={}", world.application);
    for (target, fields, expected) in [
        ("/stream", String::new(), 401),
        ("/stream", key("Cwrong"), 401),
        (&*of_app, String::new(), 401),
        (
            "/stream",
            format!("Origin: https://evil.example\r\n{}", key(&world.client)),
            403,
        ),
        ("/stream", basic("admin", "wrong"), 401),
    ] {
        assert_eq!(
            status(&world.handshake(target, &fields)),
            expected,
            "{fields}"
        );
    }
    let admin = basic("admin", &world.password);
    let mut client = world.turns.connect();
    client.send(crate::net_support::client::upgrade("/stream", &admin));
    client.expect_switch();
    world.publish("1");
    assert_eq!(client.message()["id"], 1);
}

#[test]
// req: gotify-stream-06
fn the_end_of_the_client_is_answered() {
    let world = World::start();
    let mut stream = world.stream();
    stream.send_text("ignored");
    world.publish("1");
    assert_eq!(stream.message()["id"], 1);
    stream.send_frame(&close(1000, b""));
    stream.expect_close(1000);
    stream.expect_end();
    assert_eq!(world.shared.broker().connections(), 0);
    let mut stream = world.stream();
    stream.send_frame(&text("x".repeat(65)));
    stream.expect_close(1009);
}

#[test]
// req: gotify-stream-07
fn a_deleted_client_gets_its_last_message_and_then_the_end() {
    let world = world(options().workers(2));
    let admin = basic("admin", &world.password);
    let other = world.token("/client?name=other", &admin);
    let mut stays = world
        .turns
        .connect()
        .upgraded(&format!("/stream?token={other}"));
    let mut all: Vec<_> = (0..4).map(|_| world.stream()).collect();
    for stream in &mut all {
        // What is not read must not become a reset.
        stream.send_text("unread");
    }
    world.publish("last");
    world.delete("/client/1");
    for stream in &mut all {
        assert_eq!(stream.message()["message"], "last");
        stream.expect_end();
    }
    let answer = world.ask("GET", "/message", &key(&world.client), "");
    assert_eq!(status(&answer), 401);
    world.publish("more");
    assert_eq!(stays.message()["message"], "last");
    assert_eq!(stays.message()["message"], "more");
    assert_eq!(world.shared.broker().connections(), 1);
}

#[test]
// req: gotify-stream-08
fn a_reader_that_stalls_is_ended_without_a_close_and_holds_up_nobody() {
    let world = world(options_with(limits().queued_bytes(64 * 1024)));
    let mut stalls = world.stream();
    let text = "x".repeat(20_000);
    let mut count = 0;
    while world.shared.broker().connections() > 0 {
        world.publish(&text);
        count += 1;
        assert!(count < 10_000, "it ends");
    }
    let mut last = 0;
    while let Some(sent) = stalls.next_frame() {
        assert_eq!(sent.first, 0x81, "a text, and never a Close");
        last += 1;
    }
    assert!(last > 0 && last < count, "{last} of {count}");
}

#[test]
// req: gotify-stream-09
fn a_graceful_stop_has_no_close() {
    let world = World::start();
    let mut stream = world.stream();
    world.publish("last");
    world.shared.stop();
    world.turns.stop();
    assert_eq!(stream.message()["message"], "last");
    stream.expect_end();
}

#[test]
// req: push-rates-02
fn a_client_has_so_many_streams() {
    let settings = Settings::default().connections_per_token(1);
    let world = World::with(options(), settings, Arc::new(MemoryStore::default()));
    let first = world.stream();
    let answer = world.handshake(&format!("/stream?token={}", world.client), "");
    assert_eq!(
        (answer.status, answer.field("retry-after")),
        (429, Some("5"))
    );
    assert!(answer.body.contains("\"errorCode\":429"), "{answer:?}");
    drop(first);
    world.turns.run();
    world.stream();
}
