//! One handshake at a time with one server: RFC 6455 section 4.1, item 2.

use crate::net_support::scripted::{Server, switch};
use crate::net_support::wait_until;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use wirebell::client;
use wirebell::client::{Client, Error, Options, ProxyChoice, Wait};

/// Counts connections whose handshake is not answered.
#[derive(Clone, Default)]
struct Unanswered {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Unanswered {
    fn begin(&self) {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
    }

    fn end(&self) {
        self.now.fetch_sub(1, SeqCst);
    }
}

/// A door that a script waits at until a test opens it.
#[derive(Clone, Default)]
struct Door(Arc<AtomicBool>);

impl Door {
    fn open(&self) {
        self.0.store(true, SeqCst);
    }

    fn wait(&self) {
        wait_until("the door", || self.0.load(SeqCst));
    }
}

/// Long enough for a second connection to come, were there one.
const SECOND: Duration = Duration::from_millis(100);

fn through(proxy: &Server) -> Options {
    let proxy = proxy.address().to_string().parse().unwrap();
    Options::default().proxy(ProxyChoice::Proxy(proxy))
}

#[test]
// req: 6455-4.1-05 6455-4.1-06 6455-4.1-07
fn handshakes_with_one_server_go_one_after_the_other() {
    let unanswered = Unanswered::default();
    let counted = unanswered.clone();
    let server = Server::each(move |number, peer| {
        counted.begin();
        let head = peer.head();
        thread::sleep(Duration::from_millis(15));
        counted.end();
        // A failure ends an attempt as well as a success.
        if number % 3 == 2 {
            peer.send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        } else {
            peer.send(switch(&head, ""));
        }
        peer.expect_gone();
    });
    let uri = &server.uri();
    // The same address, however it is named.
    let named = &format!("ws://localhost:{}/x", server.address().port());
    thread::scope(|scope| {
        let attempt = |i| {
            move || {
                let uri = if i % 2 == 0 { uri } else { named };
                Client::connect(uri, Options::default()).is_ok()
            }
        };
        let threads: Vec<_> = (0..10).map(|i| scope.spawn(attempt(i))).collect();
        let results = threads.into_iter().map(|thread| thread.join().unwrap());
        assert_eq!(results.filter(|ok| *ok).count(), 7);
    });
    assert_eq!(server.accepted(), 10);
    server.finish();
    assert_eq!(unanswered.most.load(SeqCst), 1);
}

/// Whoever knows the server may flood it.
#[test]
fn the_number_may_be_raised() {
    let door = Door::default();
    let held = door.clone();
    let server = Server::each(move |_, peer| {
        let head = peer.head();
        held.wait();
        peer.send(switch(&head, ""));
        peer.expect_gone();
    });
    thread::scope(|scope| {
        let connect = || {
            let options = Options::default().handshakes(3);
            drop(Client::connect(&server.uri(), options).unwrap());
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(connect)).collect();
        wait_until("three come", || server.accepted() == 3);
        thread::sleep(SECOND);
        assert_eq!(server.accepted(), 3);
        door.open();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
    assert_eq!(server.accepted(), 4);
    server.finish();
}

#[test]
// req: 6455-4.1-05 6455-4.1-06
fn a_second_one_waits_for_the_first_but_not_for_another_port() {
    let door = Door::default();
    let held = door.clone();
    let slow = Server::each(move |_, peer| {
        let head = peer.head();
        held.wait();
        peer.send(switch(&head, ""));
        peer.expect_gone();
    });
    let quick = Server::each(|_, peer| drop(peer.open()));
    thread::scope(|scope| {
        let connect = || drop(Client::connect(&slow.uri(), Options::default()).unwrap());
        let first = scope.spawn(connect);
        wait_until("the first comes", || slow.accepted() == 1);
        let second = scope.spawn(connect);
        // Same address, other port: erratum 3473.
        drop(Client::connect(&quick.uri(), Options::default()).unwrap());

        // The time in the queue does not count, however little there is for the handshake.
        let hasty = || {
            let options = Options::default()
                .limits(client::Limits::default().open_ms(10 * SECOND.as_millis() as u32));
            drop(Client::connect(&slow.uri(), options).unwrap());
        };
        let hasty = scope.spawn(hasty);
        thread::sleep(11 * SECOND);
        assert_eq!(slow.accepted(), 1);
        door.open();
        for thread in [first, second, hasty] {
            thread.join().unwrap();
        }
    });
    assert_eq!(slow.accepted(), 3);
    slow.finish();
    quick.finish();
}

#[test]
// req: 6455-4.1-07
fn the_next_goes_on_after_each_kind_of_failure() {
    let server = Server::each(|number, peer| {
        let head = peer.head();
        match number {
            0 => return,
            1 => peer.send("HTTP/1.1 101 Nonsense\r\n\r\n"),
            2 => {}
            3 => peer.send(switch(&head, "")),
            _ => unreachable!("four attempts"),
        }
        peer.expect_gone();
    });
    let options = |open_ms| Options::default().limits(client::Limits::default().open_ms(open_ms));
    let mut results = Vec::new();
    for open_ms in [10_000, 10_000, 500, 10_000] {
        results.push(Client::connect(&server.uri(), options(open_ms)));
    }
    assert!(matches!(results[0], Err(Error::Lost(_))), "{results:?}");
    assert!(
        matches!(results[1], Err(Error::BadResponse(_))),
        "{results:?}"
    );
    assert!(
        matches!(results[2], Err(Error::TimedOut(Wait::Open))),
        "{results:?}"
    );
    assert!(results[3].is_ok(), "{results:?}");
    drop(results);
    server.finish();
}

#[test]
// req: 6455-4.1-08
fn behind_a_proxy_each_name_is_a_server() {
    let door = Door::default();
    let held = door.clone();
    let proxy = Server::each(move |_, peer| {
        let head = peer.head();
        assert!(head.starts_with("CONNECT "), "{head}");
        held.wait();
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        peer.open();
        peer.expect_gone();
    });
    thread::scope(|scope| {
        let connect = |uri| {
            let options = through(&proxy);
            move || drop(Client::connect(uri, options).unwrap())
        };
        let mut threads = vec![scope.spawn(connect("ws://a.example/"))];
        wait_until("the first comes", || proxy.accepted() == 1);
        // The same server, whatever is asked of it.
        threads.push(scope.spawn(connect("ws://A.example:80/other")));
        thread::sleep(SECOND);
        assert_eq!(proxy.accepted(), 1);

        threads.push(scope.spawn(connect("ws://b.example/")));
        threads.push(scope.spawn(connect("ws://a.example:81/")));
        wait_until("other names come", || proxy.accepted() == 3);
        thread::sleep(SECOND);
        assert_eq!(proxy.accepted(), 3);
        door.open();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert_eq!(proxy.accepted(), 4);
    proxy.finish();
}

#[test]
// req: 6455-4.1-08
fn not_too_many_names_at_a_time() {
    const MOST: usize = 16;
    let door = Door::default();
    let (unanswered, held) = (Unanswered::default(), door.clone());
    let counted = unanswered.clone();
    let proxy = Server::each(move |_, peer| {
        counted.begin();
        peer.head();
        held.wait();
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        let head = peer.head();
        counted.end();
        peer.send(switch(&head, ""));
        peer.expect_gone();
    });
    thread::scope(|scope| {
        let threads: Vec<_> = (0..MOST + 4)
            .map(|i| {
                let options = through(&proxy);
                let uri = format!("ws://many{i}.example/");
                scope.spawn(move || drop(Client::connect(&uri, options).unwrap()))
            })
            .collect();
        // Other tests may have some of the places.
        wait_until("most of them come", || proxy.accepted() > MOST / 2);
        thread::sleep(SECOND);
        door.open();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert_eq!(proxy.accepted(), MOST + 4);
    proxy.finish();
    assert!(unanswered.most.load(SeqCst) <= MOST);
}
