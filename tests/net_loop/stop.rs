//! A graceful stop: Close 1001 to all, no new connections, and an end in bounded time.

use crate::net_support::{
    Client, Ended, Happened, Probes, limits, options, options_with, protocol, wait_until,
};
use crate::support::frames::{close, text};
use std::net::TcpStream;
use wirebell::net::testing::{Network, Peer, Received};
use wirebell::net::{Context, PeerId, PostError, Reply, Request, Server, Service};
use wirebell::{CloseCode, Message};

#[test]
fn everybody_is_told_and_the_port_is_free() {
    let server = Probes::start(
        options_with(limits().protocol(protocol().close_ms(20_000).linger_ms(20_000))).workers(3),
    );
    let address = server.address();
    let mut clients: Vec<Client> = (0..12).map(|_| server.open()).collect();
    for _ in &clients {
        server.opened();
    }
    let mut idle = Client::connect(address);
    assert_eq!(
        idle.ask("GET /http HTTP/1.1\r\nHost: a\r\n\r\n").status,
        200
    );
    let mut begun = Client::connect(address);
    begun.send("GET /http HTTP/1.1\r\nHo");
    server.stop();
    idle.expect_end();
    for client in &mut clients {
        assert_eq!(client.expect_close(1001), "the server is stopping");
        client.send_frame(&close(1001, ""));
        client.expect_end();
    }
    wait_until("the port is closed", || {
        TcpStream::connect(address).is_err()
    });
    // Half a request may become a whole one; its answer is the last.
    let _ = begun.try_send("st: a\r\n\r\n");
    drop((clients, idle, begun));
    let ends: Vec<Happened> = server.finish();
    assert_eq!(ends.len(), 12);
    let clean = Ended {
        clean: true,
        code: CloseCode::new(1001),
    };
    for end in ends {
        assert!(
            matches!(end, Happened::Closed(_, _, end) if end == clean),
            "{end:?}"
        );
    }
    Probes::start(options())
        .open()
        .expect_echo("another server");
}

#[test]
fn peers_that_do_not_answer_are_left_behind() {
    let server = Probes::start(options_with(
        limits().protocol(protocol().close_ms(200).linger_ms(200)),
    ));
    let mut client = server.open();
    server.opened();
    let mut silent = Client::connect(server.address());
    let ends = server.finish();
    let lost = Ended {
        clean: false,
        code: None,
    };
    assert!(
        matches!(ends[..], [Happened::Closed(_, _, end)] if end == lost),
        "{ends:?}"
    );
    client.expect_close(1001);
    client.expect_gone();
    silent.expect_gone();
}

#[test]
fn a_request_that_was_under_way_is_answered() {
    let server = Probes::start(options());
    let mut client = Client::connect(server.address());
    client.send("POST /http HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    wait_until("it has been read", || server.counters().reads > 0);
    server.stop();
    let address = server.address();
    wait_until("it stops", || TcpStream::connect(address).is_err());
    client.send("lo");
    let response = client.response();
    assert_eq!(response.body, "POST /http - hello");
    assert_eq!(response.connection(), ["close"]);
    client.expect_end();
}

/// A server that has been dropped stops: its port can be bound again at once.
#[test]
fn a_server_that_is_dropped_stops() {
    for workers in [1, 3] {
        let make = |_: &wirebell::net::Worker<()>| Nothing;
        let options = options().workers(workers);
        let server = Server::bind("127.0.0.1:0", options.clone(), make).expect("a free port");
        let (address, mailbox) = (server.local_addr(), server.mailboxes()[0].clone());
        let mut client = Client::open(address);
        drop(server);
        assert!(TcpStream::connect(address).is_err(), "the port is closed");
        assert_eq!(client.expect_close(1001), "the server is stopping");
        client.send_frame(&close(1001, ""));
        client.expect_end();
        wait_until("the loop has ended", || {
            mailbox.post((), 0) == Err(PostError::Ended)
        });
        Server::bind(address, options, make).expect("the port is free");
    }
}

/// Half a server is worse than none: a panic ends all of it. Clients of its worker learn that the
/// server has failed, all others that it stops, and `join` says why.
#[test]
fn a_panic_of_one_worker_stops_the_others() {
    let options = options().workers(3);
    let server = Server::bind("127.0.0.1:0", options, |_| Nothing).expect("a free port");
    let address = server.local_addr();
    let mailboxes = server.mailboxes().to_vec();
    let mut others = 0;
    let mut clients: Vec<Client> = (0..12).map(|_| Client::open(address)).collect();
    clients[0].send_text("before");
    clients[0].send_text("panic");
    assert_eq!(
        clients[0].frame(),
        text("before"),
        "what was answered leaves"
    );
    assert_eq!(clients[0].frame(), close(1011, "the server has failed"));
    for client in &mut clients[1..] {
        let frame = client.frame();
        if frame == close(1001, "the server is stopping") {
            client.send_frame(&close(1001, ""));
            others += 1;
        } else {
            assert_eq!(frame, close(1011, "the server has failed"));
        }
    }
    assert!(others > 0, "all connections were on one worker");
    assert!(TcpStream::connect(address).is_err());
    let error = server.join().expect_err("it has not been stopped");
    assert_eq!(
        (error.reason.as_str(), error.panicked),
        ("as was asked", true)
    );
    for mailbox in mailboxes {
        assert_eq!(mailbox.post((), 0), Err(PostError::Ended));
    }
}

/// Takes every connection, and panics when it is asked to.
struct Nothing;

impl Service for Nothing {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        if message.as_text() == Some("panic") {
            panic!("as was asked");
        }
        let _ = context.send(peer, message);
    }
}

/// With many clients the Closes are spread evenly, and each client is served until its turn comes.
#[test]
fn closes_are_spread_over_the_time_for_draining() {
    let network = Network::new();
    let drains = |ms| options_with(limits().drain_ms(ms));
    for (ms, over) in [(10_000, 2_000), (1_000, 1_000)] {
        let mut server = network.serve(drains(ms), |_| Nothing);
        let mut peers: Vec<_> = (0..200).map(|_| server.open("/")).collect();
        let mut closed = 0;
        let mut count = |peers: &mut [Peer]| {
            for peer in peers {
                let received = peer.received().into_iter();
                for received in received.filter(|it| *it != Received::End) {
                    let text = "the server is stopping".to_owned();
                    let expected = Received::Close(CloseCode::new(1001), text);
                    assert_eq!(received, expected);
                    peer.close(CloseCode::GOING_AWAY, "");
                    closed += 1;
                }
            }
            closed
        };
        server.handle().stop();
        server.run();
        assert_eq!(count(&mut peers), 1, "one at once");
        for quarter in 1..4 {
            server.advance(over / 4);
            assert_eq!(count(&mut peers), 1 + quarter * 50, "{ms}");
        }
        let last = &mut peers[199];
        last.message(Message::text("still here"));
        server.run();
        assert_eq!(last.received(), [Received::text("still here")]);
        server.advance(over / 4 - 1);
        assert_eq!(count(&mut peers), 200);
        // Our side has ended, and theirs is not waited for.
        server.advance(2_000);
        assert!(server.has_ended(), "nobody is left");
    }
}

/// A few clients do not make a stop last.
#[test]
fn few_clients_are_no_crowd() {
    let network = Network::new();
    let mut server = network.serve(options_with(limits().drain_ms(10_000)), |_| Nothing);
    let mut peers: Vec<_> = (0..3).map(|_| server.open("/")).collect();
    server.handle().stop();
    server.advance(20);
    for peer in &mut peers {
        assert!(matches!(peer.received()[..], [Received::Close(..)]));
    }
    server.advance(2_000);
    assert!(server.has_ended());
}
