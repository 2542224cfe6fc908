//! What comes of a server that cannot be reached, ends too soon, or says nothing.

use crate::net_support::scripted::{Peer, Server, switch};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use wirebell::client::{Client, Endpoint, Error, Options, Wait};
use wirebell::http::HeadLimits;
use wirebell::{BadResponse, client};

/// Options that give up soon.
fn hasty() -> Options {
    Options::default().limits(client::Limits::default().open_ms(500))
}

#[test]
fn a_head_has_a_limit() {
    for endless in [false, true] {
        let server = Server::once(move |peer| {
            let head = peer.head();
            let more = format!("X: {}\r\n", "y".repeat(1000));
            let answer = switch(&head, &more);
            peer.try_send(if endless {
                answer.trim_end().repeat(100)
            } else {
                answer
            });
            peer.expect_gone();
        });
        let options = Options::default()
            .limits(client::Limits::default().head(HeadLimits::default().bytes(1000)));
        match Client::connect(&server.uri(), options) {
            Err(Error::BadResponse(BadResponse::HeadTooLong)) => {}
            other => panic!("{other:?}"),
        }
        server.finish();
    }
}

#[test]
// req: 6455-4.1-13 6455-7.2.1-01
fn a_connection_that_cannot_be_opened_is_a_failure() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ws://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let refused = Client::connect(&uri, Options::default());
    assert!(matches!(refused, Err(Error::Connect(_))), "{refused:?}");

    let unknown = Client::connect("ws://no-such-host.invalid/", Options::default());
    assert!(matches!(unknown, Err(Error::Lookup(_))), "{unknown:?}");

    for answer in [
        "",
        "HTTP/1.1 101 Sw",
        "HTTP/1.1 101 Switching Protocols\r\nUp",
    ] {
        let server = Server::once(move |peer| {
            peer.head();
            peer.send(answer);
            peer.end_writing();
            peer.expect_gone();
        });
        let lost = Client::connect(&server.uri(), Options::default());
        assert!(matches!(lost, Err(Error::Lost(None))), "{lost:?}");
        server.finish();
    }
}

#[test]
// req: 6455-4.1-13
fn the_first_address_that_takes_the_connection_is_the_one() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = listener.local_addr().expect("an address");
    drop(listener);
    let server = Server::opened(Peer::expect_gone);
    let addresses = vec![closed, server.address(), closed];
    let endpoint = Endpoint::at("ws://many.example/", hasty(), addresses).expect("addresses");
    let client = Client::open(&endpoint).expect("the second");
    assert_eq!(client.peer_addr().expect("an address"), server.address());
    drop(client);
    let none = Endpoint::at("ws://none.example/", hasty(), Vec::new());
    assert!(matches!(none, Err(Error::Lookup(_))));
}

#[test]
// req: 6455-7.2.1-01
fn a_silent_server_is_not_waited_for() {
    for answer in [
        "",
        "HTTP/1.1 101 Switching",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
    ] {
        let server = Server::once(move |peer| {
            peer.head();
            peer.send(answer);
            peer.expect_gone();
        });
        match Client::connect(&server.uri(), hasty()) {
            Err(Error::TimedOut(Wait::Open)) => {}
            other => panic!("{other:?}"),
        }
        server.finish();
    }
}

#[test]
fn a_server_that_takes_no_request_is_not_waited_for() {
    let (done, wait) = channel::<()>();
    let server = Server::once(move |_| assert!(wait.recv().is_err()));
    // Writing the request down takes some of the time.
    let options = Options::default()
        .fields(vec![("X".into(), "y".repeat(16 * 1024 * 1024))])
        .limits(client::Limits::default().open_ms(2500));
    match Client::connect(&server.uri(), options) {
        Err(Error::TimedOut(Wait::Open)) => {}
        other => panic!("{other:?}"),
    }
    drop(done);
    server.finish();
}
