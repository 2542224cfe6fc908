//! Order per topic under concurrent publishers: no subscriber sees a message twice, none misses
//! one, each publisher's messages come in its order, and all subscribers see the same order.

use crate::net_support::push::{publication, registration};
use crate::net_support::{Client, Push, limits, options_with};
use crate::support::Rng;
use crate::support::frames::{ping, pong};
use std::collections::HashMap;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use wirebell::push::Settings;

const PUBLISHERS: usize = 4;
const EACH: usize = 150;

fn server() -> Push {
    let options = options_with(limits().queued_bytes(64 << 20)).workers(3);
    Push::start(options, Settings::default())
}

/// Publishes numbered messages of changing length; odd publishers over HTTP, even ones from the
/// program, and tells of each. How many each was sent to, as the publisher was told.
fn publish(push: &Push, publisher: usize, published: &Sender<()>) -> Vec<usize> {
    let mut rng = Rng::new(publisher as u64 + 1);
    let mut http = push.connect();
    let mut one = |n: usize| {
        let message = format!("{publisher} {n} {}", "x".repeat(rng.below(3000)));
        if rng.one_in(20) {
            thread::yield_now();
        }
        let _ = published.send(());
        if publisher.is_multiple_of(2) {
            return push.server().push("a", "e", &message).expect("it runs");
        }
        let response = http.post("/push", "", &publication("a", "e", &message));
        assert_eq!(response.status, 200);
        let count = response.body.split(' ').find_map(|word| word.parse().ok());
        count.expect("a number")
    };
    (0..EACH).map(&mut one).collect()
}

/// A subscriber, and what it has seen.
type Reader = (Client, Vec<(usize, usize)>);

/// A subscriber while others publish: what comes before the answer to its Ping counts as well.
fn join(push: &Push) -> Reader {
    let mut client = push.open();
    client.send_text(&registration("a", "e"));
    client.send_frame(&ping(b"joined?"));
    let mut seen = Vec::new();
    loop {
        let frame = client.frame();
        if frame == pong(b"joined?") {
            return (client, seen);
        }
        let text = String::from_utf8(frame.payload).expect("UTF-8");
        seen.push(numbers(&text));
    }
}

/// A subscriber with little room, which is to fall behind.
fn narrow(push: &Push) -> Reader {
    let mut client = Client::connect_narrow(push.address()).upgraded("/ws");
    client.register(&registration("a", "e"));
    (client, Vec::new())
}

/// Publisher and number of a message.
fn numbers(text: &str) -> (usize, usize) {
    let mut parts = text.split(' ').map(|part| part.parse().ok());
    let mut number = || parts.next().flatten().expect("a number");
    (number(), number())
}

/// Publisher and number of each message, until the last text, after those seen before.
fn collect((mut client, mut seen): Reader) -> Vec<(usize, usize)> {
    loop {
        let text = client.text();
        if text == "end" {
            return seen;
        }
        seen.push(numbers(&text));
    }
}

fn check_each_publisher(seen: &[(usize, usize)]) {
    let mut last = HashMap::new();
    for (publisher, n) in seen {
        let before = last.insert(publisher, *n);
        let in_order = before.is_none_or(|before| before + 1 == *n);
        assert!(in_order, "{publisher}: {n} behind {before:?}");
    }
}

/// Each message was sent to exactly as many as its publisher was told, also while others joined.
fn check_counts(seen: &[Vec<(usize, usize)>], counts: &[Vec<usize>]) {
    for (publisher, n) in &seen[0] {
        let receivers = seen
            .iter()
            .filter(|seen| seen.contains(&(*publisher, *n)))
            .count();
        assert_eq!(receivers, counts[*publisher][*n], "{publisher} {n}");
    }
}

#[test]
fn all_subscribers_see_one_order_without_gaps() {
    let push = server();
    let quick: Vec<Reader> = (0..6)
        .map(|_| (push.subscribe("a", "e"), Vec::new()))
        .collect();
    let mut slow: Vec<Reader> = (0..3).map(|_| narrow(&push)).collect();
    let mut all = Vec::new();
    let mut late = Vec::new();
    let mut counts = Vec::new();
    thread::scope(|scope| {
        let spawn = |reader: Reader| scope.spawn(move || collect(reader));
        let mut first: Vec<_> = quick.into_iter().map(spawn).collect();
        let (published, publications) = channel();
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let (push, published) = (&push, published.clone());
                scope.spawn(move || publish(push, publisher, &published))
            })
            .collect();
        drop(published);
        let mut joining = Vec::new();
        for _ in 0..6 {
            assert_eq!(publications.iter().take(80).count(), 80);
            joining.push(spawn(join(&push)));
            for (client, seen) in &mut slow {
                seen.extend((0..20).map(|_| numbers(&client.text())));
            }
        }
        for publisher in publishers {
            counts.push(publisher.join().expect("published"));
        }
        first.extend(slow.into_iter().map(spawn));
        assert_eq!(push.server().push("a", "e", "end"), Ok(15));
        all.extend(first.into_iter().map(|reader| reader.join().expect("read")));
        late.extend(
            joining
                .into_iter()
                .map(|reader| reader.join().expect("read")),
        );
    });
    assert_eq!(all[0].len(), PUBLISHERS * EACH);
    check_each_publisher(&all[0]);
    for seen in &all {
        assert!(*seen == all[0], "another order");
    }
    for seen in &late {
        assert!(all[0].ends_with(seen), "not the end of the same order");
    }
    all.append(&mut late);
    check_counts(&all, &counts);
}

#[test]
fn topics_do_not_mix_while_subscribers_come_and_go() {
    let push = server();
    let mut steady = push.subscribe("a", "e");
    thread::scope(|scope| {
        let push = &push;
        for user in ["b", "c"] {
            scope.spawn(move || {
                for n in 0..60 {
                    let mut client = push.subscribe(user, "e");
                    let message = format!("{user} {n}");
                    assert_eq!(push.server().push(user, "e", &message), Ok(1));
                    client.expect_text(&message);
                    client.finish(1000);
                }
            });
        }
        for n in 0..500 {
            assert_eq!(push.server().push("a", "e", &n.to_string()), Ok(1));
        }
        for n in 0..500 {
            steady.expect_text(&n.to_string());
        }
    });
    steady.expect_nothing();
}
