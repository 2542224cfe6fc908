//! Several workers: what any thread publishes reaches the subscribers of all of them.

use crate::net_support::{Client, Happened, Probes, options};
use std::collections::HashMap;
use std::thread;
use wirebell::Message;
use wirebell::net::SharedFrame;

const WORKERS: usize = 3;

fn server() -> Probes {
    Probes::start(options().workers(WORKERS))
}

/// Opens connections until every worker has some; the kernel chooses where each goes.
fn spread(server: &Probes) -> Vec<Client> {
    let mut clients = Vec::new();
    let mut seen = [false; WORKERS];
    while clients.len() < 12 || seen.contains(&false) {
        assert!(clients.len() < 300, "the kernel uses all listeners");
        clients.push(server.open());
        match server.event() {
            Happened::Opened(worker, _) => seen[worker] = true,
            other => panic!("{other:?}"),
        }
    }
    clients
}

#[test]
fn publications_of_several_threads_arrive_in_order_and_once() {
    const PUBLISHERS: usize = 3;
    const EACH: usize = 200;
    let server = server();
    let mut clients = spread(&server);
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let rooms = server.rooms();
            scope.spawn(move || {
                for n in 0..EACH {
                    let frame = SharedFrame::new(Message::text(&format!("{publisher} {n}")));
                    rooms.publish(&frame);
                }
            });
        }
        for client in &mut clients {
            let mut next = HashMap::new();
            for _ in 0..PUBLISHERS * EACH {
                let text = client.text();
                let (publisher, n) = text.split_once(' ').expect("two numbers");
                let expected = next.entry(publisher.to_owned()).or_insert(0);
                assert_eq!(n, expected.to_string(), "publisher {publisher}");
                *expected += 1;
            }
        }
    });
    // None comes twice.
    for client in &mut clients {
        client.expect_echo("nothing more");
    }
}

#[test]
fn a_connection_stays_with_its_worker() {
    let server = server();
    let mut clients = spread(&server);
    let count = clients.len();
    for client in &mut clients {
        client.finish(1000);
    }
    drop(clients);
    let mut closed = 0;
    while closed < count {
        match server.event() {
            Happened::Closed(worker, peer, end) => {
                assert!(end.clean);
                let again = server.run_on(worker, move |context, _| context.tag(peer));
                assert!(again.is_none() || again == Some(0));
                closed += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(server.finish().is_empty());
}
